"""DicomServer: one PACS, how it is reached, what it supports and how hard it may be used."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from adit.api.access import Consumer
from adit.api.conditions import Condition
from adit.api.fields import AETitle, CharacterSet, Host, ObjectName, Timestamp, Url, UrlPath
from adit.api.model import Model
from adit.api.references import SecretRef
from adit.api.rules import Rule, validations
from adit.api.window import MAX_WINDOWS, Window

QueryModel = Literal["PatientRoot", "StudyRoot"]
RetrieveMethod = Literal["CGet", "Wado", "CMove"]
StoreMethod = Literal["CStore", "Stow"]
Implementation = Literal["Native", "Pynetdicom"]
TlsProfile = Literal["Bcp195", "ModifiedBcp195"]
VerificationMethod = Literal["Auto", "Instances", "Counts", "StoreResponses", "None"]

REACHABLE_SOMEHOW = Rule("has(self.dimse) || has(self.dicomweb)", "one of dimse and dicomweb must be given")
A_RUNNER_FITS = Rule(
    "!has(self.reservedInteractive) || self.reservedInteractive < self.maxAssociations",
    "reservedInteractive must be smaller than maxAssociations",
)


class Tls(Model):
    """A secured association (PS3.15 Annex B): the peer's certificate is always proved, ours is shown where asked."""

    profile: TlsProfile = "Bcp195"
    """The Secure Transport Connection Profile: BCP 195 (B.12), or its modification with a list of ciphers (B.13)."""
    certificate_authority: SecretRef | None = None
    """The PEM certificates that the peer's must come from; those that the machine trusts where absent."""
    client_certificate: ObjectName | None = None
    """The Secret (of type kubernetes.io/tls) with the certificate and key that we show; none where absent."""
    server_name: Host | None = None
    """The name that the peer's certificate must have; the host's where absent."""


class Dimse(Model):
    """What the server does over the DICOM upper layer."""

    host: Host
    """Host name or IP address."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """The port of the DICOM upper layer."""
    find: Annotated[tuple[QueryModel, ...], Field(max_length=2)] = ("PatientRoot", "StudyRoot")
    """The C-FIND models that it answers."""
    get: bool = True
    """Whether it answers C-GET."""
    move: bool = False
    """Whether it answers C-MOVE."""
    store: bool = True
    """Whether it takes C-STORE."""
    calling_ae_title: AETitle | None = None
    """The AE title that we call ourselves there; the installation's where absent."""
    specific_character_set: CharacterSet = "ISO_IR 192"
    """The character set of our queries (0008,0005)."""
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    """How long a connection may take to open."""
    response_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """How long an answer may take."""
    move_destinations: Annotated[tuple[AETitle, ...], Field(max_length=100)] = ()
    """AE titles of servers that it may send to itself (C-MOVE), where nothing is to be rewritten; none where empty."""
    implementation: Implementation = "Native"
    """Our own upper layer, or pynetdicom's for a peer that is at odds with ours."""
    tls: Tls | None = None
    """How associations are secured; not at all where absent."""


class Authorization(Model):
    """The value of the HTTP Authorization header, held in a Secret."""

    secret_ref: SecretRef
    """Where the header's value is kept, such as `Basic …` or `Bearer …`."""


class DicomWeb(Model):
    """What the server does over HTTP (PS3.18)."""

    url: Url
    """The root of the services, without credentials."""
    qido: bool = True
    """Whether it answers QIDO-RS."""
    wado: bool = True
    """Whether it answers WADO-RS."""
    stow: bool = True
    """Whether it takes STOW-RS."""
    qido_prefix: UrlPath = ""
    """What stands between the root and QIDO's resources."""
    wado_prefix: UrlPath = ""
    """What stands between the root and WADO's resources."""
    stow_prefix: UrlPath = ""
    """What stands between the root and STOW's resources."""
    authorization: Authorization | None = None
    """How we say who we are."""
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    """How long a connection may take to open."""
    response_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """How long an answer may take."""


class Limits(Model):
    """How hard the server may be used; caps count per endpoint, runners get maxAssociations − reservedInteractive."""

    model_config = ConfigDict(json_schema_extra=validations(A_RUNNER_FITS))

    max_associations: Annotated[int, Field(ge=1, le=100)] = 4
    """Associations (or HTTP connections) that may be open at once."""
    reserved_interactive: Annotated[int, Field(ge=0, le=99)] | None = None
    """How many of them are kept for people; 1 where absent, 0 where there is only one."""
    max_search_results: Annotated[int, Field(ge=1, le=10000)] = 200
    """How many answers a search may bring."""
    requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many requests all runners together may make in a minute; as many as they like where absent."""

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
    """Auto chooses what the server can answer; StoreResponses and None are not independent."""
    settle_seconds: Annotated[int, Field(ge=0, le=3600)] = 10
    """How long a server may take until it answers for what it has stored."""


class DicomServerSpec(Model):
    """A PACS; at least one of `dimse` and `dicomweb`."""

    model_config = ConfigDict(json_schema_extra=validations(REACHABLE_SOMEHOW))

    ae_title: AETitle
    """The AE title that the server is called by."""
    dimse: Dimse | None = None
    """How it is reached over the DICOM upper layer."""
    dicomweb: DicomWeb | None = None
    """How it is reached over HTTP."""
    retrieve_order: Annotated[tuple[RetrieveMethod, ...], Field(min_length=1, max_length=3)] = ("CGet", "Wado", "CMove")
    """Which way of fetching is preferred, of those it supports."""
    store_order: Annotated[tuple[StoreMethod, ...], Field(min_length=1, max_length=2)] = ("CStore", "Stow")
    """Which way of storing is preferred, of those it supports."""
    limits: Limits = Limits()
    """How hard it may be used."""
    windows: Annotated[tuple[Window, ...], Field(max_length=MAX_WINDOWS)] = ()
    """When runners may work with it; always where there is none, and jobs wait outside."""
    paused: bool = False
    """Whether no new work is started with it; jobs wait."""
    verification: Verification = Verification()
    """How what was stored is proved."""
    allowed_consumers: Annotated[tuple[Consumer, ...], Field(max_length=50)] = ()
    """Who else may use the server; without it only its own namespace."""

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
    """When it was last asked whether it is there."""
    allocated: Annotated[int, Field(ge=0)] = 0
    """Associations given to runners now."""
