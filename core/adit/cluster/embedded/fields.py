"""Who owns which field: paths of a manifest, and their form in metadata.managedFields (FieldsV1 of Kubernetes).

Limited to what we use: lists are atomic, so a path is a chain of member names and ends at a scalar, a list or {}.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Manifest = dict[str, Any]
FieldPath = tuple[str, ...]

Operation = Literal["Apply", "Update"]
# The manager of whatever was not applied: create and patch.
UPDATER = "adit"

_SYSTEM = {"apiVersion", "kind", "metadata", "status"}
_OWNED_METADATA = ("labels", "annotations", "ownerReferences", "finalizers")
_ITSELF = "."


@dataclass(frozen=True, slots=True, order=True)
class FieldManager:
    """Somebody who writes fields, and how."""

    name: str
    operation: Operation


Ownership = dict[FieldManager, frozenset[FieldPath]]


def leaves(value: Any, at: FieldPath = ()) -> Iterator[FieldPath]:
    """The path of every scalar, list and empty object below `at`."""
    if isinstance(value, Mapping) and value:
        for key, member in value.items():
            yield from leaves(member, (*at, key))
    else:
        yield at


def owned_paths(manifest: Manifest) -> frozenset[FieldPath]:
    """The fields that a manifest gives a value to, without status and what the server writes."""
    metadata = manifest.get("metadata", {})
    paths = [path for key in manifest.keys() - _SYSTEM for path in leaves(manifest[key], (key,))]
    for key in _OWNED_METADATA:
        if key in metadata:
            paths.extend(leaves(metadata[key], ("metadata", key)))
    return frozenset(paths)


def value_at(manifest: Any, path: FieldPath) -> tuple[bool, Any]:
    """Whether there is such a field, and its value."""
    for key in path:
        if not isinstance(manifest, Mapping) or key not in manifest:
            return False, None
        manifest = manifest[key]
    return True, manifest


def read_ownership(manifest: Manifest) -> Ownership:
    """Who owns what, out of metadata.managedFields."""
    return {
        FieldManager(entry["manager"], entry["operation"]): frozenset(_decoded(entry["fieldsV1"]))
        for entry in manifest.get("metadata", {}).get("managedFields", ())
    }


def write_ownership(ownership: Ownership, api_version: str) -> list[Manifest]:
    """The entries of metadata.managedFields; a manager of nothing has none."""
    return [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": _encoded(paths),
        }
        for manager, paths in sorted(ownership.items())
        if paths
    ]


def _encoded(paths: Iterable[FieldPath]) -> Manifest:
    tree: Manifest = {}
    for path in sorted(paths):
        node = tree
        for key in path:
            node = node.setdefault(f"f:{key}", {})
        node[_ITSELF] = {}
    return _compact(tree)


def _compact(tree: Manifest) -> Manifest:
    """A field without members says {} instead of {".": {}}."""
    if tree.keys() == {_ITSELF}:
        return {}
    return {key: member if key == _ITSELF else _compact(member) for key, member in tree.items()}


def _decoded(tree: Manifest, at: FieldPath = ()) -> Iterator[FieldPath]:
    if not tree and at:
        yield at
    for key, member in tree.items():
        if key == _ITSELF:
            yield at
        else:
            yield from _decoded(member, (*at, key.removeprefix("f:")))
