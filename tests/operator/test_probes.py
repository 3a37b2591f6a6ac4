import asyncio

import pytest

from adit.api.conditions import condition_of
from adit.cluster.embedded import EmbeddedCluster
from adit.errors import AccessDenied, PeerUnavailable
from adit_operator.probes import outages_told
from adit_operator.testing.desk import Desk
from adit_operator.testing.probing import ENDPOINT, PACS, Bench, Slots


async def test_a_suspected_server_is_asked_at_once_and_opened_when_it_answers(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    await desk.see_all()
    bench = Bench(cluster, desk.world.cache)
    await bench.settle()
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.opened == 1)
        assert bench.reach.down() == {}
        assert bench.asked() == 1
    assert await bench.told() == ("True", "ProbeSucceeded")


async def test_a_server_that_is_down_is_told_and_asked_every_15_seconds(desk: Desk, cluster: EmbeddedCluster) -> None:
    await desk.see_all()
    bench = Bench(cluster, desk.world.cache)
    await bench.settle()
    bench.prober.errors["pacs"] = PeerUnavailable("connection refused")
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.events.reasons == ["Unreachable"])
        assert await bench.told() == ("False", "PeerUnavailable")
        bench.later(14)
        await asyncio.sleep(0.02)
        assert bench.asked() == 1
        bench.prober.errors.clear()
        bench.later(1)
        await bench.until(lambda: bench.events.reasons == ["Unreachable", "Reachable"])
    assert bench.asked() == 2
    assert bench.reach.down() == {}


async def test_a_refusal_is_an_answer(desk: Desk, cluster: EmbeddedCluster) -> None:
    await desk.see_all()
    bench = Bench(cluster, desk.world.cache)
    await bench.settle()
    bench.prober.errors["pacs"] = AccessDenied("called AE title not recognized")
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.opened == 1)
        assert bench.reach.down() == {}
        async with asyncio.timeout(5):
            while await bench.told() != ("True", "ProbeRefused"):  # noqa: ASYNC110  # it lies in a file
                await asyncio.sleep(0.002)
    condition = condition_of(desk.world.cache.servers[PACS].status.conditions, "Reachable")
    assert condition is not None
    assert "not recognized" in condition.message


async def test_a_probe_takes_an_interactive_slot(desk: Desk, cluster: EmbeddedCluster) -> None:
    await desk.see_all()
    slots = Slots(taken=False)
    bench = Bench(cluster, desk.world.cache, slots=slots)
    await bench.settle()
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.opened == 1)
    assert slots.acquired == [(ENDPOINT, 1, "the operator's probe")]


async def test_a_probe_without_a_slot_comes_again_later(desk: Desk, cluster: EmbeddedCluster) -> None:
    await desk.see_all()
    bench = Bench(cluster, desk.world.cache, slots=Slots(taken=True))
    await bench.settle()
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
    await busy.settle()
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
    await bench.settle()
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.reach.down() == {})
    assert bench.prober.asked == []


@pytest.mark.parametrize("turns", range(4))
async def test_being_woken_in_the_moment_of_its_cancellation_does_not_keep_the_loop(
    desk: Desk, cluster: EmbeddedCluster, turns: int
) -> None:
    bench = Bench(cluster, desk.world.cache)
    await bench.settle()
    await desk.see_all()
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
