"""Apply: carry out a Decision: stops first, then children, the one status write last.

What changed meanwhile is looked at again.
"""

from collections.abc import Callable, Iterable

import structlog

from adit.api import labels
from adit.api.endpoint import endpoint_of
from adit.api.transfer_job import TransferJobStatus
from adit.cluster.cluster import Conflict, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import PermanentError
from adit.pseudonymization.key import KEY_BYTES, ProjectKey
from adit_operator.clock import timestamp
from adit_operator.decision import Decision, Later, Removal, StopWrite, VerdictWrite
from adit_operator.events import job_events
from adit_operator.gather import World, held
from adit_operator.key import key_marker, key_secret
from adit_operator.made import made_or_there
from adit_operator.merge import merge_patch, only_numbers
from adit_operator.observed import SeenSet
from adit_operator.reach import Reach
from adit_operator.stop import stop_changes

log = structlog.get_logger()
Random = Callable[[int], bytes]
# How long a job waits that was given writes, so that others get theirs; one that got none asks for the next.
SHARE_SECONDS = 0.5


async def apply(world: World, reach: Reach, manifest: Manifest, decision: Decision, random: Random) -> Later | None:
    """Do what was decided about the TransferJob as it was read; answers when it must be looked at again.

    A write that meets a newer version of its object is not forced: it is read again, the status is not written, and
    everything is decided anew. Stops protect patients' data and peers: they come first, and at once. Everything else
    is written no faster than the API server is to be asked; the rest waits for another look, which finds out by itself
    what is still to do.
    """
    _tell(world, reach, decision)
    stops = await _stops(world, decision.stops)
    verdicts = [await _verdict(world, write) for write in decision.verdicts if _may_write(world)]
    made = await _children(world, manifest, decision, random)
    removed = [await _remove(world, removal) for removal in decision.remove if _may_write(world)]
    retired = [await _retire(world, seen) for seen in decision.retire if _may_write(world)]
    in_pace = [*verdicts, *made, *removed, *retired]
    if not all([*stops, *in_pace]):  # guard: children-before-status
        return Later()
    pause = Later(SHARE_SECONDS if in_pace else 1 / world.settings.writes_per_second)
    if len(verdicts) < len(decision.verdicts):  # guard: verdicts-before-status
        return pause
    written = await _status(world, manifest, decision.status)
    if written is None:
        return Later()
    if len(in_pace) < sum(map(len, (decision.verdicts, decision.create, decision.remove, decision.retire))):
        return pause
    if decision.again:
        return Later()
    left = world.memory.refusals.seconds_left(manifest["metadata"]["uid"], world.clock.monotonic())
    waits = [seconds for seconds in (written, decision.within, left) if seconds]
    return Later(min(waits)) if waits else None


async def stop_all(world: World, uid: str) -> Later | None:
    """Stop what runs for a job that is being deleted: a finalizer may keep job and sets for long."""
    sets = world.cache.sets_of(uid)
    working = held(world.lease, sets) | {job.task_set_uid for job in world.cache.jobs_of(uid) if not job.finished}
    running = (seen for seen in sets if seen.uid in working and stop_changes(seen, "Now"))
    return None if all(await _stops(world, (StopWrite(seen, "Now") for seen in running))) else Later()


async def _children(world: World, manifest: Manifest, decision: Decision, random: Random) -> list[bool]:
    """Make key, mapping table and sets; where one is refused for good, the next look tells it and makes nothing."""
    uid, refusals, now = manifest["metadata"]["uid"], world.memory.refusals, world.clock.monotonic()
    try:
        await _apply_key(world, manifest["metadata"]["namespace"], decision, random)
        for secret in decision.mapping:
            await _keep(world, secret)
        made = [await _create(world, child) for child in decision.create if _may_write(world)]
    except PermanentError as error:
        log.warning("a child of a job is refused", job=str(Ref.of(manifest)), reason=error.reason)
        refusals.refuse(uid, f"{error.message}: nothing more is made for this job until that is mended", now)
        return [False]
    if made:
        refusals.forget(uid)
    return made


def _may_write(world: World) -> bool:
    """Whether one more object may be written now."""
    return world.memory.pace.take(world.clock.monotonic(), world.settings.writes_per_second)


def _tell(world: World, reach: Reach, decision: Decision) -> None:
    """Who could not be reached, or was."""
    now = world.clock.monotonic()
    for ref in decision.proved:
        if ref in world.cache.servers:
            reach.proved(str(endpoint_of(world.cache.servers[ref].spec)), now)
    for outage in decision.unreachable:
        for ref in outage.servers:
            if ref in world.cache.servers:
                reach.suspect(str(endpoint_of(world.cache.servers[ref].spec)), outage.message, now)


