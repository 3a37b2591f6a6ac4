"""What the program reads of its environment beyond the operator's own settings: its ports, and whether it is alone."""

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from adit.api.fields import NAMESPACE_PATTERN
from adit.cluster.kubernetes.leadership import OPERATOR

Port = Annotated[int, Field(ge=0, le=65_535)]
LeaseName = Annotated[str, StringConstraints(pattern=NAMESPACE_PATTERN, max_length=63)]


class ProgramSettings(BaseSettings):
    """Ports to listen on; 0 is none."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    health_port: Annotated[Port, Field(alias="ADIT_HEALTH_PORT")] = 8080
    metrics_port: Annotated[Port, Field(alias="ADIT_METRICS_PORT")] = 0
    # several operators, of which one decides: needed where there is more than one replica
    leader_election: Annotated[bool, Field(alias="ADIT_LEADER_ELECTION")] = False
    # what they ask each other for it by: those of another installation in the same namespace have another one
    lease_name: Annotated[LeaseName, Field(alias="ADIT_LEASE_NAME")] = OPERATOR
    pod_name: Annotated[str, Field(alias="POD_NAME", max_length=253)] = ""
