"""Where the API server keeps the objects of a kind, and how labels select them on the server. Pure."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from adit.cluster.cluster import Invalid
from adit.cluster.kinds import KINDS, Kind, Ref

# What interactive slots are; of no concern to the programs, so it is not in the table of kinds.
LEASE = Kind("Lease", "coordination.k8s.io", "v1", "leases")
# What happened to our objects, for people; written and never read, so it is not in the table either.
EVENT = Kind("Event", "events.k8s.io", "v1", "events")
_BESIDE = {kind.name: kind for kind in (LEASE, EVENT)}

_MAX_SEGMENT = 253
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def kind_of(name: object) -> Kind:
    """The kind of this name. Raises Invalid where we know none."""
    kind = {**KINDS, **_BESIDE}.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Invalid(f"kind: {str(name)[:63]!r} is not one of {', '.join(sorted({*KINDS, *_BESIDE}))}")
    return kind


def collection_path(kind: Kind, namespace: str | None) -> str:
    """All objects of a kind, of one namespace or of all."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    within = f"/namespaces/{_segment(namespace, 'metadata.namespace')}" if namespace is not None else ""
    return f"{root}{within}/{kind.plural}"


def object_path(ref: Ref, subresource: str = "") -> str:
    """One object, or its subresource. Raises Invalid where the name would lead elsewhere."""
    path = f"{collection_path(kind_of(ref.kind), ref.namespace)}/{_segment(ref.name, 'metadata.name')}"
    return f"{path}/{subresource}" if subresource else path


def selector(labels: Mapping[str, str]) -> str:
    """The labelSelector for objects that carry all these labels with these values."""
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise Invalid("labels: a selector takes label names and values, of at most 63 of A-Z a-z 0-9 - _ .")
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _segment(name: str, field: str) -> str:
    """A name as one segment of a path: the API server's own minimal rule, so that no name is a way elsewhere."""
    if not 0 < len(name) <= _MAX_SEGMENT or name in {".", ".."} or "/" in name or "%" in name:
        raise Invalid(f"{field}: must have 1 to {_MAX_SEGMENT} characters, neither `/` nor `%`, and not be `.` or `..`")
    return quote(name, safe="")
