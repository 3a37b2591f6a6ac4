"""Manifests for tests of the command line, as values and as files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml

from adit.api.model import API_VERSION
from adit.testing.datasets import Study

Manifest = dict[str, Any]


class Listening(Protocol):
    """A PACS that listens: the loopback one, Orthanc, dcmtk."""

    host: str
    ae_title: str

    @property
    def port(self) -> int:
        """Its DICOM port."""
        ...


def server(name: str, peer: Listening, **spec: Any) -> Manifest:
    """A DicomServer for a listening peer; it answers at once for what it stored, so that no test waits."""
    return server_at(name, peer.port, peer.ae_title, **spec)


def server_at(name: str, port: int, ae_title: str = "PACS", **spec: Any) -> Manifest:
    """A DicomServer on a loopback port."""
    return resource(
        "DicomServer",
        name,
        {
            "aeTitle": ae_title,
            "dimse": {"host": "127.0.0.1", "port": port, "responseTimeoutSeconds": 10},
            "verification": {"settleSeconds": 0},
            **spec,
        },
    )


def web_server(name: str, url: str, **web: Any) -> Manifest:
    """A DicomServer that only speaks DICOMweb."""
    spec = {"aeTitle": name.upper()[:16], "dicomweb": {"url": url, **web}, "verification": {"settleSeconds": 0}}
    return resource("DicomServer", name, spec)


def folder(name: str, claim: str) -> Manifest:
    """A DicomFolder."""
    return resource("DicomFolder", name, {"volume": {"claimName": claim}})


def secret(name: str, data: Mapping[str, str], **labels: str) -> Manifest:
    """A Secret of plain text values; labels by their last word."""
    marks = {f"adit.dev/{label}": value for label, value in labels.items()}
    metadata = {"name": name, **({"labels": marks} if marks else {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(data)}


def job(
    name: str,
    studies: Sequence[Study],
    *,
    source: str | Mapping[str, str] = "source",
    destination: str | Mapping[str, str] = "destination",
    **spec: Any,
) -> Manifest:
    """An identified TransferJob, one task per study; its patient is the study's."""
    tasks = [{"patientId": one.patient.patient_id, "studyInstanceUid": one.study_instance_uid} for one in studies]
    body = {
        "source": {"name": source} if isinstance(source, str) else dict(source),
        "destination": {"name": destination} if isinstance(destination, str) else dict(destination),
        "pseudonymization": {"identified": True, "reason": "a test"},
        "tasks": tasks,
        **spec,
    }
    return resource("TransferJob", name, body)


def resource(kind: str, name: str, spec: Mapping[str, Any]) -> Manifest:
    """An object of ours."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def write(path: Path, manifests: Iterable[Manifest]) -> Path:
    """A file of several documents; gives its path."""
    path.write_text(yaml.safe_dump_all(manifests, sort_keys=False, allow_unicode=True), "utf-8")
    return path