async def _apply_key(world: World, namespace: str, decision: Decision, random: Random) -> None:
    """Make the key, then its marker: a crash between the two leaves a key, which the next look marks."""
    if decision.make_key:
        key = ProjectKey(random(KEY_BYTES))
        if await _create(world, key_secret(namespace, world.settings.key_secret, key.secret)):
            await _mark(world, namespace, key.id)
    if decision.mark_key is not None:
        await _mark(world, namespace, decision.mark_key)


async def _keep(world: World, secret: Manifest) -> None:
    """Make a Secret that is named by its content; it is not remembered, since patients stand in it."""
    await made_or_there(world.cluster, secret)


async def _mark(world: World, namespace: str, key_id: str) -> None:
    try:
        await world.cluster.create(key_marker(namespace, world.settings.key_secret, key_id))
    except Conflict:
        return  # somebody marked it first; gather reads which
    world.cache.markers[namespace] = key_id


async def _verdict(world: World, write: VerdictWrite) -> bool:
    patch = {"verdict": write.verdict.manifest()}
    version = write.seen.resource_version  # guard: verdict-on-what-was-seen
    try:
        world.cache.put(await world.cluster.patch_status(write.seen.ref, patch, resource_version=version))
    except (Conflict, ObjectNotFound):
        await _refresh(world, write.seen.ref)
        return False
    return True


async def _stops(world: World, writes: Iterable[StopWrite]) -> list[bool]:
    """Tell every set. Raises what one of them was refused with, after the others were told."""
    told, refused = [], None
    for write in writes:
        try:
            told.append(await _stop(world, write))
        except PermanentError as error:
            refused = error
    if refused is not None:
        raise refused
    return told


async def _stop(world: World, write: StopWrite) -> bool:
    written = await _patch(world, write.seen, {"spec": {"stop": write.stop}})
    if written and write.eviction is not None:
        world.orders.evicted(write.eviction)
    return written


async def _retire(world: World, seen: SeenSet) -> bool:
    """A finished set drops the label that active work is selected by."""
    return await _patch(world, seen, {"metadata": {"labels": {labels.ACTIVE: None}}})


async def _patch(world: World, seen: SeenSet, patch: Manifest) -> bool:
    same = {**patch, "metadata": {**patch.get("metadata", {}), "uid": seen.uid}}
    try:
        world.cache.put(await world.cluster.patch(seen.ref, same))
    except (Conflict, ObjectNotFound):
        await _refresh(world, seen.ref)
        return False
    return True


async def _create(world: World, manifest: Manifest) -> bool:
    """Make a child; where the name is taken, look who took it: gather decides whether it is ours."""
    try:
        made = await world.cluster.create(manifest)
    except Conflict:
        await _refresh(world, Ref.of(manifest))
        return False
    world.cache.put(made)
    return True


async def _refresh(world: World, ref: Ref) -> None:
    """Read again what was not as it was seen."""
    try:
        world.cache.put(await world.cluster.get(ref))
    except ObjectNotFound:
        world.cache.forget(ref)


async def _remove(world: World, removal: Removal) -> bool:
    """Delete what was seen; an object of the same name that was made meanwhile is somebody else's."""
    uid, version = removal.uid, removal.resource_version  # guard: removes-what-was-seen
    try:
        await world.cluster.delete(removal.ref, uid=uid, resource_version=version)
    except Conflict:
        await _refresh(world, removal.ref)
        return False
    world.cache.forget(removal.ref)
    return True


async def _status(world: World, manifest: Manifest, status: TransferJobStatus) -> float | None:
    """The one status write; nothing where nothing changed; None where the job changed since it was read.

    Where only numbers moved and the last write is too near, it is left to a later look, in so many seconds.
    """
    before = manifest.get("status") or {}
    patch = merge_patch(before, status.manifest())
    if not patch:
        return 0.0
    uid, now = manifest["metadata"]["uid"], world.clock.monotonic()
    left = world.memory.writes.seconds_left(uid, now, world.settings.status_seconds)
    if left and only_numbers(before, patch):
        return left
    ref = Ref.of(manifest)
    version = manifest["metadata"]["resourceVersion"]  # guard: status-on-what-was-read
    try:
        world.cache.put(await world.cluster.patch_status(ref, patch, resource_version=version))
    except Conflict:
        return None
    except ObjectNotFound:
        world.cache.forget(ref)
        return 0.0
    world.memory.writes.wrote(uid, now)
    for event in job_events(ref, uid, before, status, timestamp(world.clock.now())):
        world.events.record(event)
    return 0.0
