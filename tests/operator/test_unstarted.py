from typing import Any

import pytest

from adit.cluster.kinds import Ref
from adit.testing.cluster import transfer_job_manifest
from adit_operator.testing.desk import Desk, task_set_of

NIGHT = Ref("TransferJob", "default", "night")


async def begin(desk: Desk, name: str = "night", studies: int = 1, **spec: Any) -> None:
    """A job gets its first runner, where a slot is free."""
    job = transfer_job_manifest(name, studies=[f"1.2.{i + 1}" for i in range(studies)])
    job["spec"] |= {"parallelism": 1, **spec}
    await desk.cluster.create(job)
    await desk.settle()


async def one_slot(desk: Desk) -> None:
    for name in ("pacs", "research"):
        await desk.cluster.patch(Ref("DicomServer", "default", name), {"spec": {"limits": {"maxAssociations": 2}}})


async def wait(desk: Desk, seconds: float) -> None:
    desk.clock.advance(seconds)
    await desk.settle()


async def names(desk: Desk) -> list[str]:
    """The attempts that there are, each as job and number."""
    marks = [one["metadata"] for one in await desk.runner_jobs()]
    return [f"{one['annotations']['adit.dev/owner-name']}-a{one['labels']['adit.dev/attempt']}" for one in marks]


async def admitted(desk: Desk, name: str = "night") -> tuple[str, str]:
    found = next(one for one in (await desk.job(name)).status.conditions if one.type == "Admitted")
    return found.status, found.reason


async def verdict(desk: Desk) -> dict[str, Any]:
    (task_set,) = (await desk.cluster.list("TaskSet")).items
    return dict((task_set.get("status") or {}).get("verdict") or {})


async def test_after_two_minutes_a_person_is_told_that_the_runner_does_not_start_and_where_to_look(desk: Desk) -> None:
    await begin(desk)
    await wait(desk, 60)
    assert await admitted(desk) == ("True", "Running")
    await wait(desk, 60)
    assert await admitted(desk) == ("True", "RunnerNotStarting")
    message = (await desk.job()).status.message or ""
    uid = (await desk.job()).metadata.uid
    assert "its runner's pod does not start" in message
    assert f"kubectl describe jobs,pods --show-events -n adit -l adit.dev/owner-uid={uid}" in message


async def test_of_a_pod_that_runs_and_does_not_begin_it_is_said_so(desk: Desk) -> None:
    await begin(desk)
    (job,) = await desk.runner_jobs()
    await desk.cluster.patch_status(Ref.of(job), {"active": 1, "ready": 1})
    await wait(desk, 0)
    await wait(desk, 120)
    assert "its runner's pod runs and does not begin" in ((await desk.job()).status.message or "")


async def test_it_is_no_longer_told_once_the_runner_has_begun(desk: Desk) -> None:
    await begin(desk)
    await wait(desk, 120)
    (job,) = await desk.runner_jobs()
    await desk.claim(job)
    await desk.settle()
    assert await admitted(desk) == ("True", "Running")


@pytest.mark.parametrize("stop", ["Immediate", "Graceful"])
async def test_a_job_whose_runner_does_not_start_can_be_canceled(desk: Desk, stop: str) -> None:
    await begin(desk)
    await desk.change({"shutdown": stop})
    await wait(desk, 10)
    assert await names(desk) == ["night-a0"], "it may be about to begin"
    await wait(desk, 30)
    assert (await names(desk), (await desk.job()).status.phase) == ([], "Canceled")


async def test_a_suspended_job_whose_runner_does_not_start_is_suspended_and_goes_on_with_its_next_attempt(
    desk: Desk,
) -> None:
    await begin(desk)
    await desk.change({"suspend": True})
    await wait(desk, 40)
    assert (await names(desk), (await desk.job()).status.phase) == ([], "Suspended")
    await desk.change({"suspend": False})
    await wait(desk, 60)
    assert await names(desk) == ["night-a1"]


async def test_an_urgent_job_gets_the_slot_of_a_runner_that_does_not_start(desk: Desk) -> None:
    await one_slot(desk)
    await begin(desk)
    await begin(desk, "urgent", priority=900)
    await wait(desk, 40)
    assert await names(desk) == ["urgent-a0"]


