"""Claim a TaskSet: nobody alive may hold it, and of two who try at once the version decides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adit.api.task_set import Holder
from adit.cluster.cluster import Cluster, Conflict, Lease, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit_jobrunner.status import judged_attempt

MAX_TRIES = 20


@dataclass(frozen=True, slots=True)
class Refused:
    """Why this runner does not work the set; it writes nothing and leaves."""

    message: str


@asynccontextmanager
async def claimed(
    cluster: Cluster, lease: Lease, ref: Ref, *, uid: str, holder: Holder, attempt: int
) -> AsyncIterator[Manifest | Refused]:
    """Hold the set while the context is open: gives the TaskSet as claimed, or why it cannot be.

    The claim writes holder and attempt, and takes back the last word of the attempt before.
    """
    patch = {"holder": holder.manifest(), "runner": {"attempt": attempt, "ended": None, "current": None}}
    for _ in range(MAX_TRIES):
        try:
            seen = await cluster.get(ref)
        except ObjectNotFound:
            yield Refused("the TaskSet does not exist any more")
            return
        refusal = _refusal(seen, uid, attempt) or _held(seen, lease, uid)
        if refusal is not None:
            yield refusal
            return
        with lease.hold(uid) as held:
            if not held:  # guard: claim-needs-the-lease
                yield Refused("another runner of this machine holds the TaskSet")
                return
            try:
                version = seen["metadata"]["resourceVersion"]
                claim = await cluster.patch_status(ref, patch, resource_version=version)  # guard: claim-is-versioned
            except Conflict:
                continue
            except ObjectNotFound:
                yield Refused("the TaskSet does not exist any more")
                return
            yield claim
            return
    yield Refused(f"the TaskSet changed {MAX_TRIES} times while it was to be claimed")


def _refusal(seen: Manifest, uid: str, attempt: int) -> Refused | None:
    status = seen.get("status") or {}
    if seen["metadata"]["uid"] != uid:
        return Refused("the TaskSet was deleted and made anew")
    if seen["metadata"].get("deletionTimestamp"):
        return Refused("the TaskSet is being deleted")
    if (status.get("verdict") or {}).get("finished"):
        return Refused("the TaskSet is finished")
    if judged_attempt(seen) >= attempt:  # guard: claim-not-after-judgement
        return Refused("the operator took this attempt for dead and has judged it")
    if (status.get("runner") or {}).get("attempt", 0) > attempt:
        return Refused("a later attempt has worked the TaskSet already")
    return None


def _held(seen: Manifest, lease: Lease, uid: str) -> Refused | None:
    status = seen.get("status") or {}
    holder = status.get("holder")
    # The operator judges an attempt when it has seen its holder stand still for the time of a lease; a runner that
    # has just started would have to look on as long itself, where a lease is told by time.
    judged = judged_attempt(seen) >= int((status.get("runner") or {}).get("attempt", 0))
    if holder and not judged and not lease.expired(uid, holder):  # guard: claim-spares-the-living
        return Refused("another runner holds the TaskSet")
    return None
