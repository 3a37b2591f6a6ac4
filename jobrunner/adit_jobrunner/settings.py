"""The runner's settings: what its Job gives it in the environment, read once at the door."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from adit.api.fields import Namespace, ObjectName
from adit.contract import (
    ATTEMPT_ENV,
    CONFIG_ENV,
    METRICS_ENV,
    RETRY_ENV,
    SPOOL_ENV,
    TASKSET_NAME_ENV,
    TASKSET_NAMESPACE_ENV,
    TASKSET_UID_ENV,
)

Seconds = Annotated[float, Field(ge=0, le=86_400)]

# Embedded, a write costs a millisecond, so that every finished task is written down at once.
EMBEDDED_FLUSH_SECONDS, EMBEDDED_FLUSH_TASKS = 1.0, 1


class Settings(BaseSettings):
    """Which TaskSet, which attempt, where its files lie; the rest has the values of the contract."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    namespace: Annotated[Namespace, Field(alias=TASKSET_NAMESPACE_ENV)]
    name: Annotated[ObjectName, Field(alias=TASKSET_NAME_ENV)]
    uid: Annotated[str, Field(alias=TASKSET_UID_ENV, min_length=1, max_length=64)]
    attempt: Annotated[int, Field(alias=ATTEMPT_ENV, ge=0)] = 0
    config: Annotated[Path, Field(alias=CONFIG_ENV)]
    spool: Annotated[Path, Field(alias=SPOOL_ENV)]
    pod_name: Annotated[str, Field(alias="POD_NAME", max_length=253)] = ""
    pod_uid: Annotated[str, Field(alias="POD_UID", max_length=64)] = ""
    embedded: Annotated[str, Field(alias="ADIT_DATA", max_length=4096)] = ""
    flush_seconds_given: Annotated[Seconds | None, Field(alias="ADIT_FLUSH_SECONDS")] = None
    flush_tasks_given: Annotated[int | None, Field(alias="ADIT_FLUSH_TASKS", ge=1, le=100)] = None
    heartbeat_seconds: Annotated[Seconds, Field(alias="ADIT_HEARTBEAT_SECONDS")] = 10.0
    fence_seconds: Annotated[Seconds, Field(alias="ADIT_FENCE_SECONDS")] = 40.0
    retry_seconds: Annotated[Seconds, Field(alias=RETRY_ENV)] = 120.0
    # where Prometheus is answered; 0 is nowhere, and so is embedded, where many runners share one machine
    metrics_port_given: Annotated[int, Field(alias=METRICS_ENV, ge=0, le=65_535)] = 0
    grace_seconds: Annotated[Seconds, Field(alias="ADIT_GRACE_SECONDS")] = 20.0

    @property
    def flush_seconds(self) -> float:
        """How often the status is written while something changes: 10 s, embedded 1 s, unless given."""
        default = EMBEDDED_FLUSH_SECONDS if self.embedded else 10.0
        return default if self.flush_seconds_given is None else self.flush_seconds_given

    @property
    def flush_tasks(self) -> int:
        """After how many finished tasks it is written at the latest: 25, embedded 1, unless given."""
        return self.flush_tasks_given or (EMBEDDED_FLUSH_TASKS if self.embedded else 25)

    @property
    def metrics_port(self) -> int:
        return 0 if self.embedded else self.metrics_port_given
