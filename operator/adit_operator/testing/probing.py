"""A probe loop around a desk's cache: its prober answers what it is told, its clock is set by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from adit.api.conditions import condition_of
from adit.api.endpoint import Endpoint
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster
from adit.cluster.kinds import Ref
from adit.cluster.slots import SlotsTaken
from adit.errors import AditError
from adit_operator.cache import Cache
from adit_operator.probes import Probes
from adit_operator.reach import Reach
from adit_operator.reachable import ANSWERED, status_after
from adit_operator.testing.fakes import FakeProber, KeptEvents, ManualClock

PACS = Ref("DicomServer", "default", "pacs")
ENDPOINT = "PACS@127.0.0.1:11112"


class Bench:
    """A probe loop with everything that it touches."""

    def __init__(self, cluster: Cluster, cache: Cache, *, runners: int = 0, slots: "Slots | None" = None) -> None:
        self.cluster, self.cache, self.runners = cluster, cache, runners
        self.reach, self.prober, self.clock = Reach(), FakeProber(), ManualClock()
        self.opened, self.turn = 0, asyncio.Lock()
        self.events = KeptEvents()
        self.probes = Probes(
            cluster,
            cache,
            self.reach,
            self.prober,
            self.clock,
            events=self.events,
            runners=lambda _: self.runners,
            changed=self._count,
            turn=self.turn,
            slots=slots,
        )

    def _count(self) -> None:
        self.opened += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.probes.run())
        await asyncio.sleep(0.01)  # it has looked once
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def settle(self, *refs: Ref) -> None:
        """Let servers say that they answered, as an earlier operator left them."""
        for ref in refs or tuple(self.cache.servers):
            patch = status_after(self.cache.servers[ref], ANSWERED, "2026-01-01T00:00:00Z")
            self.cache.put(await self.cluster.patch_status(ref, patch))

    async def suspect(self) -> None:
        """A runner could not reach the PACS."""
        self.reach.suspect(ENDPOINT, "a runner got no answer", self.clock.monotonic())
        self.probes.wake()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110  # nothing there sets an event
                await asyncio.sleep(0.002)

    def asked(self, name: str = "pacs") -> int:
        """How often a server was asked."""
        return sum(1 for one, _ in self.prober.asked if one == name)

    def later(self, seconds: float) -> None:
        """Let time pass, and the loop look."""
        self.clock.advance(seconds)
        self.probes.wake()

    async def told(self, ref: Ref = PACS) -> tuple[str, str]:
        """Status and reason of what it says of itself."""
        server = DicomServer.read(await self.cluster.get(ref))
        condition = condition_of(server.status.conditions, "Reachable")
        return (condition.status, condition.reason) if condition else ("Unknown", "")


class Slots:
    """Interactive slots that are all taken until they are given back, or cannot even be asked for."""

    def __init__(self, *, taken: bool, error: AditError | None = None) -> None:
        self.taken, self.error = taken, error
        self.acquired: list[tuple[str, int, str]] = []

    @asynccontextmanager
    async def acquire(
        self,
        endpoint: Endpoint,
        capacity: int,
        holder: str,
        timeout: float = 30.0,  # noqa: ASYNC109  # the protocol's
    ) -> AsyncIterator[None]:
        del timeout
        if self.error is not None:
            raise self.error
        if self.taken:
            raise SlotsTaken(f"{endpoint} is taken by ada")
        self.acquired.append((str(endpoint), capacity, holder))
        yield
