"""The operator's settings: read once at the door, by ADIT's names in the environment where ADIT has one."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adit.api.fields import AETitle, Namespace, ObjectName
from adit.contract import RETRY_ENV, RunnerSettings

Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}(Ki|Mi|Gi|Ti)$")]
Modality = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,16}$")]


class OperatorSettings(BaseSettings):
    """CALLING_AE_TITLE, EXCLUDE_MODALITIES (comma-separated), MOUNT_DIR and ADIT_RETRY_SECONDS go to the runners."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

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
    # none: the jobs of all namespaces; else these, and of the runners' namespace its Jobs
    watch_namespaces: Annotated[
        tuple[Namespace, ...], NoDecode, Field(alias="ADIT_WATCH_NAMESPACES", max_length=500)
    ] = ()
    # how many TaskSets are made or removed in a second, by all jobs
    writes_per_second: Annotated[int, Field(alias="ADIT_WRITES_PER_SECOND", ge=1, le=1000)] = 10
    # between two writes of a job's status of which only numbers moved
    status_seconds: Annotated[float, Field(alias="ADIT_STATUS_SECONDS", ge=0, le=60)] = 5.0
    # how long a runner's Job, and with it its pod and log, is kept for people after its set is finished
    keep_runners_seconds: Annotated[float, Field(alias="ADIT_KEEP_RUNNERS_SECONDS", ge=0, le=31_536_000)] = 3600.0
    # between two looks at a server that is down, and at one that answers
    probe_seconds: Annotated[float, Field(alias="ADIT_PROBE_SECONDS", gt=0, le=3600)] = 15.0
    reachable_seconds: Annotated[float, Field(alias="ADIT_REACHABLE_SECONDS", ge=1, le=86_400)] = 300.0
    retry_seconds: Annotated[float, Field(alias=RETRY_ENV, ge=0, le=86_400)] = 120.0

    @field_validator("exclude_modalities", "watch_namespaces", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def for_runners(self) -> RunnerSettings:
        """What every runner is given."""
        return RunnerSettings(
            calling_ae_title=self.calling_ae_title,
            exclude_modalities=self.exclude_modalities,
            mount_dir=self.mount_dir,
        )
