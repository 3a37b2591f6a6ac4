"""DicomServer: one PACS, how it is reached, what it supports and how hard it may be used."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from adit.api.access import Consumer
from adit.api.conditions import Condition
from adit.api.fields import AETitle, CharacterSet, Host, Timestamp, Url, UrlPath
from adit.api.model import Model
from adit.api.references import SecretRef
from adit.api.rules import Rule, validations

QueryModel = Literal["PatientRoot", "StudyRoot"]
RetrieveMethod = Literal["CGet", "Wado", "CMove"]
StoreMethod = Literal["CStore", "Stow"]
VerificationMethod = Literal["Auto", "Instances", "Counts", "StoreResponses", "None"]

REACHABLE_SOMEHOW = Rule("has(self.dimse) || has(self.dicomweb)", "one of dimse and dicomweb must be given")
A_RUNNER_FITS = Rule(
    "!has(self.reservedInteractive) || self.reservedInteractive < self.maxAssociations",
    "reservedInteractive must be smaller than maxAssociations",
)


class Dimse(Model):
    """What the server does over the DICOM upper layer."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65535)]
    find: Annotated[tuple[QueryModel, ...], Field(max_length=2)] = ("PatientRoot", "StudyRoot")
    get: bool = True
    move: bool = False
    store: bool = True
    calling_ae_title: AETitle | None = None
    specific_character_set: CharacterSet = "ISO_IR 192"
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    response_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60


class Authorization(Model):
    """The value of the HTTP Authorization header, held in a Secret."""

    secret_ref: SecretRef


class DicomWeb(Model):
    """What the server does over HTTP (PS3.18)."""

    url: Url
    qido: bool = True
    wado: bool = True
    stow: bool = True
    qido_prefix: UrlPath = ""
    wado_prefix: UrlPath = ""
    stow_prefix: UrlPath = ""
    authorization: Authorization | None = None
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    response_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60


class Limits(Model):
    """How hard the server may be used; caps count per endpoint, runners get maxAssociations − reservedInteractive."""

    model_config = ConfigDict(json_schema_extra=validations(A_RUNNER_FITS))

    max_associations: Annotated[int, Field(ge=1, le=100)] = 4
    reserved_interactive: Annotated[int, Field(ge=0, le=99)] | None = None
    max_search_results: Annotated[int, Field(ge=1, le=10000)] = 200

    @property
    def reserve(self) -> int:
        """The interactive slots: 1 unless said otherwise, 0 where there is only one association."""
        if self.reserved_interactive is not None:
            return self.reserved_interactive
        return 1 if self.max_associations > 1 else 0

    @property
    def runner_slots(self) -> int:
        """Associations that runners may hold together."""
        return self.max_associations - self.reserve

    @model_validator(mode="after")
    def _a_runner_must_fit(self) -> "Limits":
        if self.reserve >= self.max_associations:
            raise ValueError(A_RUNNER_FITS.message)
        return self


class Verification(Model):
    """How a stored instance is proved to be at this server."""

    method: VerificationMethod = "Auto"
    settle_seconds: Annotated[int, Field(ge=0, le=3600)] = 10


class DicomServerSpec(Model):
    """A PACS; at least one of `dimse` and `dicomweb`."""

    model_config = ConfigDict(json_schema_extra=validations(REACHABLE_SOMEHOW))

    ae_title: AETitle
    dimse: Dimse | None = None
    dicomweb: DicomWeb | None = None
    retrieve_order: Annotated[tuple[RetrieveMethod, ...], Field(min_length=1, max_length=3)] = ("CGet", "Wado", "CMove")
    store_order: Annotated[tuple[StoreMethod, ...], Field(min_length=1, max_length=2)] = ("CStore", "Stow")
    limits: Limits = Limits()
    paused: bool = False
    verification: Verification = Verification()
    allowed_consumers: Annotated[tuple[Consumer, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _reachable_somehow(self) -> "DicomServerSpec":
        if self.dimse is None and self.dicomweb is None:
            raise ValueError(REACHABLE_SOMEHOW.message)
        return self


class DicomServerStatus(Model):
    """What the operator saw of the server."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    conditions: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
    last_probe_time: Timestamp | None = None
    allocated: Annotated[int, Field(ge=0)] = 0
