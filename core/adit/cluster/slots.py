"""Interactive slots: the associations of an endpoint that are kept for people, one holder each."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from adit.api.endpoint import Endpoint
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
