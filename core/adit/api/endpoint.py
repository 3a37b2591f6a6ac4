"""An endpoint: what really counts as one peer when associations are limited."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from adit.api.dicom_server import DicomServerSpec


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Host, port and called AE title; two DicomServer objects that name the same one share its caps."""

    host: str
    port: int
    ae_title: str

    def __str__(self) -> str:
        return f"{self.ae_title}@{self.host}:{self.port}"


def endpoint_of(spec: DicomServerSpec) -> Endpoint:
    """The endpoint that a server's associations count on: its DICOM port, else its DICOMweb root."""
    if spec.dimse is not None:
        return Endpoint(spec.dimse.host.lower(), spec.dimse.port, spec.ae_title)
    assert spec.dicomweb is not None
    url = urlsplit(spec.dicomweb.url)
    return Endpoint((url.hostname or "").lower(), url.port or (443 if url.scheme == "https" else 80), spec.ae_title)
