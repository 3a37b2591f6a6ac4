"""An embedded cluster for tests, and manifests to put into it; every builder's result is a manifest of one's own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from adit.api.model import API_VERSION
from adit.cluster.cluster import Manifest
from adit.cluster.embedded import EmbeddedCluster


@asynccontextmanager
async def embedded_cluster(tmp_path: Path) -> AsyncIterator[EmbeddedCluster]:
    """A cluster of its own below a test's folder; open the same folder twice for a second client."""
    async with EmbeddedCluster.open(tmp_path / "data") as cluster:
        yield cluster


def metadata(name: str, labels: Mapping[str, str] | None = None, owner: Manifest | None = None) -> Manifest:
    """Name, labels and, where an object as read from the cluster is given, its owner."""
    described: Manifest = {"name": name}
    if labels:
        described["labels"] = dict(labels)
    if owner is not None:
        described["ownerReferences"] = [owner_reference(owner)]
    return described


def owner_reference(owner: Manifest) -> Manifest:
    """The controlling owner, as its dependents name it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def server_manifest(name: str = "pacs", *, port: int = 11112, labels: Mapping[str, str] | None = None) -> Manifest:
    """A DicomServer on the loopback interface."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DicomServer",
        "metadata": metadata(name, labels),
        "spec": {"aeTitle": name.upper()[:16], "dimse": {"host": "127.0.0.1", "port": port}},
    }


def folder_manifest(name: str = "archive", *, claim: str = "archive") -> Manifest:
    """A DicomFolder."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DicomFolder",
        "metadata": metadata(name),
        "spec": {"volume": {"claimName": claim}},
    }


def profile_manifest(name: str = "brain", **spec: object) -> Manifest:
    """A PseudonymizationProfile; `spec` in YAML's names."""
    return {
        "apiVersion": API_VERSION,
        "kind": "PseudonymizationProfile",
        "metadata": metadata(name),
        "spec": spec,
    }


def transfer_job_manifest(name: str = "night", *, studies: Sequence[str] = ("1.2.3",)) -> Manifest:
    """An identified TransferJob from server `pacs` to server `research`, one task per study."""
    return {
        "apiVersion": API_VERSION,
        "kind": "TransferJob",
        "metadata": metadata(name),
        "spec": {
            "source": {"name": "pacs"},
            "destination": {"name": "research"},
            "pseudonymization": {"identified": True, "reason": "a test"},
            "tasks": [{"patientId": f"P{i}", "studyInstanceUid": uid} for i, uid in enumerate(studies)],
        },
    }


def secret_manifest(
    name: str = "token",
    data: Mapping[str, str] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    immutable: bool = False,
) -> Manifest:
    """A Secret of plain text values."""
    secret: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(name, labels),
        "stringData": dict(data or {}),
    }
    return {**secret, "immutable": True} if immutable else secret


def config_map_manifest(
    name: str = "settings",
    data: Mapping[str, str] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    owner: Manifest | None = None,
) -> Manifest:
    """A ConfigMap: the plainest object there is."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(name, labels, owner),
        "data": dict(data or {}),
    }


def job_manifest(
    name: str = "work",
    program: str = "",
    *,
    labels: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    suspend: bool = False,
    grace_seconds: int = 5,
) -> Manifest:
    """A Job whose one pod runs a Python program, given as text, once."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(name, labels),
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "suspend": suspend,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "terminationGracePeriodSeconds": grace_seconds,
                    "containers": [
                        {
                            "name": "main",
                            "image": "python",
                            "command": ["python", "-c", program],
                            "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
                        }
                    ],
                }
            },
        },
    }
