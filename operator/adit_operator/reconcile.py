"""Reconcile: bring one TransferJob a step closer to what it asks for. Safe twice, in any order, after any crash."""

import secrets
from collections.abc import Mapping

import structlog

from adit.api.conditions import Condition
from adit.cluster.cluster import Conflict, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import BadInput
from adit_operator.apply import Random, apply, stop_all
from adit_operator.clock import timestamp
from adit_operator.decide import decide
from adit_operator.decision import Later
from adit_operator.events import invalid_event
from adit_operator.gather import World, gather
from adit_operator.observed import Waiting
from adit_operator.reach import Reach

log = structlog.get_logger()


async def reconcile(
    world: World,
    reach: Reach,
    ref: Ref,
    waiting: Mapping[str, Waiting],
    *,
    random: Random = secrets.token_bytes,
) -> Later | None:
    """Gather, decide, apply; when the job must be looked at again, if that is known.

    `waiting` is admission's word on each job by UID. Raises ClusterUnavailable and whatever else the API answers.
    """
    try:
        manifest = await world.cluster.get(ref)
    except ObjectNotFound:
        world.cache.forget(ref)
        world.memory.lists.forget_but(lambda uid: world.cache.transfer_of(uid) is not None)
        return None
    world.cache.put(manifest)
    if manifest["metadata"].get("deletionTimestamp"):
        world.memory.lists.forget(manifest["metadata"]["uid"])
        return await stop_all(world, manifest["metadata"]["uid"])
    try:
        seen = await gather(world, manifest, waiting.get(manifest["metadata"]["uid"]))
    except BadInput as error:
        await _refuse(world, ref, manifest, error)
        return None
    decision = decide(seen)
    return await apply(world, reach, manifest, decision, random)


async def _refuse(world: World, ref: Ref, manifest: Manifest, error: BadInput) -> None:
    """A TransferJob that our models cannot read: say why, once, without reading its status."""
    told = Condition(
        type="Stalled",
        status="True",
        reason="InvalidSpec",
        message=error.message[:1024],
        last_transition_time=timestamp(world.clock.now()),
    ).manifest()
    before = (manifest.get("status") or {}).get("conditions") or []
    if any(one.get("type") == "Stalled" and one.get("message") == told["message"] for one in before):
        return
    patch = {"conditions": [told], "message": told["message"]}
    try:
        await world.cluster.patch_status(ref, patch, resource_version=manifest["metadata"]["resourceVersion"])
    except Conflict:
        log.info("a job that cannot be read changed meanwhile", job=str(ref))
    else:
        world.events.record(invalid_event(ref, manifest["metadata"]["uid"], told))
