"""The operator's settings: read once at the door, by ADIT's names in the environment where ADIT has one."""

import re
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adit.api.fields import OBJECT_NAME_PATTERN, AETitle, Host, Namespace, ObjectName
from adit.contract import RETRY_ENV, ReceiverSettings, RunnerSettings
from adit.errors import BadInput
from adit_operator.runner_pod import EVERYWHERE, RunnerPod

Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}(Ki|Mi|Gi|Ti)$")]
MAX_KEY_NAME = 250
RECEIVER_KEY = "adit-receiver-key"
# With room for the marker's `-id`.
KeyName = Annotated[str, StringConstraints(pattern=OBJECT_NAME_PATTERN, max_length=MAX_KEY_NAME)]
# A key by itself looks like a name, too: nobody calls a Secret by so many hexadecimal digits.
LOOKS_LIKE_A_KEY = re.compile(r"[0-9a-fA-F]{32,}")
SEED_IS_A_NAME = (
    "is the name of the Secret that holds the project key, such as adit-project-key, and never the seed itself: put "
    "the value into a Secret (docs/deidentification.md), and take it out of the environment"
)
Modality = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,16}$")]


class OperatorSettings(BaseSettings):
    """CALLING_AE_TITLE, EXCLUDE_MODALITIES (comma-separated), MOUNT_DIR and ADIT_RETRY_SECONDS go to the runners."""

    # what is refused may be a secret in the wrong place
    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, hide_input_in_errors=True)

    calling_ae_title: Annotated[AETitle, Field(alias="CALLING_AE_TITLE")] = "ADIT"
    exclude_modalities: Annotated[tuple[Modality, ...], NoDecode, Field(alias="EXCLUDE_MODALITIES", max_length=50)] = (
        "PR",
        "SR",
    )
    mount_dir: Annotated[str, Field(alias="MOUNT_DIR", max_length=500)] = "/mnt"
    runner_namespace: Annotated[Namespace, Field(alias="ADIT_RUNNER_NAMESPACE")] = "adit"
    runner_image: Annotated[str, Field(alias="ADIT_RUNNER_IMAGE", max_length=500)] = "adit-jobrunner:dev"
    runner_service_account: Annotated[ObjectName | None, Field(alias="ADIT_RUNNER_SERVICE_ACCOUNT")] = None
    # how much of a machine's disk one runner may fill; Kubernetes evicts it beyond that, one machine knows no limit
    spool_size: Annotated[Size, Field(alias="ADIT_SPOOL_SIZE")] = "20Gi"
    # JSON; where runners' pods run and what they may use
    runner_pod: Annotated[RunnerPod, Field(alias="ADIT_RUNNER_POD")] = EVERYWHERE
    # none: the jobs of all namespaces; else these, and of the runners' namespace its Jobs
    watch_namespaces: Annotated[
        tuple[Namespace, ...], NoDecode, Field(alias="ADIT_WATCH_NAMESPACES", max_length=500)
    ] = ()
    key_secret: Annotated[KeyName, Field(alias="ANONYMIZATION_SEED")] = "adit-project-key"  # noqa: S105  # a name
    # what sources are told to send to (C-MOVE); our calling AE title where none is given
    receiver_ae_title: Annotated[AETitle | None, Field(alias="RECEIVER_AE_TITLE")] = None
    # where the receiver hands out what came, each address a replica; without it there is no receiver
    receiver_host: Annotated[Host | None, Field(alias="ADIT_RECEIVER_HOST")] = None
    transmit_port: Annotated[int, Field(alias="ADIT_TRANSMIT_PORT", ge=1, le=65_535)] = 14638
    # in the runners' namespace, made where it is missing
    receiver_key_secret: Annotated[ObjectName, Field(alias="ADIT_RECEIVER_KEY_SECRET")] = RECEIVER_KEY
    # how many TaskSets are made, judged or removed in a second, by all jobs
    writes_per_second: Annotated[int, Field(alias="ADIT_WRITES_PER_SECOND", ge=1, le=1000)] = 10
    # between two writes of a job's status of which only numbers moved
    status_seconds: Annotated[float, Field(alias="ADIT_STATUS_SECONDS", ge=0, le=60)] = 5.0
    # how long a runner's Job, and with it its pod and log, is kept for people after its set is finished
    keep_runners_seconds: Annotated[float, Field(alias="ADIT_KEEP_RUNNERS_SECONDS", ge=0, le=31_536_000)] = 3600.0
    # how long a runner may take to begin, before its slot is given to another job
    runner_start_seconds: Annotated[float, Field(alias="ADIT_RUNNER_START_SECONDS", ge=60, le=86_400)] = 900.0
    # between two looks at a server that is down, and at one that answers
    probe_seconds: Annotated[float, Field(alias="ADIT_PROBE_SECONDS", gt=0, le=3600)] = 15.0
    reachable_seconds: Annotated[float, Field(alias="ADIT_REACHABLE_SECONDS", ge=1, le=86_400)] = 300.0
    retry_seconds: Annotated[float, Field(alias=RETRY_ENV, ge=0, le=86_400)] = 120.0

    @field_validator("exclude_modalities", "watch_namespaces", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("key_secret", mode="before")
    @classmethod
    def _a_name(cls, value: object) -> object:
        named = isinstance(value, str) and re.fullmatch(OBJECT_NAME_PATTERN, value) and len(value) <= MAX_KEY_NAME
        if not named or LOOKS_LIKE_A_KEY.fullmatch(str(value)):
            raise ValueError(SEED_IS_A_NAME)
        return value

    @model_validator(mode="after")
    def _two_keys(self) -> Self:
        if self.receiver_key_secret == self.key_secret:
            raise ValueError("ADIT_RECEIVER_KEY_SECRET is the Secret of ANONYMIZATION_SEED: these are two keys")
        return self

    @property
    def receiver(self) -> ReceiverSettings | None:
        """The receiver of this installation; None where there is none."""
        if self.receiver_host is None:
            return None
        ae_title = self.receiver_ae_title or self.calling_ae_title
        return ReceiverSettings(ae_title=ae_title, host=self.receiver_host, port=self.transmit_port)

    def for_runners(self, *, receiver: bool = False) -> RunnerSettings:
        """What every runner is given; where its source may need it, the receiver as well."""
        return RunnerSettings(
            calling_ae_title=self.calling_ae_title,
            exclude_modalities=self.exclude_modalities,
            mount_dir=self.mount_dir,
            receiver=self.receiver if receiver else None,
        )


def read_settings(**given: object) -> OperatorSettings:
    """The settings from the environment, and what is given. Raises BadInput that names variables, never values."""
    try:
        return OperatorSettings(**given)  # type: ignore[arg-type]  # checked by the model
    except ValidationError as error:
        raise BadInput("; ".join(problems_of(error)), reason="UnusableEnvironment") from None


def problems_of(error: ValidationError) -> list[str]:
    """What is wrong with the environment: a sentence per variable, without its value."""
    found = error.errors(include_input=False, include_url=False)
    return [f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in found]
