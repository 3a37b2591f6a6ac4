"""Show: how many runner slots of its endpoint are taken, on each DicomServer's status."""

from adit.api.endpoint import endpoint_of
from adit.cluster.cluster import ObjectNotFound
from adit_operator.gather import World
from adit_operator.slots import Allocation


async def show_allocation(world: World, allocation: Allocation) -> None:
    """Write `status.allocated` where it changed."""
    for ref, server in tuple(world.cache.servers.items()):
        taken = allocation.slots[str(endpoint_of(server.spec))]
        if server.status.allocated == taken:
            continue
        try:
            world.cache.put(await world.cluster.patch_status(ref, {"allocated": taken}))
        except ObjectNotFound:
            world.cache.forget(ref)
