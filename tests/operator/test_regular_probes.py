"""Servers are asked without being suspected: when they appear or change, and then every few minutes."""

import asyncio
from typing import Any

from adit.api.conditions import condition_of
from adit.cluster.cluster import ClusterUnavailable, Forbidden
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.errors import BadInput, PeerUnavailable, RetryableError
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.reach import JITTER, REGULAR_SECONDS
from adit_operator.testing.desk import Desk
from adit_operator.testing.probing import ENDPOINT, PACS, Bench, Slots

LONGEST = REGULAR_SECONDS * (1 + JITTER)
TWIN = Ref("DicomServer", "default", "twin")


async def bench_of(desk: Desk, cluster: EmbeddedCluster, **more: Any) -> Bench:
    await desk.see_all()
    return Bench(cluster, desk.world.cache, **more)


async def test_a_new_server_is_asked_at_once_and_says_so(desk: Desk, cluster: EmbeddedCluster) -> None:
    bench = await bench_of(desk, cluster)
    async with bench.running():
        await bench.until(lambda: sorted(bench.events.reasons) == ["Reachable", "Reachable"])
    assert await bench.told() == ("True", "ProbeSucceeded")
    status = desk.world.cache.servers[PACS].status
    assert status.observed_generation == desk.world.cache.servers[PACS].metadata.generation


async def test_a_server_that_answers_is_asked_again_after_the_regular_pause(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    bench = await bench_of(desk, cluster)
    async with bench.running():
        await bench.until(lambda: bench.opened == 2)
        bench.later(REGULAR_SECONDS * (1 - JITTER) - 1)
        await asyncio.sleep(0.02)
        assert bench.asked() == 1
        bench.later(LONGEST)
        await bench.until(lambda: bench.asked() == 2)


async def test_an_outage_that_a_regular_look_finds_closes_the_endpoint(desk: Desk, cluster: EmbeddedCluster) -> None:
    bench = await bench_of(desk, cluster)
    await bench.settle()
    bench.prober.errors["pacs"] = PeerUnavailable("connection refused")
    async with bench.running():
        bench.later(LONGEST)
        await bench.until(lambda: bench.reach.down() == {ENDPOINT: "connection refused"})
        await bench.until(lambda: "Unreachable" in bench.events.reasons)


async def test_a_look_that_finds_the_same_moves_only_the_time_of_the_look(desk: Desk, cluster: EmbeddedCluster) -> None:
    bench = await bench_of(desk, cluster)
    await bench.settle()
    before = desk.world.cache.servers[PACS].status
    async with bench.running():
        bench.later(LONGEST)
        await bench.until(lambda: desk.world.cache.servers[PACS].status != before)
    after = desk.world.cache.servers[PACS].status
    assert after.model_copy(update={"last_probe_time": before.last_probe_time}) == before
    assert bench.events.told == []


async def test_a_server_whose_spec_changes_is_asked_at_once(desk: Desk, cluster: EmbeddedCluster) -> None:
    bench = await bench_of(desk, cluster)
    await bench.settle()
    async with bench.running():
        await asyncio.sleep(0.02)
        assert bench.asked() == 0
        desk.world.cache.put(await cluster.patch(PACS, {"spec": {"limits": {"maxAssociations": 3}}}))
        bench.probes.wake()
        await bench.until(lambda: bench.asked() == 1)


async def test_a_server_whose_credential_changes_is_asked_at_once_and_with_the_new_one(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    web = server_manifest("web")
    reference = {"secretRef": {"name": "login", "key": "header"}}
    web["spec"] = {"aeTitle": "WEB", "dicomweb": {"url": "http://127.0.0.1:9/", "authorization": reference}}
    await cluster.create(web)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "default"}}
    secret["metadata"]["labels"] = {"adit.dev/purpose": "credential"}  # type: ignore[index]  # just made
    await cluster.create({**secret, "stringData": {"header": "Bearer old"}})
    bench = await bench_of(desk, cluster)
    async with bench.running():
        await bench.until(lambda: ("web", {"authorization": b"Bearer old"}) in bench.prober.asked)
        login = Ref("Secret", "default", "login")
        desk.world.cache.put(await cluster.patch(login, {"stringData": {"header": "Bearer new"}}))
        bench.probes.wake()
        await bench.until(lambda: ("web", {"authorization": b"Bearer new"}) in bench.prober.asked)


async def test_objects_that_share_an_endpoint_are_asked_once_and_all_told(desk: Desk, cluster: EmbeddedCluster) -> None:
    twin = server_manifest("twin")
    twin["spec"]["aeTitle"] = "PACS"
    await cluster.create(twin)
    bench = await bench_of(desk, cluster)
    async with bench.running():
        await bench.until(lambda: len(bench.events.told) == 3)
    assert bench.asked("pacs") + bench.asked("twin") == 1
    assert await bench.told(PACS) == await bench.told(TWIN) == ("True", "ProbeSucceeded")


