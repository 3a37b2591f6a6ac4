"""Show: how many runner slots of its endpoint are taken, on each DicomServer's status."""

from adit.api.endpoint import endpoint_of
from adit.cluster.cluster import ObjectNotFound
from adit_operator.gather import World
from adit_operator.slots import Allocation


async def show_allocation(world: World, allocation: Allocation) -> float:
    """Write `status.allocated` where it changed, no more often than a job's numbers.

    Answers in how many seconds there is something left to write; 0 where nothing is.
    """
    now, pause, waits = world.clock.monotonic(), world.settings.status_seconds, []
    for ref, server in tuple(world.cache.servers.items()):
        taken = allocation.slots[str(endpoint_of(server.spec))]
        if server.status.allocated == taken:
            continue
        if left := world.memory.writes.seconds_left(server.metadata.uid, now, pause):
            waits.append(left)
            continue
        try:
            world.cache.put(await world.cluster.patch_status(ref, {"allocated": taken}))
        except ObjectNotFound:
            world.cache.forget(ref)
        world.memory.writes.wrote(server.metadata.uid, now)
    return min(waits, default=0.0)
