"""The election around the operator's work: who stands by is healthy, who loses ends at once."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable

import httpx
import pytest

from adit.cluster.kubernetes.leadership import Leadership, Pace
from adit_operator.election import identity, lead, standing_by
from tests.core.cluster.kubernetes.leases import FakeLeases

QUICK = Pace(duration=0.3, deadline=0.2, retry=0.02)


class Work:
    """What a leader does, until it is told to end."""

    def __init__(self) -> None:
        self.began, self.end, self.gauge = asyncio.Event(), asyncio.Event(), list[int]()

    async def __call__(self) -> None:
        self.began.set()
        await self.end.wait()


def leadership(leases: FakeLeases, name: str) -> Leadership:
    return Leadership(leases, "adit", name, pace=QUICK)


def start(
    leases: FakeLeases, name: str, work: Work, lost: Callable[[str], object] = lambda _: None
) -> "asyncio.Task[None]":
    led = lead(leadership(leases, name), work, health_port=0, leads=work.gauge.append, lost=lost)
    return asyncio.create_task(led)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


async def test_only_one_works_and_the_next_begins_when_it_has_ended() -> None:
    leases, first, second = FakeLeases(), Work(), Work()
    leader = start(leases, "a", first)
    await first.began.wait()
    follower = start(leases, "b", second)
    await asyncio.sleep(0.5)
    assert (first.gauge, second.gauge) == ([0, 1], [0])
    first.end.set()
    await leader
    async with asyncio.timeout(0.25):  # released, so that nobody waits for it to stand still
        await second.began.wait()
    second.end.set()
    await follower


async def test_a_lost_lease_is_told_at_once_and_the_work_does_not_go_on() -> None:
    leases, work, told = FakeLeases(), Work(), list[str]()
    leader = start(leases, "a", work, told.append)
    await work.began.wait()
    [name] = leases.leases
    leases._write(name, {**leases.leases[name], "spec": {"holderIdentity": "b"}})
    async with asyncio.timeout(2):
        await leader
    assert told == ["the Lease is held by b"]


async def test_an_error_of_the_work_is_raised_and_the_lease_released() -> None:
    leases, work = FakeLeases(), Work()

    async def broken() -> None:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        await lead(leadership(leases, "a"), broken, health_port=0, leads=work.gauge.append)
    [lease] = leases.leases.values()
    assert "holderIdentity" not in lease["spec"]


async def test_who_stands_by_ends_in_good_order_at_a_signal() -> None:
    leases, first, second = FakeLeases(), Work(), Work()
    leader = start(leases, "a", first)
    await first.began.wait()
    follower = start(leases, "b", second)
    await asyncio.sleep(0.1)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(2):
        await follower
    assert not second.began.is_set()
    first.end.set()
    await leader


async def test_who_stands_by_answers_its_probe_and_says_so() -> None:
    port = free_port()
    async with standing_by(port, lambda: "operator-1"), httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"standsBy": True, "leader": "operator-1"})


def test_an_identity_names_the_pod_and_is_never_used_twice() -> None:
    assert identity("operator-1").startswith("operator-1_")
    assert identity("operator-1") != identity("operator-1")
    assert identity("").startswith(socket.gethostname())