async def test_a_runner_that_does_not_start_for_a_quarter_of_an_hour_leaves_its_slot_to_others(desk: Desk) -> None:
    await one_slot(desk)
    await begin(desk)
    await begin(desk, "other")
    await wait(desk, 890)
    assert await names(desk) == ["night-a0"]
    await wait(desk, 20)
    assert await names(desk) == ["other-a0"]
    assert await admitted(desk) == ("False", "RunnerNotStarting")
    assert "given up" in ((await desk.job()).status.message or "")


async def test_who_did_not_start_starts_again_after_pauses_that_grow_and_no_task_is_ever_blamed(desk: Desk) -> None:
    await begin(desk)
    pauses, starts, since = [], 1, 0.0
    for _ in range(170):
        await desk.turn()
        now = await names(desk)
        if not now and not since:
            since = desk.clock.monotonic()
        elif now and since:
            pauses.append(round((desk.clock.monotonic() - since) / 30) * 30)
            starts, since = starts + 1, 0.0
        desk.clock.advance(30)
    assert pauses == [60, 120, 240, 480]
    assert await names(desk) in ([], [f"night-a{starts - 1}"])
    tasks = (await desk.job()).status.tasks
    assert (tasks.pending, tasks.failed, (await verdict(desk)).get("crashes", 0)) == (1, 0, 0)


async def test_a_runner_that_begins_ends_the_pauses(desk: Desk) -> None:
    await begin(desk, studies=4)
    await wait(desk, 910)
    await wait(desk, 70)
    (job,) = await desk.runner_jobs()
    await desk.play(job, "S")
    await desk.settle()
    assert await names(desk) == ["night-a0"], "the next set at once"
    await wait(desk, 910)
    await wait(desk, 70)
    assert await names(desk) == ["night-a1"], "and after the first pause again"


async def test_the_slot_stays_taken_until_the_job_is_gone(desk: Desk) -> None:
    await one_slot(desk)
    await begin(desk)
    (job,) = await desk.runner_jobs()
    await desk.cluster.patch(Ref.of(job), {"metadata": {"finalizers": ["foregroundDeletion"]}})
    await begin(desk, "other")
    await wait(desk, 910)
    assert await names(desk) == ["night-a0"], "its pod may live"
    await desk.cluster.patch(Ref.of(job), {"metadata": {"finalizers": None}})
    await wait(desk, 0)
    assert await names(desk) == ["other-a0"]


async def test_a_runner_that_has_begun_is_never_deleted(desk: Desk) -> None:
    await begin(desk)
    (job,) = await desk.runner_jobs()
    await desk.claim(job)
    await desk.change({"shutdown": "Graceful"})
    await wait(desk, 5000)
    assert await names(desk) == ["night-a0"]


async def test_a_runner_that_begins_before_its_event_arrives_is_not_deleted(desk: Desk) -> None:
    await begin(desk)
    (job,) = await desk.runner_jobs()
    desk.clock.advance(910)
    await desk.claim(job)
    await desk.sweep()
    assert await names(desk) == ["night-a0"]


async def test_a_runner_that_begins_while_it_is_deleted_loses_nothing(desk: Desk) -> None:
    """Its pod is told to end; it stops after the instance in hand, and says so in its last word."""
    await begin(desk)
    (job,) = await desk.runner_jobs()
    await desk.cluster.patch(Ref.of(job), {"metadata": {"finalizers": ["foregroundDeletion"]}})
    await desk.see_all()
    desk.clock.advance(910)
    await desk.sweep()
    await desk.claim(job)
    await desk.see_all()
    word = {"runner": {"states": "P", "ended": {"reason": "Stopped"}}, "holder": None}
    await desk.cluster.patch_status(task_set_of(job), word)
    await desk.end(job, failed=True)
    await desk.cluster.patch(Ref.of(job), {"metadata": {"finalizers": None}})
    await wait(desk, 60)
    assert await names(desk) == ["night-a1"]
    assert (await verdict(desk))["crashes"] == 0
