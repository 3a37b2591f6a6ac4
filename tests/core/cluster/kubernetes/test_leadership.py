"""Leadership by a clock of the test's own: one leads, the next one when it stands still, and nobody twice."""

import asyncio

import pytest

from adit.cluster.cluster import ClusterUnavailable, Forbidden
from adit.cluster.kubernetes.leadership import OPERATOR, Leadership, Pace
from tests.core.cluster.kubernetes.leases import FakeLeases, ManualTime


def candidate(leases: FakeLeases, identity: str, time: ManualTime, pace: Pace | None = None) -> Leadership:
    return Leadership(leases, "adit", identity, pace=pace, clock=time.clock, now=time.now, sleep=time.sleep)


def holder(leases: FakeLeases) -> str | None:
    held: str | None = leases.leases[OPERATOR]["spec"].get("holderIdentity")
    return held


async def passed(time: ManualTime, seconds: float) -> None:
    while time.seconds < seconds:  # noqa: ASYNC110  # the clock is moved by who sleeps
        await asyncio.sleep(0)


@pytest.fixture
def leases() -> FakeLeases:
    return FakeLeases()


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


async def test_the_first_one_leads_at_once(leases: FakeLeases, time: ManualTime) -> None:
    await candidate(leases, "a", time).win()
    assert (holder(leases), time.seconds) == ("a", 0.0)


async def test_the_second_one_leads_fifteen_seconds_after_the_first_was_killed(
    leases: FakeLeases, time: ManualTime
) -> None:
    await candidate(leases, "a", time).win()
    told: list[str] = []
    await candidate(leases, "b", time).win(told.append)
    assert holder(leases) == "b"
    assert 15 <= time.seconds <= 17
    assert set(told) == {"a"}
    assert leases.leases[OPERATOR]["spec"]["leaseTransitions"] == 1


async def test_while_the_first_one_renews_the_second_does_not_lead(leases: FakeLeases) -> None:
    first, second = ManualTime(), ManualTime()
    leader = candidate(leases, "a", first)
    await leader.win()
    keeping = asyncio.create_task(leader.keep())
    waiting = asyncio.create_task(candidate(leases, "b", second).win())
    for _ in range(400):
        await asyncio.sleep(0)
    assert second.seconds > 60
    assert (holder(leases), keeping.done(), waiting.done()) == ("a", False, False)
    for task in (keeping, waiting):
        task.cancel()
    await asyncio.gather(keeping, waiting, return_exceptions=True)


async def test_the_next_one_leads_at_once_after_a_release(leases: FakeLeases, time: ManualTime) -> None:
    leader = candidate(leases, "a", time)
    await leader.win()
    await leader.release()
    await candidate(leases, "b", time).win()
    assert (holder(leases), time.seconds) == ("b", 0.0)


async def test_who_cannot_renew_stops_before_anybody_else_may_lead(leases: FakeLeases, time: ManualTime) -> None:
    leader = candidate(leases, "a", time)
    await leader.win()
    leases.broken = ClusterUnavailable("the API server is away")
    assert await leader.keep() == "the Lease could not be renewed for 10 s"
    assert time.seconds < 15


async def test_an_api_server_that_keeps_silent_does_not_keep_a_leader() -> None:
    class Silent(FakeLeases):
        async def patch(self, *_: object, **__: object) -> dict[str, object]:
            await asyncio.sleep(60)
            raise AssertionError("nobody waits so long")

    leader = Leadership(Silent(), "adit", "a", pace=Pace(duration=0.3, deadline=0.2, retry=0.05))
    await leader.win()
    async with asyncio.timeout(2):
        assert "could not be renewed" in await leader.keep()


async def test_a_short_outage_is_survived(leases: FakeLeases, time: ManualTime) -> None:
    leader = candidate(leases, "a", time)
    await leader.win()
    leases.broken = ClusterUnavailable("the API server is away")
    keeping = asyncio.create_task(leader.keep())
    await passed(time, 8)
    leases.broken = None
    await passed(time, 60)
    assert not keeping.done()
    keeping.cancel()


async def test_who_is_replaced_says_by_whom(leases: FakeLeases, time: ManualTime) -> None:
    leader = candidate(leases, "a", time)
    await leader.win()
    await candidate(leases, "b", ManualTime()).win()
    assert await leader.keep() == "the Lease is held by b"


async def test_a_change_of_the_lease_by_somebody_who_does_not_lead_is_no_loss(
    leases: FakeLeases, time: ManualTime
) -> None:
    leader = candidate(leases, "a", time)
    await leader.win()
    leases._write(OPERATOR, leases.leases[OPERATOR] | {"note": "by hand"})
    keeping = asyncio.create_task(leader.keep())
    await passed(time, 30)
    assert not keeping.done()
    keeping.cancel()


async def test_a_lost_right_ends_the_leadership(leases: FakeLeases, time: ManualTime) -> None:
    leader = candidate(leases, "a", time)
    await leader.win()
    leases.broken = Forbidden("leases are forbidden")
    assert await leader.keep() == "the Lease may not be renewed: leases are forbidden"


async def test_two_who_start_at_once_do_not_both_lead(leases: FakeLeases, time: ManualTime) -> None:
    told: list[str] = []
    first, second = candidate(leases, "a", time), candidate(leases, "b", ManualTime())
    done, pending = await asyncio.wait(
        {asyncio.create_task(first.win()), asyncio.create_task(second.win(told.append))},
        return_when=asyncio.FIRST_COMPLETED,
    )
    assert (len(done), len(pending)) == (1, 1)
    for task in pending:
        task.cancel()
