"""Who works a TaskSet: one runner at a time, whatever happens between reading and writing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adit.api.task_set import Holder
from adit.cluster.cluster import Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.cluster.kinds import Ref
from adit.testing.connectors import FakeConnector, fake_study
from adit.testing.task_sets import task_set_manifest
from adit_jobrunner.claim import Refused, claimed
from adit_jobrunner.exit_codes import ExitCode
from adit_jobrunner.status import HolderLost, StatusWriter, holder_uid

Run = Callable[..., Awaitable[ExitCode]]


class ClockLease:
    """A lease as Kubernetes has it: nothing is held, and the test says who is gone."""

    def __init__(self, *, gone: bool) -> None:
        self.gone = gone

    def expired(self, uid: str, holder: Manifest | None) -> bool:
        del uid
        return holder is None or self.gone

    @contextmanager
    def hold(self, uid: str) -> Iterator[bool]:
        del uid
        yield True


def holder(uid: str) -> Holder:
    return Holder(pod_name=f"pod-{uid}", pod_uid=uid, renew_time="2024-01-01T00:00:00Z")


async def claim(cluster: EmbeddedCluster, made: Manifest, lease: ClockLease, *, uid: str, attempt: int = 0) -> object:
    async with claimed(
        cluster, lease, Ref.of(made), uid=made["metadata"]["uid"], holder=holder(uid), attempt=attempt
    ) as got:
        return got


async def test_of_two_runners_at_once_exactly_one_works(cluster: EmbeddedCluster, run_runner: Run) -> None:
    made = await cluster.create(task_set_manifest())
    one, two = (FakeConnector("pacs", fake_study(20)) for _ in range(2))
    there = FakeConnector("research")
    codes = await asyncio.gather(run_runner(made, one, there), run_runner(made, two, there))
    assert sorted(codes) == [ExitCode.DONE, ExitCode.AGAIN]
    assert sum("fetch 1.2.3" in source.log for source in (one, two)) == 1


async def test_of_two_claims_at_once_the_version_lets_one_through(cluster: EmbeddedCluster) -> None:
    made = await cluster.create(task_set_manifest())
    lease = ClockLease(gone=False)
    results = await asyncio.gather(*(claim(cluster, made, lease, uid=f"u{n}") for n in range(8)))
    assert sum(isinstance(result, Refused) for result in results) == 7


async def test_a_living_holder_is_spared_and_a_dead_one_replaced(cluster: EmbeddedCluster) -> None:
    made = await cluster.create(task_set_manifest())
    await claim(cluster, made, ClockLease(gone=False), uid="first")
    assert isinstance(await claim(cluster, made, ClockLease(gone=False), uid="second", attempt=1), Refused)
    assert holder_uid(await cluster.get(Ref.of(made))) == "first"
    taken = await claim(cluster, made, ClockLease(gone=True), uid="second", attempt=1)
    assert not isinstance(taken, Refused)
    assert holder_uid(await cluster.get(Ref.of(made))) == "second"


async def test_a_holder_that_the_operator_has_judged_is_replaced_at_once(cluster: EmbeddedCluster) -> None:
    made = await cluster.create(task_set_manifest())
    await claim(cluster, made, ClockLease(gone=False), uid="first")
    await cluster.patch_status(Ref.of(made), {"verdict": {"crashes": 1, "judgedAttempt": 0}})
    taken = await claim(cluster, made, ClockLease(gone=False), uid="second", attempt=1)
    assert not isinstance(taken, Refused)
    assert holder_uid(await cluster.get(Ref.of(made))) == "second"
    assert isinstance(await claim(cluster, made, ClockLease(gone=False), uid="third", attempt=2), Refused)


async def test_a_claim_takes_back_the_last_word_of_the_attempt_before(cluster: EmbeddedCluster) -> None:
    made = await cluster.create(task_set_manifest())
    before = {"attempt": 0, "states": "P", "current": "t0", "ended": {"reason": "RetryLater", "message": ""}}
    await cluster.patch_status(Ref.of(made), {"runner": before})
    await claim(cluster, made, ClockLease(gone=True), uid="next", attempt=1)
    runner = (await cluster.get(Ref.of(made)))["status"]["runner"]
    assert (runner["attempt"], runner["states"], "ended" in runner, "current" in runner) == (1, "P", False, False)


@pytest.mark.parametrize(
    "status", [{"verdict": {"finished": True}}, {"runner": {"attempt": 5}}], ids=["finished", "later-attempt"]
)
async def test_a_set_that_needs_no_runner_is_left_alone(cluster: EmbeddedCluster, status: Manifest) -> None:
    made = await cluster.create(task_set_manifest())
    written = await cluster.patch_status(Ref.of(made), status)
    assert isinstance(await claim(cluster, made, ClockLease(gone=True), uid="u", attempt=4), Refused)
    assert await cluster.get(Ref.of(made)) == written


async def test_a_set_that_was_made_anew_is_not_the_one_to_work(cluster: EmbeddedCluster) -> None:
    made = await cluster.create(task_set_manifest())
    await cluster.delete(Ref.of(made))
    await cluster.create(task_set_manifest())
    assert isinstance(await claim(cluster, made, ClockLease(gone=True), uid="u"), Refused)


async def test_the_flock_keeps_a_second_runner_out_whatever_the_status_says(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest())
    with FlockLease(cluster.data).hold(made["metadata"]["uid"]) as held:
        assert held
        code = await run_runner(made, FakeConnector("pacs", fake_study(1)), FakeConnector("research"))
    assert code == ExitCode.AGAIN
    assert "status" not in await cluster.get(Ref.of(made)) or not (await cluster.get(Ref.of(made)))["status"]


async def writer_of(cluster: EmbeddedCluster, made: Manifest, stops: list[str]) -> StatusWriter:
    mine = await cluster.patch_status(Ref.of(made), {"holder": holder("me").manifest()})
    return StatusWriter(cluster, Ref.of(made), "me", mine, stops.append)


async def test_a_write_after_somebody_elses_reads_again_and_goes_through(cluster: EmbeddedCluster) -> None:
    made = await cluster.create(task_set_manifest())
    stops: list[str] = []
    writer = await writer_of(cluster, made, stops)
    await cluster.patch_status(Ref.of(made), {"verdict": {"crashes": 1}})
    await cluster.patch(Ref.of(made), {"spec": {"stop": "Now"}})
    await writer.write({"runner": {"attempt": 3}})
    status = (await cluster.get(Ref.of(made)))["status"]
    assert (status["verdict"]["crashes"], status["runner"]["attempt"]) == (1, 3)
    assert "Now" in stops


@pytest.mark.parametrize("taken_by", ["another", None])
async def test_a_write_finds_that_the_set_is_somebody_elses_and_changes_nothing(
    cluster: EmbeddedCluster, taken_by: str | None
) -> None:
    made = await cluster.create(task_set_manifest())
    writer = await writer_of(cluster, made, [])
    other = holder(taken_by).manifest() if taken_by else None
    theirs = await cluster.patch_status(Ref.of(made), {"holder": other})
    with pytest.raises(HolderLost):
        await writer.write({"runner": {"attempt": 3}})
    assert await cluster.get(Ref.of(made)) == theirs


async def test_a_runner_whose_set_is_deleted_stops_between_two_instances(
    cluster: EmbeddedCluster, run_runner: Run, tmp_path: Path
) -> None:
    made = await cluster.create(task_set_manifest())
    loop = asyncio.get_running_loop()
    here, there = FakeConnector("pacs", fake_study(200)), FakeConnector("research")

    async def delete_and_wait() -> None:
        await cluster.delete(Ref.of(made))
        await asyncio.sleep(0.05)

    def after_the_second() -> None:
        if len(there.held) == 2:
            asyncio.run_coroutine_threadsafe(delete_and_wait(), loop).result()

    there.on_stored = after_the_second
    code = await run_runner(made, here, there, ADIT_FLUSH_SECONDS="0.01")
    assert code == ExitCode.AGAIN
    assert len(there.held) < 10
    assert list((tmp_path / "spool").iterdir()) == []


async def test_a_runner_that_lost_its_set_writes_nothing_any_more(cluster: EmbeddedCluster, run_runner: Run) -> None:
    made = await cluster.create(task_set_manifest())
    loop = asyncio.get_running_loop()
    here, there = FakeConnector("pacs", fake_study(200)), FakeConnector("research")
    theirs: list[Manifest] = []

    async def take_over() -> None:
        theirs.append(await cluster.patch_status(Ref.of(made), {"holder": holder("thief").manifest()}))
        await asyncio.sleep(0.05)

    def after_the_second() -> None:
        if len(there.held) == 2:
            asyncio.run_coroutine_threadsafe(take_over(), loop).result()

    there.on_stored = after_the_second
    await run_runner(made, here, there, ADIT_FLUSH_SECONDS="0.01")
    assert await cluster.get(Ref.of(made)) == theirs[0]
    assert len(there.held) < 10
