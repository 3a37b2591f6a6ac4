from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from adit.cluster.cluster import ClusterUnavailable, Conflict, Forbidden, Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.cluster.kinds import Ref
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.admit import MAX_DECISIONS
from adit_operator.testing.desk import Desk

Create = Callable[[Manifest], Awaitable[Manifest]]
NIGHT = Ref("TransferJob", "default", "night")
QUOTA = "Operation cannot be fulfilled on resourcequotas"


class Hindered:
    """A cluster that makes objects of some kinds in another way, as long as it is told so."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self.cluster = cluster
        self.creating: dict[str, Create] = {}
        self.deaf = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cluster, name)

    async def get(self, ref: Ref) -> Manifest:
        if self.deaf:
            raise ClusterUnavailable("no answer")
        return await self.cluster.get(ref)

    async def create(self, manifest: Manifest) -> Manifest:
        return await self.creating.get(manifest["kind"], self.cluster.create)(manifest)


@pytest.fixture
def hindered(cluster: EmbeddedCluster) -> Hindered:
    return Hindered(cluster)


@pytest_asyncio.fixture
async def desk(cluster: EmbeddedCluster, hindered: Hindered) -> Desk:
    return Desk(hindered, FlockLease(cluster.data))


def job(name: str = "night", studies: int = 4, **spec: Any) -> Manifest:
    manifest = transfer_job_manifest(name, studies=[f"1.2.{i + 1}" for i in range(studies)])
    manifest["spec"] |= {"parallelism": 1, **spec}
    return manifest


async def submit(desk: Desk, *jobs: Manifest) -> None:
    """Make jobs, and plan them."""
    for one in jobs:
        await desk.cluster.create(one)
    await desk.see_all()
    for one in jobs:
        while await desk.reconcile(one["metadata"]["name"]):
            pass
    await desk.see_all()


async def runners(desk: Desk) -> list[str]:
    """The jobs that have runners, one entry for each."""
    return [one["metadata"]["annotations"]["adit.dev/owner-name"] for one in await desk.runner_jobs()]


async def test_no_runner_is_made_whose_secrets_could_not_be_made(desk: Desk, hindered: Hindered) -> None:
    async def contended(_: Manifest) -> Manifest:
        raise Conflict(QUOTA)

    await submit(desk, job())
    hindered.creating["Secret"] = contended
    await desk.admit()
    assert await desk.runner_jobs() == []
    hindered.creating.clear()
    desk.clock.advance(5)
    await desk.admit()
    (runner,) = await desk.runner_jobs()
    mounted = {one["secret"]["secretName"] for one in runner["spec"]["template"]["spec"]["volumes"] if "secret" in one}
    there = {one["metadata"]["name"] for one in (await desk.cluster.list("Secret", namespace="adit")).items}
    assert mounted <= there


async def test_a_secret_that_somebody_made_meanwhile_is_there(desk: Desk, hindered: Hindered) -> None:
    async def beaten(manifest: Manifest) -> Manifest:
        await hindered.cluster.create(manifest)
        return await hindered.cluster.create(manifest)

    await submit(desk, job())
    hindered.creating["Secret"] = beaten
    await desk.admit()
    assert await runners(desk) == ["night"]


async def test_what_a_turn_says_to_those_who_run_is_told_though_a_start_fails(
    desk: Desk, cluster: EmbeddedCluster, hindered: Hindered
) -> None:
    async def away(_: Manifest) -> Manifest:
        raise ClusterUnavailable("away")

    for name in ("pacs", "research"):
        await cluster.patch(Ref("DicomServer", "default", name), {"spec": {"limits": {"maxAssociations": 2}}})
    for name, port in (("third", 11114), ("fourth", 11115)):
        await cluster.create(server_manifest(name, port=port))
    await submit(desk, job("low"))
    await desk.settle()
    (runner,) = await desk.runner_jobs()
    await desk.claim(runner)
    elsewhere: dict[str, Any] = {"source": {"name": "third"}, "destination": {"name": "fourth"}}
    await submit(desk, job("high", priority=900), job("else", **elsewhere))
    hindered.creating["Job"] = away
    with pytest.raises(ClusterUnavailable):
        await desk.admit()
    assert desk.told == {Ref("TransferJob", "default", "low")}


@pytest.mark.parametrize("kind", ["Secret", "Job"])
async def test_no_more_runners_start_once_it_is_seen_that_the_job_must_not_run(
    desk: Desk, hindered: Hindered, kind: str
) -> None:
    async def meanwhile(manifest: Manifest) -> Manifest:
        made = await hindered.cluster.create(manifest)
        await desk.change({"suspend": True})
        desk.world.cache.put(await hindered.cluster.get(NIGHT))
        return made

    await submit(desk, job(parallelism=4))
    hindered.creating[kind] = meanwhile
    await desk.admit()
    assert len(await desk.runner_jobs()) == (1 if kind == "Job" else 0)


def refusing(hindered: Hindered, *names: str) -> Create:
    """Making Jobs, but for these jobs."""

    async def create(manifest: Manifest) -> Manifest:
        if manifest["metadata"]["annotations"]["adit.dev/owner-name"] in names:
            raise Forbidden("denied the request: policy")
        return await hindered.cluster.create(manifest)

    return create


async def one_slot(desk: Desk) -> None:
    for name in ("pacs", "research"):
        await desk.cluster.patch(Ref("DicomServer", "default", name), {"spec": {"limits": {"maxAssociations": 2}}})


async def test_what_a_refused_runner_was_to_have_is_given_to_another_in_the_same_turn(
    desk: Desk, hindered: Hindered
) -> None:
    await one_slot(desk)
    await submit(desk, job("first", priority=900), job("second", priority=800), job("third"))
    hindered.creating["Job"] = refusing(hindered, "first", "second")
    turn = await desk.admit()
    assert await runners(desk) == ["third"]
    told = {desk.world.cache.transfers[Ref("TransferJob", "default", name)].uid for name in ("first", "second")}
    assert {uid: turn.waiting[uid].reason for uid in told} == dict.fromkeys(told, "StartRefused")


async def test_a_refused_runner_is_asked_for_again_ever_more_seldom_and_its_job_says_so(
    desk: Desk, hindered: Hindered
) -> None:
    asked: list[float] = []

    async def create(_: Manifest) -> Manifest:
        asked.append(desk.clock.monotonic())
        raise Forbidden("denied the request: policy")

    await submit(desk, job())
    hindered.creating["Job"] = create
    for _ in range(200):
        turn = await desk.admit()
        assert [one.reason for one in turn.waiting.values()] == ["StartRefused"]
        assert turn.next_due is not None
        desk.clock.advance(1)
    assert asked == [0, 5, 15, 35, 75, 135, 195]
    hindered.creating.clear()
    desk.clock.advance(60)
    await desk.admit()
    assert await runners(desk) == ["night"]


async def test_where_many_are_refused_the_next_turn_goes_on_at_once(desk: Desk, hindered: Hindered) -> None:
    await one_slot(desk)
    names = [f"refused-{i:02}" for i in range(MAX_DECISIONS + 1)]
    await submit(desk, *(job(name, priority=900) for name in names), job("served"))
    hindered.creating["Job"] = refusing(hindered, *names)
    turn = await desk.admit()
    assert (await runners(desk), turn.next_due) == ([], desk.clock.now())
    await desk.admit()
    assert await runners(desk) == ["served"]


def unanswered(hindered: Hindered) -> Create:
    """Making what is then there, though nobody answers so."""

    async def create(manifest: Manifest) -> Manifest:
        await hindered.cluster.create(manifest)
        raise ClusterUnavailable("timed out")

    return create


async def test_a_runner_whose_making_was_not_answered_takes_its_slot(desk: Desk, hindered: Hindered) -> None:
    await one_slot(desk)
    await submit(desk, job("first"))
    hindered.creating["Job"] = unanswered(hindered)
    with pytest.raises(ClusterUnavailable):
        await desk.admit()
    hindered.creating.clear()
    await desk.cluster.create(job("urgent", priority=900))
    while await desk.reconcile("urgent"):
        pass
    await desk.admit()
    assert await runners(desk) == ["first"]


async def test_what_a_runner_mounts_whose_making_was_not_answered_is_not_swept(desk: Desk, hindered: Hindered) -> None:
    await submit(desk, job())
    hindered.creating["Job"] = unanswered(hindered)
    with pytest.raises(ClusterUnavailable):
        await desk.admit()
    before = (await desk.cluster.list("Secret", namespace="adit")).items
    await desk.sweep()
    assert (await desk.cluster.list("Secret", namespace="adit")).items == before != ()


async def test_a_runner_that_was_not_made_after_all_takes_no_slot(desk: Desk, hindered: Hindered) -> None:
    async def away(_: Manifest) -> Manifest:
        raise ClusterUnavailable("away")

    await one_slot(desk)
    await submit(desk, job("first"))
    hindered.creating["Job"] = away
    with pytest.raises(ClusterUnavailable):
        await desk.admit()
    hindered.creating.clear()
    await submit(desk, job("second"))
    await desk.admit()
    assert await runners(desk) == ["second"], "whoever could not be served waits a moment"


async def test_nothing_starts_while_nobody_can_say_whether_a_runner_was_made(desk: Desk, hindered: Hindered) -> None:
    await submit(desk, job("first"))
    hindered.creating["Job"] = unanswered(hindered)
    with pytest.raises(ClusterUnavailable):
        await desk.admit()
    hindered.creating.clear()
    await desk.cluster.create(job("second"))
    while await desk.reconcile("second"):
        pass
    hindered.deaf = True
    with pytest.raises(ClusterUnavailable):
        await desk.admit()
    assert await runners(desk) == ["first"]
