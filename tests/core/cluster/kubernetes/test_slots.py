"""Interactive slots as Leases: by a clock of the test's own, on Leases that behave as the API server's do."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack

import pytest

from adit.api.endpoint import Endpoint
from adit.cluster.cluster import ClusterUnavailable, Forbidden
from adit.cluster.embedded.merge import merged
from adit.cluster.kubernetes import KubernetesSlots
from adit.cluster.slots import SlotsTaken
from tests.core.cluster.kubernetes.leases import FakeLeases, ManualTime

PACS = Endpoint("pacs.example", 104, "PACS")
OTHER = Endpoint("pacs.example", 104, "OTHER")


def client(leases: FakeLeases, time: ManualTime | None = None, *, duration_seconds: int = 30) -> KubernetesSlots:
    """One process that shares the Leases with the others."""
    time = time or ManualTime()
    return KubernetesSlots(
        leases, "adit", duration_seconds=duration_seconds, clock=time.clock, now=time.now, sleep=time.sleep
    )


@pytest.fixture
def leases() -> FakeLeases:
    return FakeLeases()


def left_behind(leases: FakeLeases, count: int = 1) -> None:
    """As a holder leaves its Leases that was killed."""
    for index in range(count):
        lease = list(leases.leases.values())[index]
        leases._write(lease["metadata"]["name"], merged(lease, {"spec": {"holderIdentity": "dead #1"}}))


async def hold(leases: FakeLeases, then: Awaitable[None], *, duration_seconds: int = 1) -> None:
    """Hold a slot for a minute; `then` happens meanwhile."""
    async with client(leases, duration_seconds=duration_seconds).acquire(PACS, 1, "anna"):
        await then
        await asyncio.sleep(60)


async def used_once(leases: FakeLeases, capacity: int = 1) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(capacity):
            await stack.enter_async_context(client(leases).acquire(PACS, capacity, "somebody"))


async def test_as_many_hold_a_slot_as_there_are(leases: FakeLeases) -> None:
    async with client(leases).acquire(PACS, 2, "anna"), client(leases).acquire(PACS, 2, "bert"):
        with pytest.raises(SlotsTaken):
            async with client(leases).acquire(PACS, 2, "carla", timeout=1.0):
                pytest.fail("a third slot")


async def test_who_finds_none_is_told_the_holders(leases: FakeLeases) -> None:
    async with client(leases).acquire(PACS, 1, "anna, adit find"):
        with pytest.raises(SlotsTaken, match=r"PACS@pacs\.example:104.*1 of 1.*anna, adit find.* since 2026-"):
            async with client(leases).acquire(PACS, 1, "bert", timeout=0.0):
                pytest.fail("a second slot")


async def test_a_slot_that_was_left_can_be_taken_at_once(leases: FakeLeases) -> None:
    time = ManualTime()
    await used_once(leases)
    async with client(leases, time).acquire(PACS, 1, "bert", timeout=0.0):
        assert time.seconds == 0
    assert len(leases.leases) == 1


async def test_a_slot_is_left_when_what_was_done_with_it_fails(leases: FakeLeases) -> None:
    with pytest.raises(ZeroDivisionError):
        async with client(leases).acquire(PACS, 1, "anna"):
            raise ZeroDivisionError
    async with client(leases).acquire(PACS, 1, "bert", timeout=0.0):
        pass


async def test_endpoints_have_slots_of_their_own(leases: FakeLeases) -> None:
    async with client(leases).acquire(PACS, 1, "anna"), client(leases).acquire(OTHER, 1, "bert", timeout=0.0):
        assert len(leases.leases) == 2


async def test_names_are_the_same_for_everybody(leases: FakeLeases) -> None:
    await used_once(leases)
    again = FakeLeases()
    await used_once(again)
    assert leases.leases.keys() == again.leases.keys()
    assert all(name.startswith("adit-slot-") and len(name) < 63 for name in leases.leases)


async def test_one_slot_for_none_is_refused_at_once(leases: FakeLeases) -> None:
    with pytest.raises(SlotsTaken, match="reservedInteractive"):
        async with client(leases).acquire(PACS, 0, "anna"):
            pytest.fail("a slot of none")


async def test_who_died_is_waited_for_as_long_as_the_lease_lasts(leases: FakeLeases) -> None:
    time = ManualTime()
    await used_once(leases)
    left_behind(leases)
    async with client(leases, time).acquire(PACS, 1, "bert", timeout=30.0):
        assert time.seconds == pytest.approx(30.0)
    assert next(iter(leases.leases.values()))["spec"]["leaseTransitions"] == 1


async def test_who_could_not_wait_so_long_finds_the_slot_free_later(leases: FakeLeases) -> None:
    time = ManualTime()
    slots = client(leases, time)
    await used_once(leases)
    left_behind(leases)
    with pytest.raises(SlotsTaken, match="dead"):
        async with slots.acquire(PACS, 1, "bert", timeout=5.0):
            pytest.fail("too early")
    time.seconds += 25
    async with slots.acquire(PACS, 1, "bert", timeout=0.0):
        pass


async def test_a_holder_that_renews_is_never_taken_over(leases: FakeLeases) -> None:
    time = ManualTime()
    slots = client(leases, time)
    await used_once(leases)
    left_behind(leases)
    for _ in range(4):
        with pytest.raises(SlotsTaken):
            async with slots.acquire(PACS, 1, "bert", timeout=20.0):
                pytest.fail("taken from somebody alive")
        left_behind(leases)  # the same holder writes again


async def test_of_many_who_try_at_once_only_so_many_succeed(leases: FakeLeases) -> None:
    inside, most = 0, 0

    async def visit(name: str) -> None:
        nonlocal inside, most
        async with client(leases).acquire(PACS, 3, name, timeout=1_000.0):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(visit(str(number)) for number in range(20)))
    assert most == 3
    assert len(leases.leases) == 3


async def test_slots_above_a_lowered_capacity_count_until_they_are_left(leases: FakeLeases) -> None:
    await used_once(leases, capacity=2)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(client(leases).acquire(PACS, 2, "anna"))
        upper = client(leases).acquire(PACS, 2, "bert")
        async with upper:
            await stack.aclose()
            with pytest.raises(SlotsTaken, match="bert"):
                async with client(leases).acquire(PACS, 1, "carla", timeout=0.0):
                    pytest.fail("one beside the upper")


async def test_a_stranger_among_the_leases_is_no_slot(leases: FakeLeases) -> None:
    await used_once(leases)
    lease = next(iter(leases.leases.values()))
    for name in ("other", "adit-slot-0-0", lease["metadata"]["name"] + "0" * 9):
        leases._write(name, {**lease, "metadata": {**lease["metadata"], "name": name}, "spec": {"holderIdentity": "x"}})
    async with client(leases).acquire(PACS, 1, "anna", timeout=0.0):
        pass


async def test_a_lease_is_renewed_while_it_is_held(leases: FakeLeases) -> None:
    async with client(leases, duration_seconds=1).acquire(PACS, 1, "anna"):
        before = leases.version
        await asyncio.sleep(0.8)
        assert leases.version >= before + 2


async def test_what_is_done_ends_where_the_lease_cannot_be_renewed(leases: FakeLeases) -> None:
    async def breaks() -> None:
        leases.broken = ClusterUnavailable("away")

    async with asyncio.timeout(5):
        with pytest.raises(ClusterUnavailable, match="could not be kept"):
            await hold(leases, breaks())


async def test_what_is_done_ends_at_once_where_renewing_is_forbidden(leases: FakeLeases) -> None:
    async def breaks() -> None:
        leases.broken = Forbidden("no")

    began = asyncio.get_running_loop().time()
    with pytest.raises(ClusterUnavailable):
        await hold(leases, breaks(), duration_seconds=3)
    assert asyncio.get_running_loop().time() - began < 1.8


async def test_who_lost_a_slot_does_not_free_it_for_others(leases: FakeLeases) -> None:
    async def taken() -> None:
        left_behind(leases)

    with pytest.raises(ClusterUnavailable):
        await hold(leases, taken())
    assert next(iter(leases.leases.values()))["spec"]["holderIdentity"] == "dead #1"


async def test_a_person_who_labels_a_lease_takes_it_from_nobody(leases: FakeLeases) -> None:
    async with client(leases, duration_seconds=1).acquire(PACS, 1, "anna"):
        name, lease = next(iter(leases.leases.items()))
        leases._write(name, merged(lease, {"metadata": {"labels": {"seen": "yes"}}}))
        await asyncio.sleep(1.2)
    assert "holderIdentity" not in leases.leases[name]["spec"]


async def test_a_timeout_of_what_is_done_stays_one(leases: FakeLeases) -> None:
    with pytest.raises(TimeoutError):
        async with client(leases).acquire(PACS, 1, "anna"):
            raise TimeoutError
