"""The kinds that the cluster holds, and how one object is named."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object and where the API keeps it."""

    name: str
    group: str
    version: str
    plural: str
    short: str = ""

    @property
    def api_version(self) -> str:
        """As manifests write it."""
        return f"{self.group}/{self.version}" if self.group else self.version


DICOM_SERVER = Kind("DicomServer", "adit.dev", "v1alpha1", "dicomservers", "dcmsrv")
DICOM_FOLDER = Kind("DicomFolder", "adit.dev", "v1alpha1", "dicomfolders", "dcmfld")
TRANSFER_JOB = Kind("TransferJob", "adit.dev", "v1alpha1", "transferjobs", "tj")
PSEUDONYMIZATION_PROFILE = Kind("PseudonymizationProfile", "adit.dev", "v1alpha1", "pseudonymizationprofiles", "psp")
TASK_SET = Kind("TaskSet", "adit.dev", "v1alpha1", "tasksets", "ts")
JOB = Kind("Job", "batch", "v1", "jobs")
SECRET = Kind("Secret", "", "v1", "secrets")
CONFIG_MAP = Kind("ConfigMap", "", "v1", "configmaps")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        DICOM_SERVER,
        DICOM_FOLDER,
        TRANSFER_JOB,
        PSEUDONYMIZATION_PROFILE,
        TASK_SET,
        JOB,
        SECRET,
        CONFIG_MAP,
    )
}


def kind_named(word: str) -> Kind | None:
    """The kind that a person means: name, plural or short name, in any case."""
    wanted = word.lower()
    return next((k for k in KINDS.values() if wanted in {k.name.lower(), k.plural, k.short} - {""}), None)


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object's name; a value, never a formatted key."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> "Ref":
        """The name of the object that a manifest describes."""
        metadata = manifest["metadata"]
        return cls(manifest["kind"], metadata.get("namespace") or "default", metadata["name"])

    def __str__(self) -> str:
        return (
            f"{self.kind}/{self.name}" if self.namespace == "default" else f"{self.kind}/{self.namespace}/{self.name}"
        )
