import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from adit.api.conditions import condition_of
from adit.api.endpoint import Endpoint
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.cluster.slots import SlotsTaken
from adit.errors import AccessDenied, PeerUnavailable
from adit_operator.cache import Cache
from adit_operator.probes import Probes, outages_told
from adit_operator.reach import Reach
from adit_operator.testing.desk import Desk
from adit_operator.testing.fakes import FakeProber, ManualClock

PACS = Ref("DicomServer", "default", "pacs")
ENDPOINT = "PACS@127.0.0.1:11112"


class Bench:
    """A probe loop with everything that it touches."""

    def __init__(self, cluster: Cluster, cache: Cache, *, runners: int = 0, slots: "Slots | None" = None) -> None:
        self.cluster, self.reach, self.prober, self.clock = cluster, Reach(), FakeProber(), ManualClock()
        self.opened = 0
        self.probes = Probes(
            cluster,
            cache,
            self.reach,
            self.prober,
            self.clock,
            runners=lambda _: runners,
            changed=self._count,
            slots=slots,
        )

    def _count(self) -> None:
        self.opened += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.probes.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def suspect(self) -> None:
        self.reach.suspect(ENDPOINT, "a runner got no answer", self.clock.monotonic())
        self.probes.wake()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110  # nothing there sets an event
                await asyncio.sleep(0.002)

    async def told(self) -> tuple[str, str]:
        server = DicomServer.read(await self.cluster.get(PACS))
        condition = condition_of(server.status.conditions, "Reachable")
        return (condition.status, condition.reason) if condition else ("Unknown", "")


class Slots:
    """Interactive slots that are all taken, until they are given back."""

    def __init__(self, *, taken: bool) -> None:
        self.taken = taken
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
        if self.taken:
            raise SlotsTaken(f"{endpoint} is taken by ada")
        self.acquired.append((str(endpoint), capacity, holder))
        yield


async def test_a_suspected_server_is_asked_at_once_and_opened_when_it_answers(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    await desk.see_all()
    bench = Bench(cluster, desk.world.cache)
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.opened == 1)
        assert bench.reach.down() == {}
        await bench.until(lambda: desk.world.cache.servers[PACS].status.last_probe_time is not None)
    assert await bench.told() == ("True", "ProbeSucceeded")


async def test_a_server_that_is_down_is_told_and_asked_every_15_seconds(desk: Desk, cluster: EmbeddedCluster) -> None:
    await desk.see_all()
    bench = Bench(cluster, desk.world.cache)
    bench.prober.errors["pacs"] = PeerUnavailable("connection refused")
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: desk.world.cache.servers[PACS].status.last_probe_time is not None)
        assert await bench.told() == ("False", "PeerUnavailable")
        bench.probes.wake()
        await asyncio.sleep(0.02)
        assert len(bench.prober.asked) == 1
        bench.prober.errors.clear()
        bench.clock.advance(15)
        bench.probes.wake()
        await bench.until(lambda: bench.opened == 1)
    assert len(bench.prober.asked) == 2


async def test_a_refusal_is_an_answer(desk: Desk, cluster: EmbeddedCluster) -> None:
    await desk.see_all()
    bench = Bench(cluster, desk.world.cache)
    bench.prober.errors["pacs"] = AccessDenied("called AE title not recognized")
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.opened == 1)
    assert bench.reach.down() == {}


async def test_a_probe_takes_an_interactive_slot(desk: Desk, cluster: EmbeddedCluster) -> None:
    await desk.see_all()
    slots = Slots(taken=False)
    bench = Bench(cluster, desk.world.cache, slots=slots)
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.opened == 1)
    assert slots.acquired == [(ENDPOINT, 1, "the operator's probe")]


async def test_a_probe_without_a_slot_comes_again_later(desk: Desk, cluster: EmbeddedCluster) -> None:
    await desk.see_all()
    bench = Bench(cluster, desk.world.cache, slots=Slots(taken=True))
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: "taken by ada" in bench.reach.down().get(ENDPOINT, ""))
        async with asyncio.timeout(5):
            while await bench.told() != ("Unknown", "SlotsTaken"):  # noqa: ASYNC110  # nobody asked, so nobody says down
                await asyncio.sleep(0.002)
    assert bench.prober.asked == []


async def test_where_nothing_is_reserved_a_probe_waits_for_the_runners(desk: Desk, cluster: EmbeddedCluster) -> None:
    await cluster.patch(PACS, {"spec": {"limits": {"maxAssociations": 1}}})
    await desk.see_all()
    busy, idle = Bench(cluster, desk.world.cache, runners=1), Bench(cluster, desk.world.cache)
    async with busy.running(), idle.running():
        await busy.suspect()
        await idle.suspect()
        await idle.until(lambda: idle.opened == 1)
        await busy.until(lambda: "used by a runner" in busy.reach.down().get(ENDPOINT, ""))
    assert busy.prober.asked == []


async def test_an_outage_outlives_the_operator(desk: Desk, cluster: EmbeddedCluster) -> None:
    down = {"type": "Reachable", "status": "False", "reason": "PeerUnavailable", "message": "no answer"}
    down["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    await cluster.patch_status(PACS, {"conditions": [down]})
    await desk.see_all()
    outages_told(desk.world.cache, desk.reach, 0.0)
    assert desk.reach.down() == {ENDPOINT: "no answer"}
    assert desk.reach.due(0.0) == (ENDPOINT,)


async def test_an_endpoint_that_nobody_names_any_more_is_forgotten(desk: Desk, cluster: EmbeddedCluster) -> None:
    bench = Bench(cluster, desk.world.cache)
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.reach.down() == {})
    assert bench.prober.asked == []


@pytest.mark.parametrize("turns", range(4))
async def test_being_woken_in_the_moment_of_its_cancellation_does_not_keep_the_loop(
    desk: Desk, cluster: EmbeddedCluster, turns: int
) -> None:
    bench = Bench(cluster, desk.world.cache)
    bench.reach.failed(ENDPOINT, "down", bench.clock.monotonic())
    task = asyncio.create_task(bench.probes.run())
    await asyncio.sleep(0.01)
    bench.probes.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    _, pending = await asyncio.wait({task}, timeout=0.5)
    task.cancel()
    assert not pending
