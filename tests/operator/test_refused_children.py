from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from adit.api.conditions import condition_of
from adit.cluster.cluster import ClusterUnavailable, Forbidden, Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.cluster.kinds import Ref
from adit.errors import AditError
from adit.pseudonymization.mapping import MAPPING_TYPE
from adit.testing.cluster import profile_manifest, transfer_job_manifest
from adit_operator.refusals import Refusals
from adit_operator.settings import OperatorSettings
from adit_operator.testing.desk import Desk, task_set_of

QUOTA = "exceeded quota: count/tasksets.adit.dev"


class Listening:
    """A cluster that remembers the writes that it was asked for, in order, and refuses what it is told to refuse."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self.cluster = cluster
        self.heard: list[str] = []
        self.refuses: Callable[[Manifest], AditError | None] = lambda _: None
        self.busy = False
        self.unpatched: Ref | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cluster, name)

    async def create(self, manifest: Manifest) -> Manifest:
        self.heard.append(f"create {manifest['kind']}")
        error = self.refuses(manifest)
        if error is not None:
            raise error
        return await self.cluster.create(manifest)

    async def patch(self, ref: Ref, patch: Manifest, **options: Any) -> Manifest:
        if ref == self.unpatched:
            raise Forbidden("denied by a policy")
        self.heard.append("stop" if "stop" in patch.get("spec", {}) else "patch")
        return await self.cluster.patch(ref, patch, **options)

    async def patch_status(self, ref: Ref, patch: Manifest, **options: Any) -> Manifest:
        self.heard.append(f"status {ref.kind}")
        if self.busy:
            raise ClusterUnavailable("too many requests")
        return await self.cluster.patch_status(ref, patch, **options)


@pytest.fixture
def listening(cluster: EmbeddedCluster) -> Listening:
    return Listening(cluster)


@pytest_asyncio.fixture
async def desk(cluster: EmbeddedCluster, listening: Listening) -> Desk:
    return Desk(listening, FlockLease(cluster.data))


def refuse_after(count: int, kind: str, error: AditError) -> Callable[[Manifest], AditError | None]:
    """So many objects of a kind may be made, and no more."""
    made = 0

    def refuses(manifest: Manifest) -> AditError | None:
        nonlocal made
        made += manifest["kind"] == kind
        return error if manifest["kind"] == kind and made > count else None

    return refuses


async def half_made(desk: Desk, listening: Listening) -> None:
    """A job of four sets, of which the API takes two; one of them runs."""
    job = transfer_job_manifest("night", studies=[f"1.2.{i + 1}" for i in range(4)])
    await desk.cluster.create({**job, "spec": {**job["spec"], "parallelism": 1}})
    await desk.see_all()
    desk.world = replace(desk.world, settings=OperatorSettings(writes_per_second=4, status_seconds=0))
    while not (await desk.cluster.list("TaskSet")).items:
        await desk.reconcile()
    await desk.see_all()
    await desk.admit()
    (runner,) = await desk.runner_jobs()
    await desk.claim(runner)
    listening.refuses = refuse_after(0, "TaskSet", Forbidden(QUOTA))
    desk.clock.advance(1)
    await desk.see_all()
    while await desk.reconcile():
        pass


async def stalled(desk: Desk) -> tuple[str, str]:
    found = condition_of((await desk.job()).status.conditions, "Stalled")
    assert found is not None
    return found.reason, found.message


async def stop_of_the_runner(desk: Desk) -> str | None:
    (runner,) = await desk.runner_jobs()
    told: str | None = (await desk.cluster.get(task_set_of(runner)))["spec"].get("stop")
    return told


async def test_a_set_that_the_api_refuses_stalls_its_job_with_the_reason(desk: Desk, listening: Listening) -> None:
    await half_made(desk, listening)
    reason, message = await stalled(desk)
    assert reason == "ChildRefused"
    assert QUOTA in message


async def test_a_refused_set_hinders_no_stop_and_none_that_is_taken_back(desk: Desk, listening: Listening) -> None:
    await half_made(desk, listening)
    for suspend, told in ((True, "AfterTask"), (False, None)):
        desk.clock.advance(3600)
        await desk.change({"suspend": suspend})
        await desk.see_all()
        await desk.reconcile()
        assert await stop_of_the_runner(desk) == told


async def test_a_job_with_a_refused_set_can_be_canceled(desk: Desk, listening: Listening) -> None:
    await half_made(desk, listening)
    desk.clock.advance(3600)
    await desk.change({"shutdown": "Immediate"})
    await desk.turn()
    assert await stop_of_the_runner(desk) == "Now"
    (runner,) = await desk.runner_jobs()
    await desk.play(runner, "P", "Stopped")
    for _ in range(8):
        desk.clock.advance(1)
        await desk.turn()
    status = (await desk.job()).status
    assert (status.phase, status.tasks.canceled) == ("Canceled", 4)


async def test_what_was_refused_is_made_when_it_may_be(desk: Desk, listening: Listening) -> None:
    await half_made(desk, listening)
    asked = len(listening.heard)
    await desk.turn()
    assert "create TaskSet" not in listening.heard[asked:], "it is not asked again at once"
    listening.refuses = lambda _: None
    desk.clock.advance(15)
    for _ in range(4):
        desk.clock.advance(1)
        await desk.turn()
    assert len((await desk.cluster.list("TaskSet")).items) == 4
    assert (await stalled(desk))[0] == "NotStalled"


async def test_a_key_that_the_api_refuses_stalls_the_job(desk: Desk, listening: Listening) -> None:
    job = transfer_job_manifest("night")
    tasks = [{**task, "pseudonym": "A"} for task in job["spec"]["tasks"]]
    pseudonymizing = {"pseudonymization": {"profile": "adit-compatible"}, "tasks": tasks}
    await desk.cluster.create({**job, "spec": {**job["spec"], **pseudonymizing}})
    listening.refuses = refuse_after(0, "Secret", Forbidden("secrets is forbidden"))
    await desk.turn()
    await desk.turn()
    assert await stalled(desk) == (
        "ChildRefused",
        "secrets is forbidden: nothing more is made for this job until that is mended",
    )
    listening.refuses = lambda _: None
    desk.clock.advance(15)
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_mapping_table_that_the_api_refuses_stalls_the_job_and_is_not_asked_for_at_once_again(
    desk: Desk, listening: Listening
) -> None:
    await desk.cluster.create(profile_manifest("brain", pseudonymSource="Derived", mappingTable=True))
    job = transfer_job_manifest("night")
    await desk.cluster.create({**job, "spec": {**job["spec"], "pseudonymization": {"profile": "brain"}}})

    def no_table(manifest: Manifest) -> AditError | None:
        return Forbidden("secrets is forbidden") if manifest.get("type") == MAPPING_TYPE else None

    listening.refuses = no_table
    for _ in range(5):
        await desk.turn()
    assert (await stalled(desk))[0] == "ChildRefused"
    assert (await desk.job()).status.plan is None, "it was planned without its table"
    assert listening.heard.count("create Secret") == 2, "the key, and the table once"
    listening.refuses = lambda _: None
    desk.clock.advance(15)
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


def test_the_pauses_between_refusals_double_up_to_five_minutes_and_begin_anew() -> None:
    refusals, now, pauses = Refusals(), 0.0, []
    for _ in range(7):
        refusals.refuse("job", "no", now)
        pauses.append(refusals.seconds_left("job", now))
        now += pauses[-1]
        assert refusals.of("job", now) is None
    assert pauses == [15, 30, 60, 120, 240, 300, 300]
    refusals.forget("job")
    refusals.refuse("job", "no", now)
    assert refusals.seconds_left("job", now) == 15


async def big(desk: Desk, sets: int) -> None:
    """A job of so many sets, one of which runs, is shut down at once."""
    job = transfer_job_manifest("night", studies=[f"1.2.{i + 1}" for i in range(sets)])
    await desk.cluster.create({**job, "spec": {**job["spec"], "parallelism": 100}})
    await desk.see_all()
    while await desk.reconcile():
        pass
    await desk.see_all()
    await desk.admit()
    for runner in await desk.runner_jobs():
        await desk.claim(runner)
    await desk.change({"shutdown": "Immediate"})
    await desk.see_all()


async def test_stops_come_before_every_other_write(desk: Desk, listening: Listening) -> None:
    await big(desk, 20)
    listening.heard.clear()
    await desk.reconcile()
    assert listening.heard[:4] == ["stop", "stop", "stop", "status TaskSet"]


async def test_a_shutdown_of_many_sets_is_written_at_the_pace_and_told_at_once(
    desk: Desk, listening: Listening
) -> None:
    await big(desk, 40)
    desk.world = replace(desk.world, settings=OperatorSettings(writes_per_second=10))
    listening.heard.clear()
    for _ in range(5):
        await desk.reconcile()
    assert listening.heard.count("status TaskSet") == 10
    assert (await desk.job()).status.phase == "Canceling"
    for _ in range(20):
        desk.clock.advance(0.5)
        await desk.reconcile()
    assert listening.heard.count("status TaskSet") == 37


async def test_a_stop_that_is_refused_hinders_no_other(desk: Desk, listening: Listening) -> None:
    await big(desk, 8)
    first, *others = [task_set_of(one) for one in await desk.runner_jobs()]
    listening.unpatched = first
    with pytest.raises(Forbidden):
        await desk.reconcile()
    assert {(await desk.cluster.get(one))["spec"].get("stop") for one in others} == {"Now"}


async def test_an_api_that_is_busy_has_taken_the_stops_first(desk: Desk, listening: Listening) -> None:
    await big(desk, 8)
    listening.busy = True
    with pytest.raises(ClusterUnavailable):
        await desk.reconcile()
    runners = await desk.runner_jobs()
    assert {(await desk.cluster.get(task_set_of(one)))["spec"].get("stop") for one in runners} == {"Now"}
