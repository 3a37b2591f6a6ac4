"""What the program reads of its environment beyond the operator's own settings: its ports."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65_535)]


class ProgramSettings(BaseSettings):
    """Ports to listen on; 0 is none."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    health_port: Annotated[Port, Field(alias="ADIT_HEALTH_PORT")] = 8080
    metrics_port: Annotated[Port, Field(alias="ADIT_METRICS_PORT")] = 0
