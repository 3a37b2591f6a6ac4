"""Lent: a server that keeps no association for people lends them one while no runner works there.

So the first runner there begins behind the slot that a person would take, and is shown on the server before that slot
is given back: whoever takes it afterwards looks, and sees that a runner works.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit.cluster.kinds import Ref
from adit_operator.gather import World
from adit_operator.observed import SeenTransfer
from adit_operator.slots import endpoints_between

HOLDER = "the operator, which starts a runner"


@asynccontextmanager
async def lent_to_nobody(world: World, transfer: SeenTransfer) -> AsyncIterator[None]:
    """Keep people off what they could borrow of this transfer's servers, while its runner is started.

    Raises SlotsTaken, which names who asks there.
    """
    async with AsyncExitStack() as held:
        for sharing in _lending(world, transfer):
            if world.slots is None:
                break
            endpoint = endpoint_of(next(iter(sharing.values())).spec)
            await held.enter_async_context(world.slots.acquire(endpoint, 1, HOLDER, timeout=0.0))
            for ref, server in sharing.items():
                if server.status.allocated == 0:
                    world.cache.put(await world.cluster.patch_status(ref, {"allocated": 1}))
        yield


def _lending(world: World, transfer: SeenTransfer) -> Iterator[dict[Ref, DicomServer]]:
    """The servers of each endpoint that keeps none, where one does not show a runner; a shown one keeps people off."""
    servers = world.cache.servers
    for name in sorted({*endpoints_between(transfer.source, transfer.destination, servers)}):
        sharing = {ref: one for ref, one in servers.items() if str(endpoint_of(one.spec)) == name}
        keeps_none = not any(one.spec.limits.reserve for one in sharing.values())
        if keeps_none and not all(one.status.allocated for one in sharing.values()):
            yield sharing
