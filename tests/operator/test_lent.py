"""A server that keeps no association for people lends one: to a person or to a runner, never to both at once."""

from contextlib import suppress
from dataclasses import replace

import pytest
import pytest_asyncio

from adit.api.endpoint import Endpoint, endpoint_of
from adit.api.resource import DicomServer
from adit.cluster.cluster import ClusterUnavailable, Forbidden
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.slots import SlotsTaken, interactive_slot
from adit.testing.cluster import transfer_job_manifest
from adit_operator.testing.desk import Desk
from adit_operator.testing.probing import ENDPOINT, PACS, Bench, Slots


@pytest_asyncio.fixture
async def lending(desk: Desk, cluster: EmbeddedCluster) -> Desk:
    """A job that waits for a PACS with one association."""
    await cluster.patch(PACS, {"spec": {"limits": {"maxAssociations": 1}}})
    desk.world = replace(desk.world, slots=cluster.interactive_slots())
    await cluster.create(transfer_job_manifest())
    await desk.see_all()
    while await desk.reconcile():
        pass
    await desk.see_all()
    return desk


async def pacs(cluster: EmbeddedCluster) -> DicomServer:
    return DicomServer.read(await cluster.get(PACS))


async def endpoint(cluster: EmbeddedCluster) -> Endpoint:
    return endpoint_of((await pacs(cluster)).spec)


async def test_no_runner_starts_while_a_person_asks(lending: Desk, cluster: EmbeddedCluster) -> None:
    async with cluster.interactive_slots().acquire(await endpoint(cluster), 1, "ada"):
        await lending.admit()
        assert await lending.runner_jobs() == []
        [waiting] = lending.waiting.values()
        assert (waiting.reason, "ada since" in waiting.message) == ("WaitingForSlot", True)
    lending.clock.advance(5)
    await lending.admit()
    assert len(await lending.runner_jobs()) == 1


async def test_a_runner_is_shown_before_it_is_made_and_people_are_let_back_afterwards(
    lending: Desk, cluster: EmbeddedCluster
) -> None:
    assert (await pacs(cluster)).status.allocated == 0
    await lending.admit()
    assert (await pacs(cluster)).status.allocated == 1
    async with cluster.interactive_slots().acquire(await endpoint(cluster), 1, "ada", timeout=0):
        pass


async def test_who_gets_the_slot_after_a_runner_was_started_is_refused(lending: Desk, cluster: EmbeddedCluster) -> None:
    """What was read of the server before the slot was had is out of date by then."""
    before = await pacs(cluster)
    await lending.admit()
    with pytest.raises(SlotsTaken, match="1 work now"):
        async with interactive_slot(cluster.interactive_slots(), before, "ada", again=lambda: pacs(cluster), timeout=0):
            pytest.fail("the runner and the person would use it at once")


async def test_a_person_gets_the_slot_while_no_runner_works(lending: Desk, cluster: EmbeddedCluster) -> None:
    server = await pacs(cluster)
    async with interactive_slot(cluster.interactive_slots(), server, "ada", again=lambda: pacs(cluster), timeout=0):
        await lending.admit()
    assert await lending.runner_jobs() == []


@pytest.mark.parametrize("error", [ClusterUnavailable("no answer"), Forbidden("no")])
async def test_where_the_slot_cannot_be_asked_for_no_runner_starts(
    lending: Desk, error: ClusterUnavailable | Forbidden
) -> None:
    lending.world = replace(lending.world, slots=Slots(taken=False, error=error))
    with suppress(ClusterUnavailable):  # the whole turn is tried again
        await lending.admit()
    assert await lending.runner_jobs() == []


async def test_a_server_that_keeps_one_for_people_is_started_without_their_slots(
    lending: Desk, cluster: EmbeddedCluster
) -> None:
    await cluster.patch(PACS, {"spec": {"limits": {"maxAssociations": 2}}})
    await lending.see_all()
    lending.world = replace(lending.world, slots=(slots := Slots(taken=True)))
    await lending.admit()
    assert len(await lending.runner_jobs()) == 1
    assert slots.acquired == []


async def test_a_probe_takes_the_slot_that_is_lent(lending: Desk, cluster: EmbeddedCluster) -> None:
    slots = Slots(taken=False)
    bench = Bench(cluster, lending.world.cache, slots=slots)
    await bench.settle()
    async with bench.running():
        await bench.suspect()
        await bench.until(lambda: bench.opened == 1)
    assert slots.acquired == [(ENDPOINT, 1, "the operator's probe")]
