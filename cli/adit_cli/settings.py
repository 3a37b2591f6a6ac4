"""The program's settings by ADIT's names in the environment; read once per command."""

import os
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from adit.api.fields import AETitle
from adit.cluster.slots import ACQUIRE_SECONDS


class ProgramSettings(BaseSettings):
    """CALLING_AE_TITLE and MOUNT_DIR as the operator reads them; ADIT_SLOT_SECONDS is how long to wait for a slot."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    calling_ae_title: Annotated[AETitle, Field(alias="CALLING_AE_TITLE")] = "ADIT"
    mount_dir: Annotated[str, Field(alias="MOUNT_DIR", max_length=500)] = ""
    slot_seconds: Annotated[float, Field(alias="ADIT_SLOT_SECONDS", ge=0, le=3600)] = ACQUIRE_SECONDS
    process_id: int = Field(default_factory=os.getpid)
