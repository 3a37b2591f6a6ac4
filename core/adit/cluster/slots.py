"""Interactive slots: the associations of an endpoint that are kept for people, one holder each."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from adit.api.endpoint import Endpoint, endpoint_of
from adit.api.resource import DicomServer
from adit.errors import RetryableError

ACQUIRE_SECONDS = 30.0


class SlotsTaken(RetryableError):
    """All interactive slots of an endpoint are held; the message names the holders."""

    default_reason = "SlotsTaken"


class InteractiveSlots(Protocol):
    """Leases on a cluster, rows beside a flock embedded: at most `capacity` holders of an endpoint at once."""

    def acquire(
        self, endpoint: Endpoint, capacity: int, holder: str, timeout: float = ACQUIRE_SECONDS
    ) -> AbstractAsyncContextManager[None]:
        """Hold one slot while the context is open; `holder` says in words who does, for the others' messages.

        Waits up to `timeout` seconds, then raises SlotsTaken. A holder that died does not count.
        """
        ...


def interactive_capacity(server: DicomServer) -> int:
    """The interactive slots of a server; one that keeps none lends one while no runner uses it. Raises SlotsTaken."""
    limits = server.spec.limits
    if limits.reserve:
        return limits.reserve
    if server.status.allocated:
        raise SlotsTaken(
            f"all {limits.max_associations} associations of DicomServer/{server.metadata.name} are for runners, and "
            f"{server.status.allocated} work now: wait until they end, or set spec.limits.reservedInteractive"
        )
    return 1


@asynccontextmanager
async def interactive_slot(
    slots: InteractiveSlots,
    server: DicomServer,
    holder: str,
    *,
    again: Callable[[], Awaitable[DicomServer]],
    timeout: float = ACQUIRE_SECONDS,  # noqa: ASYNC109  # its end is an answer that names the holders
) -> AsyncIterator[None]:
    """Hold one slot of a server while the context is open. Raises SlotsTaken.

    `again` reads the server anew: where it only lends a slot, a runner may have begun before we had it. None begins
    while we have it.
    """
    async with slots.acquire(endpoint_of(server.spec), interactive_capacity(server), holder, timeout=timeout):
        if not server.spec.limits.reserve:
            interactive_capacity(await again())
        yield
