"""Whom an association is made with, as whom, and how long we wait: the part of a DicomServer that DIMSE needs."""

from dataclasses import dataclass, field
from typing import Self

from adit.api.dicom_server import DicomServerSpec, Dimse, Implementation, Tls
from adit.connectors.openings import UNCOUNTED, Openings
from adit.connectors.target import Target, TlsFiles
from adit.errors import BadInput


@dataclass(frozen=True, slots=True)
class Peer:
    """A DICOM application entity as we call it; time-outs are seconds."""

    name: str
    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str
    connect_timeout: float
    response_timeout: float
    implementation: Implementation = "Native"
    tls: Tls | None = None
    tls_files: TlsFiles | None = None
    openings: Openings = field(default=UNCOUNTED, repr=False, compare=False)

    @classmethod
    def of(cls, target: Target) -> Self:
        dimse = dimse_of(target)
        assert isinstance(target.spec, DicomServerSpec)
        return cls(
            name=target.name,
            host=dimse.host.strip("[]"),
            port=dimse.port,
            called_ae_title=target.spec.ae_title,
            calling_ae_title=dimse.calling_ae_title or target.calling_ae_title,
            connect_timeout=dimse.connect_timeout_seconds,
            response_timeout=dimse.response_timeout_seconds,
            implementation=dimse.implementation,
            tls=dimse.tls,
            tls_files=target.tls,
            openings=target.openings,
        )

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


def dimse_of(target: Target) -> Dimse:
    """The `dimse` block of a target; raises BadInput where there is none."""
    if not isinstance(target.spec, DicomServerSpec) or target.spec.dimse is None:
        raise BadInput(f"{target.name} has no spec.dimse: it cannot be reached over the DICOM upper layer")
    return target.spec.dimse
