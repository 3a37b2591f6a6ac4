"""What each request does to the store, inside the one transaction that its caller opened; no clock, no randomness."""

from dataclasses import dataclass

from adit.cluster.cluster import Conflict, Invalid, Manifest, ObjectNotFound
from adit.cluster.embedded.admission import (
    has_status,
    kind_of,
    read_manifest,
    require_unchanged,
    require_valid,
    stamped,
    with_encoded_data,
)
from adit.cluster.embedded.apply import FieldConflict, applied, created, updated
from adit.cluster.embedded.fields import UPDATER, FieldManager
from adit.cluster.embedded.garbage import collect_orphan, remove
from adit.cluster.embedded.merge import merged, without_nulls
from adit.cluster.embedded.store import Store
from adit.cluster.kinds import SECRET, Ref

# Only the server writes these.
_SYSTEM_METADATA = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
)


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, when (RFC 3339, UTC), and the UID that a new object would get."""

    person: str | None
    now: str
    new_uid: str


def get(store: Store, ref: Ref) -> Manifest:
    kind_of(ref.kind)
    found = store.read(ref)
    if found is None:
        raise ObjectNotFound(f"{ref} does not exist")
    return found


def create(store: Store, manifest: Manifest, request: Request) -> Manifest:
    wanted = read_manifest(manifest)
    if "resourceVersion" in wanted["metadata"]:
        raise Invalid(f"{Ref.of(wanted)}: metadata.resourceVersion: must not be set on a new object")
    if store.read(Ref.of(wanted)) is not None:
        raise Conflict(f"{Ref.of(wanted)} already exists", reason="AlreadyExists")
    return _insert(store, wanted, FieldManager(UPDATER, "Update"), request)


def apply(store: Store, manifest: Manifest, request: Request, *, manager: str, force: bool) -> Manifest:
    wanted = read_manifest(manifest)
    ref = Ref.of(wanted)
    if not manager or len(manager) > 128:  # noqa: PLR2004  # Kubernetes' limit of a field manager's name
        raise Invalid(f"{ref}: field_manager: must have 1 to 128 characters")
    if "managedFields" in wanted["metadata"]:
        raise Invalid(f"{ref}: metadata.managedFields: must not be applied")
    live = store.read(ref)
    _require_same(ref, live, wanted["metadata"].get("uid"), wanted["metadata"].get("resourceVersion"))
    if live is None:
        return _insert(store, wanted, FieldManager(manager, "Apply"), request)
    try:
        changed = applied(live, _without_system(wanted), manager=manager, force=force)
    except FieldConflict as conflict:
        raise Conflict(f"{ref}: other managers own {conflict}", reason="FieldConflict") from conflict
    return _replace(store, live, changed, request)


def patch(store: Store, ref: Ref, change: Manifest, resource_version: str | None, request: Request) -> Manifest:
    live = get(store, ref)
    metadata = change.get("metadata") or {}
    _require_same(ref, live, metadata.get("uid"), resource_version or metadata.get("resourceVersion"))
    changed = merged(live, {key: value for key, value in change.items() if key != "status"})
    _require_same_name(live, changed)
    changed["metadata"] = _with_system(changed["metadata"], live)
    changed = without_nulls(with_encoded_data(changed) if ref.kind == SECRET.name else changed)
    return _replace(store, live, updated(live, changed), request)


def patch_status(store: Store, ref: Ref, change: Manifest, resource_version: str | None, request: Request) -> Manifest:
    if not has_status(kind_of(ref.kind)):
        raise ObjectNotFound(f"{ref.kind} has no status")
    live = get(store, ref)
    _require_same(ref, live, None, resource_version)
    status = without_nulls(merged(live.get("status", {}), change))
    return _replace(store, live, {**live, "status": status}, request)


def delete(store: Store, ref: Ref, uid: str | None, resource_version: str | None, request: Request) -> None:
    """Remove, or with finalizers mark; the last finalizer's end removes then."""
    kind_of(ref.kind)
    live = store.read(ref)
    if live is None:
        return
    _require_same(ref, live, uid, resource_version)
    remove(store, live, request.now)


def _insert(store: Store, wanted: Manifest, manager: FieldManager, request: Request) -> Manifest:
    kind = kind_of(wanted["kind"])
    fresh = _without_system(wanted)
    if has_status(kind):
        fresh.pop("status", None)
    fresh = stamped(created(fresh, manager), request.person)
    fresh["metadata"] |= {"uid": request.new_uid, "creationTimestamp": request.now}
    if has_status(kind):
        fresh["metadata"]["generation"] = 1
    require_valid(fresh)
    written = store.write("ADDED", None, fresh)
    collect_orphan(store, written, request.now)
    return written


def _replace(store: Store, live: Manifest, changed: Manifest, request: Request) -> Manifest:
    """Write what differs; an object on its way out goes with its last finalizer."""
    if changed == live:
        return live
    metadata = changed["metadata"]
    if has_status(kind_of(live["kind"])) and live.get("spec") != changed.get("spec"):
        changed = {**changed, "metadata": {**metadata, "generation": metadata["generation"] + 1}}
    require_valid(changed)
    require_unchanged(live, changed)
    leaving = "deletionTimestamp" in metadata
    if leaving and set(metadata.get("finalizers", ())) - set(live["metadata"].get("finalizers", ())):
        raise Invalid(f"{Ref.of(live)}: metadata.finalizers: none can be added while the object is being deleted")
    written = store.write("MODIFIED", live, changed)
    if leaving:
        remove(store, written, request.now)
    elif live["metadata"].get("ownerReferences") != metadata.get("ownerReferences"):
        collect_orphan(store, written, request.now)
    return written


def _require_same(ref: Ref, live: Manifest | None, uid: str | None, resource_version: str | None) -> None:
    if uid is not None and (live is None or live["metadata"]["uid"] != uid):
        raise Conflict(f"{ref}: there is no object with UID {uid} now", reason="UidMismatch")
    if resource_version is not None and (live is None or live["metadata"]["resourceVersion"] != resource_version):
        raise Conflict(f"{ref} has changed since version {resource_version}: read it again")


def _require_same_name(live: Manifest, changed: Manifest) -> None:
    for field in ("apiVersion", "kind"):
        if changed.get(field) != live[field]:
            raise Invalid(f"{Ref.of(live)}: {field}: field is immutable")
    for field in ("name", "namespace"):
        if not isinstance(changed.get("metadata"), dict) or changed["metadata"].get(field) != live["metadata"][field]:
            raise Invalid(f"{Ref.of(live)}: metadata.{field}: field is immutable")


def _without_system(manifest: Manifest) -> Manifest:
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _SYSTEM_METADATA}
    return {**manifest, "metadata": metadata}


def _with_system(metadata: Manifest, live: Manifest) -> Manifest:
    kept = {key: live["metadata"][key] for key in _SYSTEM_METADATA if key in live["metadata"]}
    return {**{key: value for key, value in metadata.items() if key not in _SYSTEM_METADATA}, **kept}
