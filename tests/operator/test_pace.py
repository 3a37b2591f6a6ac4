import asyncio
from dataclasses import replace
from typing import Any

import pytest

from adit.api.task_list import TaskList
from adit.api.tasks import TransferTask
from adit.cluster.kinds import Ref
from adit.testing.cluster import transfer_job_manifest
from adit_operator.memory import MAX_REMEMBERED_BYTES, Pace, ReadList, TaskLists, Writes
from adit_operator.merge import only_numbers
from adit_operator.queue import WorkQueue
from adit_operator.reach import Reach
from adit_operator.reconcile import reconcile
from adit_operator.settings import OperatorSettings
from adit_operator.testing.desk import Desk

NIGHT = Ref("TransferJob", "default", "night")


def test_a_second_brings_so_many_writes_and_no_more() -> None:
    pace = Pace()
    assert [pace.take(0.0, 10) for _ in range(11)] == [True] * 10 + [False]
    assert [pace.take(0.5, 10) for _ in range(6)] == [True] * 5 + [False]
    assert [pace.take(100.0, 10) for _ in range(11)] == [True] * 10 + [False]


def test_the_oldest_lists_are_forgotten_first() -> None:
    lists, task = TaskLists(), TransferTask.of({"patientId": "P", "studyInstanceUid": "1.2"})
    big = ReadList(replace(TaskList.of([task]), lines=(b"x" * (MAX_REMEMBERED_BYTES // 2 + 1),)), "a", "b", 0.0)
    lists.keep("old", big)
    lists.keep("new", big)
    assert (lists.get("old"), lists.get("new")) == (None, big)


def test_a_pause_follows_a_write() -> None:
    writes = Writes()
    assert writes.seconds_left("job", 10.0, 5.0) == 0
    writes.wrote("job", 10.0)
    assert writes.seconds_left("job", 12.0, 5.0) == 3.0
    assert writes.seconds_left("job", 15.0, 5.0) == 0


CONDITION = {"type": "Admitted", "status": "True", "reason": "Running", "message": "3 task sets are running"}


@pytest.mark.parametrize(
    ("patch", "numbers"),
    [
        ({"tasks": {"succeeded": 2}, "bytes": 7, "message": "2 of 9"}, True),
        ({"conditions": [{**CONDITION, "message": "4 task sets are running"}]}, True),
        ({"conditions": [{**CONDITION, "reason": "Waiting"}]}, False),
        ({"conditions": [{**CONDITION, "status": "False"}]}, False),
        ({"conditions": [CONDITION, CONDITION]}, False),
        ({"phase": "Success", "tasks": {"succeeded": 2}}, False),
        ({"plan": {}}, False),
        ({"completionTime": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_only_what_moves_with_every_study_may_wait(patch: dict[str, Any], numbers: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert only_numbers({"conditions": [CONDITION]}, patch) is numbers


async def test_a_key_comes_when_its_time_is_up_and_not_sooner() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_later("a", 0.05)
    assert queue.depth == 0
    async with asyncio.timeout(5):
        assert await queue.get() == "a"


async def test_a_key_that_comes_by_itself_is_not_brought_twice() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_later("a", 30)
    queue.add("a")
    queue.add_later("a", 0.01)
    assert await queue.get() == "a"
    queue.done("a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await queue.get()


async def slow(desk: Desk, tasks: int, parallelism: int, **settings: Any) -> None:
    """A job under an operator that may write little; it is planned."""
    job = transfer_job_manifest("night", studies=[f"1.2.{i + 1}" for i in range(tasks)])
    await desk.cluster.create({**job, "spec": {**job["spec"], "parallelism": parallelism}})
    desk.world = replace(desk.world, settings=OperatorSettings(**settings))
    await desk.see_all()
    await look(desk)


async def look(desk: Desk) -> float | None:
    later = await reconcile(desk.world, Reach(), NIGHT, {})
    return later.seconds if later is not None else None


async def made(desk: Desk) -> int:
    return len((await desk.cluster.list("TaskSet")).items)


async def test_sets_are_made_at_the_pace_that_is_set(desk: Desk) -> None:
    await slow(desk, 40, 100, writes_per_second=10)
    waits = [await look(desk) for _ in range(4)]
    assert (await made(desk), waits) == (10, [0.0, 0.0, 0.1, 0.1])
    desk.clock.advance(0.3)
    assert (await look(desk), await made(desk)) == (0.5, 13)


async def test_the_first_sets_may_run_while_others_are_still_made(desk: Desk) -> None:
    await slow(desk, 40, 100, writes_per_second=2)
    await look(desk)
    await desk.admit()
    assert (await made(desk), len(await desk.runner_jobs())) == (1, 1)


async def test_numbers_are_written_every_few_seconds_and_a_new_phase_at_once(desk: Desk) -> None:
    await slow(desk, 8, 1, writes_per_second=100, status_seconds=5)
    await look(desk)
    await desk.admit()
    (job, *_) = await desk.runner_jobs()
    await desk.claim(job)
    await desk.see_all()
    await look(desk)
    assert (await desk.job()).status.phase == "InProgress"
    desk.clock.advance(2)
    await desk.cluster.patch_status(_set_of(job), {"runner": {"states": "SP"}})
    await desk.see_all()
    assert await look(desk) == 3.0
    assert (await desk.job()).status.tasks.succeeded == 0
    desk.clock.advance(3)
    assert await look(desk) is None
    assert (await desk.job()).status.tasks.succeeded == 1


def _set_of(job: dict[str, Any]) -> Ref:
    return Ref("TaskSet", "default", job["metadata"]["labels"]["adit.dev/task-set"])
