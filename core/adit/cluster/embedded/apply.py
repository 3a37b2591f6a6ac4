"""Server-side apply: what an object becomes when a manager applies a manifest, and who then owns its fields.

Kubernetes' rules for maps and scalars; every list is one value.
"""

import copy
from collections.abc import Mapping
from typing import Any

from adit.cluster.embedded.fields import (
    UPDATER,
    FieldManager,
    FieldPath,
    Manifest,
    Ownership,
    owned_paths,
    read_ownership,
    value_at,
    write_ownership,
)


class FieldConflict(Exception):
    """Without force: other managers hold other values; `fields` says which, as `path (manager)`."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


def created(manifest: Manifest, manager: FieldManager) -> Manifest:
    """A new object, whose every field belongs to its creator."""
    return _with_ownership(manifest, {manager: owned_paths(manifest)})


def updated(live: Manifest, changed: Manifest) -> Manifest:
    """An object after a patch: who patched a field owns it now, nobody else does."""
    fields = owned_paths(changed)
    taken = {path for path in fields if value_at(live, path) != value_at(changed, path)}
    removed = owned_paths(live) - fields
    ownership = {manager: paths - taken - removed for manager, paths in read_ownership(live).items()}
    updater = FieldManager(UPDATER, "Update")
    ownership[updater] = ownership.get(updater, frozenset()) | taken
    return _with_ownership(changed, ownership)


def applied(live: Manifest, wanted: Manifest, *, manager: str, force: bool) -> Manifest:
    """The live object brought to what this manager wants. Raises FieldConflict where it may not force.

    Fields that it applied before and leaves out now go, unless somebody else owns them as well.
    """
    applier = FieldManager(manager, "Apply")
    ownership = read_ownership(live)
    before = ownership.pop(applier, frozenset())
    fields = owned_paths(wanted)
    contested = frozenset(path for path in fields if _differs(live, wanted, path))
    if not force:
        _require_uncontested(contested, ownership)
    ownership = {other: paths - contested for other, paths in ownership.items()}
    kept = frozenset[FieldPath]().union(*ownership.values())
    result = _overlaid(live, {key: wanted[key] for key in wanted if key not in {"metadata", "status"}})
    result["metadata"] = _overlaid(
        live["metadata"], {path[1]: wanted["metadata"][path[1]] for path in fields if path[0] == "metadata"}
    )
    for path in sorted(before - fields - kept):
        _remove(result, path, kept | fields)
    return _with_ownership(result, {**_existing(ownership, result), applier: fields})


def _existing(ownership: Ownership, manifest: Manifest) -> Ownership:
    """Without the fields that went when an object was replaced by a scalar."""
    return {
        manager: frozenset(path for path in paths if value_at(manifest, path)[0])
        for manager, paths in ownership.items()
    }


def _differs(live: Manifest, wanted: Manifest, path: FieldPath) -> bool:
    exists, value = value_at(live, path)
    return exists and value != value_at(wanted, path)[1] and not isinstance(value, Mapping)


def _require_uncontested(contested: frozenset[FieldPath], others: Ownership) -> None:
    held = [
        f"{'.'.join(path)} ({other.name})"
        for other, paths in sorted(others.items())
        for path in sorted(contested)
        if path in paths
    ]
    if held:
        raise FieldConflict(held)


def _overlaid(live: Any, wanted: Any) -> Any:
    if not isinstance(wanted, Mapping) or not isinstance(live, Mapping):
        return copy.deepcopy(wanted)
    return {**live, **{key: _overlaid(live.get(key), member) for key, member in wanted.items()}}


def _remove(manifest: Manifest, path: FieldPath, kept: frozenset[FieldPath]) -> None:
    """Take one leaf out, and the objects that are empty without it; what others filled or own stays."""
    exists, value = value_at(manifest, path)
    if not exists or (isinstance(value, Mapping) and value):
        return
    for depth in range(len(path) - 1, -1, -1):
        parent = manifest
        for key in path[:depth]:
            parent[key] = dict(parent[key])  # the live object shares its branches with us
            parent = parent[key]
        del parent[path[depth]]
        if parent or depth <= 1 or path[:depth] in kept:
            return


def _with_ownership(manifest: Manifest, ownership: Ownership) -> Manifest:
    entries = write_ownership(ownership, manifest["apiVersion"])
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    return {**manifest, "metadata": {**metadata, "managedFields": entries} if entries else metadata}
