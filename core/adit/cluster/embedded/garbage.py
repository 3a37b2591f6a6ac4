"""Deletion and what follows it: finalizers hold an object, its dependents go when their last owner is gone."""

from adit.cluster.cluster import Manifest
from adit.cluster.embedded.store import Store


def remove(store: Store, live: Manifest, now: str) -> None:
    """Delete an object and then everything that only it owned; with finalizers it is marked and stays for now."""
    pending = [live]
    while pending:
        doomed = pending.pop()
        if doomed["metadata"].get("finalizers"):
            _mark(store, doomed, now)
            continue
        store.write("DELETED", doomed, doomed)
        pending.extend(
            dependent
            for dependent in store.dependents(doomed["metadata"]["uid"])
            if not _has_living_owner(store, dependent)
        )


def collect_orphan(store: Store, written: Manifest, now: str) -> None:
    """Delete an object at once whose every owner is already gone."""
    if written["metadata"].get("ownerReferences") and not _has_living_owner(store, written):
        remove(store, written, now)


def _has_living_owner(store: Store, manifest: Manifest) -> bool:
    """Owners count in the object's own namespace only."""
    metadata = manifest["metadata"]
    return any(store.has_uid(owner["uid"], metadata["namespace"]) for owner in metadata["ownerReferences"])


def _mark(store: Store, live: Manifest, now: str) -> None:
    metadata = live["metadata"]
    if "deletionTimestamp" in metadata:
        return
    marked = {**metadata, "deletionTimestamp": now, "deletionGracePeriodSeconds": 0}
    if "generation" in metadata:
        marked["generation"] = metadata["generation"] + 1
    store.write("MODIFIED", live, {**live, "metadata": marked})
