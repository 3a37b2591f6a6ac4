"""Hand-over as reconcile and admission do it together: what is told, what is taken back, and nothing is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.cluster.kinds import Ref
from adit.testing.cluster import transfer_job_manifest
from adit_operator.testing.desk import Desk, task_set_of
from adit_operator.testing.fakes import ManualClock

PACS = Ref("DicomServer", "default", "pacs")
ONE_SLOT = {"maxAssociations": 2, "reservedInteractive": 1}


async def submit(desk: Desk, name: str, count: int = 1, **spec: Any) -> None:
    job = transfer_job_manifest(name, studies=[f"1.2.{i + 1}" for i in range(count)])
    await desk.cluster.create({**job, "spec": {**job["spec"], **spec}})


async def servers(desk: Desk, **spec: Any) -> None:
    await desk.cluster.patch(PACS, {"spec": spec})


async def stop(desk: Desk) -> Any:
    (job,) = await desk.runner_jobs()
    return (await desk.cluster.get(task_set_of(job)))["spec"].get("stop")


async def leave(desk: Desk) -> None:
    """The one runner ends after its task, with nothing finished."""
    (job,) = await desk.runner_jobs()
    await desk.play(job, "P" * len((await desk.cluster.get(task_set_of(job)))["spec"]["tasks"]), "Stopped")
    await desk.settle()


async def condition(desk: Desk, name: str = "night") -> tuple[str, str]:
    found = {one.type: one for one in (await desk.job(name)).status.conditions}["Admitted"]
    return found.reason, found.message


async def test_an_urgent_job_takes_over_and_the_other_goes_on_afterwards_with_no_attempt_spent(desk: Desk) -> None:
    await servers(desk, limits=ONE_SLOT)
    await submit(desk, "night")
    await desk.settle()
    await submit(desk, "urgent", priority=500)
    await desk.settle()
    assert await stop(desk) == "AfterTask"
    assert "makes room after its current task" in (await condition(desk, "urgent"))[1]
    await leave(desk)
    (job,) = await desk.runner_jobs()
    assert job["metadata"]["name"].startswith("tj-urgent-")
    assert await condition(desk) == ("WaitingForSlot", (await condition(desk))[1])
    await desk.play_all()
    assert [(await desk.job(name)).status.phase for name in ("night", "urgent")] == ["Success", "Success"]
    sets = (await desk.cluster.list("TaskSet")).items
    assert [one["status"]["verdict"]["crashes"] for one in sets] == [0, 0]


async def test_what_was_told_is_taken_back_when_the_urgent_job_is_gone(desk: Desk) -> None:
    await servers(desk, limits=ONE_SLOT)
    await submit(desk, "night")
    await desk.settle()
    await submit(desk, "urgent", priority=500)
    await desk.settle()
    await desk.cluster.delete(Ref("TransferJob", "default", "urgent"))
    await desk.settle()
    assert await stop(desk) is None


async def test_an_operator_that_was_restarted_takes_nothing_back_before_it_has_decided(desk: Desk) -> None:
    await servers(desk, limits=ONE_SLOT)
    await submit(desk, "night")
    await desk.settle()
    await submit(desk, "urgent", priority=500)
    await desk.settle()
    desk.crash()
    await desk.see_all()
    await desk.reconcile("night")
    assert await stop(desk) == "AfterTask"
    await desk.settle()
    assert await stop(desk) == "AfterTask"


async def test_a_restarted_operator_takes_back_what_nobody_needs_any_more(desk: Desk) -> None:
    await servers(desk, limits=ONE_SLOT)
    await submit(desk, "night")
    await desk.settle()
    await submit(desk, "urgent", priority=500)
    await desk.settle()
    await desk.cluster.delete(Ref("TransferJob", "default", "urgent"))
    desk.crash()
    await desk.see_all()
    turn = await desk.admit()
    assert [ref.name for ref in turn.told] == ["night"]


async def test_a_window_that_closes_stops_the_runner_and_the_job_goes_on_when_it_opens(desk: Desk) -> None:
    await servers(desk, windows=[{"start": "01:00", "end": "02:00", "timeZone": "Europe/Berlin"}])
    await submit(desk, "night")
    await desk.settle()
    assert await stop(desk) is None
    (job,) = await desk.runner_jobs()
    await desk.claim(job)
    desk.clock.advance(3600)
    await desk.settle()
    assert await stop(desk) == "AfterTask"
    await leave(desk)
    assert await desk.runner_jobs() == []
    reason, message = await condition(desk)
    assert reason == "WindowClosed"
    assert "it opens at 2026-01-02 00:00 UTC, 2026-01-02 01:00 Europe/Berlin" in message
    assert (await desk.job()).status.phase == "InProgress"
    desk.clock.advance(23 * 3600)
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_hard_window_interrupts(cluster: EmbeddedCluster) -> None:
    began = datetime.now(UTC)  # the cluster stamps Jobs by its own clock
    desk = Desk(cluster, FlockLease(cluster.data), ManualClock(began))
    opens, closes = began - timedelta(hours=1), began + timedelta(hours=1)
    await servers(desk, windows=[{"start": f"{opens:%H:%M}", "end": f"{closes:%H:%M}", "hard": True}])
    await submit(desk, "night")
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.claim(job)
    desk.clock.advance(3600)
    await desk.settle()
    assert await stop(desk) == "Now"


async def test_a_lower_parallelism_is_obeyed_between_tasks(desk: Desk) -> None:
    await submit(desk, "night", 3, parallelism=2)
    await desk.settle()
    assert len(await desk.runner_jobs()) == 2
    await desk.change({"parallelism": 1})
    await desk.settle()
    stops = [(await desk.cluster.get(task_set_of(job)))["spec"].get("stop") for job in await desk.runner_jobs()]
    assert sorted(map(str, stops)) == ["AfterTask", "None"]


async def test_a_turn_tells_how_long_what_it_started_had_waited(desk: Desk) -> None:
    await servers(desk, paused=True)
    await submit(desk, "night")
    await desk.settle()
    await servers(desk, paused=False)
    await desk.see_all()
    turn = await desk.admit()
    assert len(turn.waited) == len(turn.started) == 1


async def test_evictions_are_counted_by_reason(desk: Desk) -> None:
    await servers(desk, limits=ONE_SLOT)
    await submit(desk, "night")
    await desk.settle()
    await submit(desk, "urgent", priority=500)
    await desk.see_all()
    while await desk.reconcile("urgent"):
        pass
    await desk.see_all()
    counted: dict[str, int] = {}
    for _ in range(3):
        turn = await desk.admit()
        counted = {name: counted.get(name, 0) + turn.evicted.get(name, 0) for name in {*counted, *turn.evicted}}
        await desk.reconcile("night")
    assert counted == {"Preempted": 1}
