"""Apply: carry out a Decision, children first, the one status write last; what changed meanwhile is looked at again."""

from collections.abc import Callable

from adit.api import labels
from adit.api.endpoint import endpoint_of
from adit.cluster.cluster import Conflict, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.pseudonymization.key import KEY_BYTES, ProjectKey
from adit_operator.decision import Decision, StopWrite, VerdictWrite
from adit_operator.gather import World
from adit_operator.key import key_marker, key_secret
from adit_operator.merge import merge_patch
from adit_operator.observed import SeenSet
from adit_operator.reach import Reach

Random = Callable[[int], bytes]


async def apply(world: World, reach: Reach, manifest: Manifest, decision: Decision, random: Random) -> bool:
    """Do what was decided about the TransferJob as it was read; True where it must be looked at again at once.

    A write that meets a newer version of its object is not forced: it is read again, the status is not written, and
    everything is decided anew.
    """
    _tell(world, reach, decision)
    await _apply_key(world, manifest["metadata"]["namespace"], decision, random)
    writes = [
        *[await _verdict(world, write) for write in decision.verdicts],
        *[await _stop(world, write) for write in decision.stops],
        *[await _create(world, manifest) for manifest in decision.create],
        *[await _retire(world, seen) for seen in decision.retire],
    ]
    if not all(writes):  # guard: children-before-status
        return True
    return not await _status(world, manifest, decision) or decision.again


def _tell(world: World, reach: Reach, decision: Decision) -> None:
    """Who could not be reached, or was."""
    now = world.clock.monotonic()
    for ref in decision.proved:
        if ref in world.cache.servers:
            reach.proved(str(endpoint_of(world.cache.servers[ref].spec)))
    for outage in decision.unreachable:
        for ref in outage.servers:
            if ref in world.cache.servers:
                reach.suspect(str(endpoint_of(world.cache.servers[ref].spec)), outage.message, now)


async def _apply_key(world: World, namespace: str, decision: Decision, random: Random) -> None:
    """Make the key, then its marker: a crash between the two leaves a key, which the next look marks."""
    if decision.make_key:
        key = ProjectKey(random(KEY_BYTES))
        if await _create(world, key_secret(namespace, key.secret)):
            await _mark(world, namespace, key.id)
    if decision.mark_key is not None:
        await _mark(world, namespace, decision.mark_key)


async def _mark(world: World, namespace: str, key_id: str) -> None:
    try:
        await world.cluster.create(key_marker(namespace, key_id))
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


async def _stop(world: World, write: StopWrite) -> bool:
    return await _patch(world, write.seen, {"spec": {"stop": write.stop}})


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


async def _status(world: World, manifest: Manifest, decision: Decision) -> bool:
    """The one status write; nothing where nothing changed; False where the job changed since it was read."""
    patch = merge_patch(manifest.get("status") or {}, decision.status.manifest())
    if not patch:
        return True
    ref = Ref.of(manifest)
    version = manifest["metadata"]["resourceVersion"]  # guard: status-on-what-was-read
    try:
        world.cache.put(await world.cluster.patch_status(ref, patch, resource_version=version))
    except Conflict:
        return False
    except ObjectNotFound:
        world.cache.forget(ref)
    return True