async def test_a_silent_server_does_not_hold_up_the_others(desk: Desk, cluster: EmbeddedCluster) -> None:
    bench = await bench_of(desk, cluster)
    bench.prober.silent["pacs"] = asyncio.Event()
    async with bench.running():
        await bench.until(lambda: bench.asked("research") == 1)
        bench.later(LONGEST)
        await bench.until(lambda: bench.asked("research") == 2)
        assert bench.asked("pacs") == 1


async def test_a_paused_server_is_asked_as_well(desk: Desk, cluster: EmbeddedCluster) -> None:
    await cluster.patch(PACS, {"spec": {"paused": True}})
    bench = await bench_of(desk, cluster)
    async with bench.running():
        await bench.until(lambda: bench.asked() == 1)


async def test_a_server_whose_slots_are_all_used_is_not_thought_to_be_down(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    bench = await bench_of(desk, cluster, slots=Slots(taken=True))
    await bench.settle()
    async with bench.running():
        bench.later(LONGEST)
        await asyncio.sleep(0.05)
        assert bench.reach.down() == {}
        assert await bench.told() == ("True", "ProbeSucceeded")
        assert bench.prober.asked == []
        bench.probes._slots = Slots(taken=False)
        bench.later(15)
        await bench.until(lambda: bench.asked() == 1)


async def test_a_cluster_that_gives_no_slot_says_nothing_of_the_peer(desk: Desk, cluster: EmbeddedCluster) -> None:
    for error in (ClusterUnavailable("the API server is away"), Forbidden("leases are forbidden")):
        bench = await bench_of(desk, cluster, slots=Slots(taken=False, error=error))
        async with bench.running():
            await asyncio.sleep(0.05)
            assert bench.reach.down() == {}
            assert await bench.told() == ("Unknown", "")


async def test_what_cannot_be_asked_is_unknown_and_no_outage(desk: Desk, cluster: EmbeddedCluster) -> None:
    bench = await bench_of(desk, cluster)
    bench.prober.errors["pacs"] = BadInput("it answers no search, so nothing can be asked")
    async with bench.running():
        await bench.until(
            lambda: condition_of(desk.world.cache.servers[PACS].status.conditions, "Reachable") is not None
        )
        assert bench.reach.down() == {}
    assert await bench.told() == ("Unknown", "BadInput")


async def test_a_server_that_answers_badly_is_not_away_and_one_that_is_away_is_not_back(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    bench = await bench_of(desk, cluster)
    bench.prober.errors["pacs"] = RetryableError("HTTP 503", reason="CannotAnswerNow")
    async with bench.running():
        await bench.until(lambda: bench.asked() == 1)
        await bench.until(lambda: bench.events.reasons == ["Reachable", "Reachable"])
        assert bench.reach.down() == {}
        assert await bench.told() == ("True", "ProbeRefused")
        await bench.suspect()
        await bench.until(lambda: "Unreachable" in bench.events.reasons)
        assert bench.reach.down() == {ENDPOINT: "HTTP 503"}


async def test_while_a_probe_borrows_a_runners_only_slot_no_runner_starts_there(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    await cluster.patch(PACS, {"spec": {"limits": {"maxAssociations": 1}}})
    await cluster.create(transfer_job_manifest("night"))
    await desk.see_all()
    await desk.reconcile()
    await desk.reconcile()
    with desk.reach.borrowing(ENDPOINT):
        turn = await desk.admit()
        assert (turn.started, [one.reason for one in turn.waiting.values()]) == ((), ["WaitingForSlot"])
    assert len((await desk.admit()).started) == 1


async def test_while_admission_starts_a_runner_no_probe_takes_its_place(desk: Desk, cluster: EmbeddedCluster) -> None:
    await cluster.patch(PACS, {"spec": {"limits": {"maxAssociations": 1}}})
    bench = await bench_of(desk, cluster)
    await bench.turn.acquire()
    async with bench.running():
        await bench.until(lambda: bench.asked("research") == 1)
        bench.runners = 1  # what the turn has started
        bench.turn.release()
        await asyncio.sleep(0.05)
    assert bench.asked("pacs") == 0


async def test_a_running_runner_stands_for_a_probe_where_nothing_is_reserved(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    await cluster.patch(PACS, {"spec": {"limits": {"maxAssociations": 1}}})
    bench = await bench_of(desk, cluster, runners=1)
    async with bench.running():
        await bench.until(lambda: bench.asked("research") == 1)
        bench.later(LONGEST)
        await bench.until(lambda: bench.asked("research") == 2)
        assert bench.asked("pacs") == 0
        assert bench.reach.down() == {}
