"""The receiver's settings: read once at the door, from the environment."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adit.api.fields import AETitle
from adit.contract import METRICS_ENV
from adit.errors import BadInput
from adit.transmit.access import KEY_BYTES
from adit_receiver.adoption import LEASE_SECONDS
from adit_receiver.room import RESERVE_BYTES, Limits
from adit_receiver.service import Allowed

Network = IPv4Network | IPv6Network


class SpoolSettings(BaseSettings):
    """What a look into the spool needs."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    spool: Annotated[Path, Field(alias="ADIT_RECEIVER_SPOOL")] = Path("/var/spool/adit")


class ReceiverSettings(SpoolSettings):
    """Sizes are bytes; lists are separated by commas, and empty allow everybody."""

    ae_title: Annotated[AETitle, Field(alias="RECEIVER_AE_TITLE")] = "ADIT"
    host: Annotated[str, Field(alias="ADIT_RECEIVER_LISTEN", max_length=253)] = ""
    port: Annotated[int, Field(alias="ADIT_RECEIVER_PORT", ge=0, le=65_535)] = 11112
    transmit_host: Annotated[str, Field(alias="ADIT_TRANSMIT_LISTEN", max_length=253)] = ""
    transmit_port: Annotated[int, Field(alias="ADIT_TRANSMIT_PORT", ge=0, le=65_535)] = 14638
    metrics_port: Annotated[int, Field(alias=METRICS_ENV, ge=0, le=65_535)] = 0
    # whether several replicas write into one spool, each into its folder; else what others left is taken over at once
    shared: Annotated[bool, Field(alias="ADIT_RECEIVER_SPOOL_SHARED")] = False
    replica: Annotated[str, Field(alias="POD_NAME", pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")] = "receiver"
    # after how long a replica that shows no sign of life is thought dead; the same for all that share a spool
    lease_seconds: Annotated[float, Field(alias="ADIT_RECEIVER_LEASE_SECONDS", ge=1, le=3600)] = LEASE_SECONDS
    key_file: Annotated[Path, Field(alias="ADIT_RECEIVER_KEY_FILE")] = Path("/etc/adit/receiver/key")
    spool_bytes: Annotated[int, Field(alias="ADIT_RECEIVER_SPOOL_BYTES", ge=1 << 20)] = 8 << 30
    reserve_bytes: Annotated[int, Field(alias="ADIT_RECEIVER_RESERVE_BYTES", ge=0)] = RESERVE_BYTES
    quarantine_bytes: Annotated[int, Field(alias="ADIT_RECEIVER_QUARANTINE_BYTES", ge=0)] = 2 << 30
    quarantine_seconds: Annotated[float, Field(alias="ADIT_RECEIVER_QUARANTINE_SECONDS", ge=60)] = 7 * 86_400.0
    allowed_ae_titles: Annotated[
        tuple[AETitle, ...], NoDecode, Field(alias="ADIT_RECEIVER_ALLOWED_AE_TITLES", max_length=1000)
    ] = ()
    allowed_networks: Annotated[
        tuple[Network, ...], NoDecode, Field(alias="ADIT_RECEIVER_ALLOWED_NETWORKS", max_length=1000)
    ] = ()
    max_associations: Annotated[int, Field(alias="ADIT_RECEIVER_MAX_ASSOCIATIONS", ge=1, le=1000)] = 100
    # for measuring only: an instance is then as safe as the machine's memory
    fsync: Annotated[bool, Field(alias="ADIT_RECEIVER_FSYNC")] = True

    @field_validator("allowed_ae_titles", "allowed_networks", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def limits(self) -> Limits:
        return Limits(self.spool_bytes, self.quarantine_bytes, self.quarantine_seconds, self.reserve_bytes)

    @property
    def allowed(self) -> Allowed:
        return Allowed(frozenset(self.allowed_ae_titles), self.allowed_networks)

    def key(self) -> bytes:
        """The key that runners prove themselves with. Raises BadInput."""
        try:
            key = self.key_file.read_bytes()
        except OSError as error:
            raise BadInput(f"the receiver's key {self.key_file} cannot be read ({error.strerror})") from error
        if len(key) != KEY_BYTES:
            raise BadInput(f"the receiver's key {self.key_file} has not {KEY_BYTES} bytes")
        return key


def read_settings() -> ReceiverSettings:
    """From the environment. Raises BadInput, naming every variable that cannot be used."""
    try:
        return ReceiverSettings()
    except ValidationError as error:
        problems = [f"{one['loc'][0]}: {one['msg']}" for one in error.errors(include_input=False, include_url=False)]
        raise BadInput("; ".join(problems), reason="UnusableEnvironment") from None
