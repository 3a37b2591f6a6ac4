"""The columns that `adit get` prints for each kind: pure, from manifests to cells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, how its cell is read, and whether only `-o wide` shows it."""

    heading: str
    cell: Callable[[Manifest, datetime], str]
    wide: bool = False


def at(*path: str) -> Callable[[Manifest, datetime], str]:
    """The value at a path of the manifest, or nothing."""

    def cell(manifest: Manifest, _: datetime) -> str:
        value: Any = manifest
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return "" if value is None else str(value)

    return cell


def age(manifest: Manifest, now: datetime) -> str:
    """Time since creation, as kubectl writes it."""
    created = str(manifest["metadata"].get("creationTimestamp", ""))
    return duration(max(0, int((now - parsed(created)).total_seconds()))) if created else ""


def parsed(timestamp: str) -> datetime:
    """An RFC 3339 time of the API."""
    return datetime.fromisoformat(timestamp).astimezone(UTC)


def duration(seconds: int) -> str:
    """Seconds as a person reads them: the two largest units at most."""
    for unit, size, below in (("d", 86400, "h"), ("h", 3600, "m"), ("m", 60, "s")):
        if seconds >= size:
            rest = seconds % size // {"h": 3600, "m": 60, "s": 1}[below]
            return (
                f"{seconds // size}{unit}{rest}{below}" if rest and seconds < 10 * size else f"{seconds // size}{unit}"
            )
    return f"{seconds}s"


def condition(kind: str) -> Callable[[Manifest, datetime], str]:
    """The status of one condition."""

    def cell(manifest: Manifest, _: datetime) -> str:
        conditions = manifest.get("status", {}).get("conditions", ())
        return next((str(c["status"]) for c in conditions if c["type"] == kind), "Unknown")

    return cell


def _done(manifest: Manifest, _: datetime) -> str:
    tasks = manifest.get("status", {}).get("tasks", {})
    done = sum(tasks.get(state, 0) for state in ("succeeded", "warned", "failed", "canceled"))
    return f"{done}/{tasks.get('total', len(manifest['spec'].get('tasks', ())))}"


def _destination(manifest: Manifest, _: datetime) -> str:
    destination = manifest["spec"]["destination"]
    return f"{'folder ' if destination.get('kind') == 'DicomFolder' else ''}{destination['name']}"


def _web(manifest: Manifest, _: datetime) -> str:
    return str(manifest["spec"].get("dicomweb", {}).get("url", ""))


def _address(manifest: Manifest, _: datetime) -> str:
    dimse = manifest["spec"].get("dimse")
    return f"{dimse['host']}:{dimse['port']}" if dimse else ""


NAME = Column("NAME", at("metadata", "name"))
AGE = Column("AGE", age)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "TransferJob": (
        NAME,
        Column("SOURCE", at("spec", "source", "name")),
        Column("DESTINATION", _destination),
        Column("PHASE", at("status", "phase")),
        Column("DONE", _done),
        Column("FAILED", at("status", "tasks", "failed")),
        Column("VERIFIED", at("status", "instances", "verified")),
        AGE,
        Column("PRIORITY", at("spec", "priority"), wide=True),
        Column("MESSAGE", at("status", "message"), wide=True),
    ),
    "DicomServer": (
        NAME,
        Column("AET", at("spec", "aeTitle")),
        Column("ADDRESS", _address),
        Column("REACHABLE", condition("Reachable")),
        Column("SLOTS", at("status", "allocated")),
        AGE,
        Column("DICOMWEB", _web, wide=True),
    ),
    "DicomFolder": (
        NAME,
        Column("CLAIM", at("spec", "volume", "claimName")),
        Column("PATH", at("spec", "volume", "subPath")),
        AGE,
    ),
    "PseudonymizationProfile": (
        NAME,
        Column("OPTIONS", lambda m, _: ",".join(m["spec"].get("options", ()))),
        Column("PRIVATE", lambda m, _: str(m["spec"].get("privateAttributes", {}).get("policy", "Remove"))),
        Column("PSEUDONYMS", lambda m, _: str(m["spec"].get("pseudonymSource", "Given"))),
        AGE,
    ),
    "TaskSet": (
        NAME,
        Column("OWNER", at("spec", "owner", "name")),
        Column("ROUND", at("spec", "round")),
        Column("STATES", at("status", "runner", "states")),
        Column("HOLDER", at("status", "holder", "podName")),
        AGE,
        Column("ENDED", at("status", "runner", "ended", "reason"), wide=True),
    ),
    "Job": (
        NAME,
        Column("ACTIVE", at("status", "active")),
        Column("SUCCEEDED", at("status", "succeeded")),
        Column("FAILED", at("status", "failed")),
        AGE,
    ),
    "Secret": (NAME, Column("PURPOSE", lambda m, _: m["metadata"].get("labels", {}).get("adit.dev/purpose", "")), AGE),
    "ConfigMap": (NAME, AGE),
}
