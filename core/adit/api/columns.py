"""What `kubectl get` shows of each kind, and the fields it can select on."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Column:
    """One column; those that are `wide` show with `-o wide` only."""

    name: str
    path: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    wide: bool = False

    def document(self) -> dict[str, Any]:
        """As an entry of additionalPrinterColumns."""
        priority = {"priority": 1} if self.wide else {}
        return {"name": self.name, "type": self.type, "jsonPath": self.path, **priority}


def _condition(kind: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].status'


AGE = Column("Age", ".metadata.creationTimestamp", "date")

COLUMNS: dict[str, tuple[Column, ...]] = {
    "DicomServer": (
        Column("AE Title", ".spec.aeTitle"),
        Column("Host", ".spec.dimse.host"),
        Column("Reachable", _condition("Reachable")),
        Column("Allocated", ".status.allocated", "integer"),
        Column("Limit", ".spec.limits.maxAssociations", "integer"),
        Column("Paused", ".spec.paused", "boolean", wide=True),
        Column("Port", ".spec.dimse.port", "integer", wide=True),
        Column("DICOMweb", ".spec.dicomweb.url", wide=True),
        AGE,
    ),
    "DicomFolder": (
        Column("Claim", ".spec.volume.claimName"),
        Column("Path", ".spec.volume.subPath"),
        Column("Ready", _condition("Ready")),
        AGE,
    ),
    "TransferJob": (
        Column("Source", ".spec.source.name"),
        Column("Destination", ".spec.destination.name"),
        Column("Phase", ".status.phase"),
        Column("Done", ".status.tasks.succeeded", "integer"),
        Column("Warned", ".status.tasks.warned", "integer"),
        Column("Failed", ".status.tasks.failed", "integer"),
        Column("Total", ".status.tasks.total", "integer"),
        Column("Priority", ".spec.priority", "integer", wide=True),
        Column("Message", ".status.message", wide=True),
        AGE,
    ),
    "PseudonymizationProfile": (
        Column("Options", ".spec.options"),
        Column("Private", ".spec.privateAttributes.policy"),
        Column("Pseudonyms", ".spec.pseudonymSource"),
        Column("Mapping", ".spec.mappingTable", "boolean", wide=True),
        AGE,
    ),
    "TaskSet": (
        Column("Owner", ".spec.owner.name"),
        Column("Round", ".spec.round", "integer"),
        Column("Holder", ".status.holder.podName"),
        Column("Ended", ".status.runner.ended.reason"),
        Column("Finished", ".status.verdict.finished", "boolean"),
        Column("Stop", ".spec.stop", wide=True),
        AGE,
    ),
}

# At most eight per kind, leaves with a plain type (KEP-4358).
SELECTABLE: dict[str, tuple[str, ...]] = {
    "DicomServer": (".spec.aeTitle", ".spec.paused"),
    "DicomFolder": (".spec.volume.claimName",),
    "TransferJob": (".spec.source.name", ".spec.destination.name", ".spec.priority", ".spec.suspend"),
    "PseudonymizationProfile": (
        ".spec.privateAttributes.policy",
        ".spec.pseudonymSource",
        ".spec.mappingTable",
    ),
    "TaskSet": (".spec.owner.name", ".spec.owner.uid", ".spec.source.name", ".spec.destination.name"),
}
