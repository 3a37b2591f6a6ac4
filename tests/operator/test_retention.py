from typing import Any

from adit.api.conditions import condition_of, is_true
from adit.api.resource import TransferJob
from adit.cluster.kinds import Ref
from adit.testing.cluster import secret_manifest, transfer_job_manifest
from adit_operator.apply import apply
from adit_operator.decide import decide
from adit_operator.decision import Decision, Later, Removal
from adit_operator.testing.builders import after, ended_set, observed, planned
from adit_operator.testing.desk import Desk

NIGHT = Ref("TransferJob", "default", "night")
OWNED = {"argocd.argoproj.io/tracking-id": "research:adit.dev/TransferJob:default/night"}


async def finished(desk: Desk, *, annotations: dict[str, str] | None = None, **retention: int) -> TransferJob:
    """A job of three tasks that is over."""
    job = transfer_job_manifest("night", studies=["1.2.1", "1.2.2", "1.2.3"])
    job["metadata"]["annotations"] = annotations or {}
    await desk.cluster.create({**job, "spec": {**job["spec"], "retention": retention}})
    await desk.play_all()
    return await desk.job()


async def kinds(desk: Desk) -> dict[str, int]:
    return {kind: len((await desk.cluster.list(kind)).items) for kind in ("TransferJob", "TaskSet", "Job")}


async def condition(desk: Desk, kind: str) -> tuple[str, str] | None:
    found = condition_of((await desk.job()).status.conditions, kind)
    return None if found is None else (found.status, found.reason)


async def test_without_retention_everything_is_kept(desk: Desk) -> None:
    await finished(desk)
    desk.clock.advance(10 * 365 * 86_400)
    await desk.see_all()
    await desk.reconcile()
    assert (await kinds(desk))["TaskSet"] == 3


async def test_before_its_time_nothing_is_removed_and_the_time_is_known(desk: Desk) -> None:
    await finished(desk, recordsSecondsAfterFinished=100)
    desk.clock.advance(99)
    await desk.settle()
    assert (await kinds(desk))["TaskSet"] == 3
    assert await condition(desk, "Compacted") is None


async def test_a_compacted_job_keeps_its_word_and_loses_its_sets_and_runners(desk: Desk) -> None:
    before = (await finished(desk, recordsSecondsAfterFinished=100)).status
    desk.clock.advance(100)
    await desk.settle()
    assert await kinds(desk) == {"TransferJob": 1, "TaskSet": 0, "Job": 0}
    status = (await desk.job()).status
    assert await condition(desk, "Compacted") == ("True", "RecordsExpired")
    assert (status.phase, status.tasks, status.plan) == (before.phase, before.tasks, before.plan)
    assert is_true(status.conditions, "Complete")


async def test_only_what_the_operator_made_is_removed(desk: Desk) -> None:
    await desk.cluster.create(secret_manifest("mine", {"a": "b"}, labels={"adit.dev/purpose": "tasks"}))
    await finished(desk, recordsSecondsAfterFinished=0)
    await desk.cluster.create(transfer_job_manifest("day", studies=["1.2.9"]))
    await desk.settle()
    assert await desk.cluster.get(Ref("Secret", "default", "mine"))
    (left,) = (await desk.cluster.list("TaskSet")).items
    assert left["spec"]["owner"]["name"] == "day"


async def test_a_compacted_job_is_never_worked_again(desk: Desk) -> None:
    await finished(desk, recordsSecondsAfterFinished=0)
    await desk.settle()
    await desk.change({"retry": {"token": "again", "scope": "All"}})
    await desk.settle()
    status = (await desk.job()).status
    assert await condition(desk, "Ready") == ("True", "RecordsCompacted")
    assert (status.phase, status.observed_retry_token) == ("Success", "again")
    assert status.message.startswith("RecordsCompacted: ")
    assert (await kinds(desk))["TaskSet"] == 0


async def test_a_retry_that_came_first_opens_its_round(desk: Desk) -> None:
    await finished(desk, recordsSecondsAfterFinished=100)
    desk.clock.advance(100)
    await desk.change({"retry": {"token": "again", "scope": "All"}})
    await desk.settle()
    assert await condition(desk, "Compacted") is None
    assert (await kinds(desk))["TaskSet"] == 6


async def test_a_job_is_deleted_after_the_time_that_was_asked_for(desk: Desk) -> None:
    await finished(desk, ttlSecondsAfterFinished=100)
    desk.clock.advance(100)
    await desk.settle()
    assert await kinds(desk) == {"TransferJob": 0, "TaskSet": 0, "Job": 0}


async def test_a_job_that_a_gitops_tool_owns_is_compacted_instead_of_deleted(desk: Desk) -> None:
    await finished(desk, annotations=OWNED, ttlSecondsAfterFinished=100)
    desk.clock.advance(100)
    await desk.settle()
    assert await kinds(desk) == {"TransferJob": 1, "TaskSet": 0, "Job": 0}
    assert await condition(desk, "RetentionLimited") == ("True", "GitOpsOwned")
    assert await condition(desk, "Compacted") == ("True", "RecordsExpired")


async def test_a_job_that_took_the_name_meanwhile_is_not_deleted(desk: Desk) -> None:
    job = await finished(desk)
    manifest = await desk.cluster.get(NIGHT)
    decision = Decision(job.status, remove=(Removal(NIGHT, "the one before"),))
    assert await apply(desk.world, desk.reach, manifest, decision, bytes) == Later()
    assert (await desk.job()).metadata.uid == job.metadata.uid


async def test_a_crash_between_the_word_and_the_deed_is_made_good(desk: Desk) -> None:
    await finished(desk, recordsSecondsAfterFinished=100)
    desk.clock.advance(100)
    await desk.see_all()
    await desk.reconcile()
    assert (await condition(desk, "Compacted"), (await kinds(desk))["TaskSet"]) == (("True", "RecordsExpired"), 3)
    desk.crash()
    await desk.settle()
    assert (await kinds(desk))["TaskSet"] == 0


async def test_a_running_job_is_left_alone(desk: Desk) -> None:
    job = transfer_job_manifest("night")
    retention = {"recordsSecondsAfterFinished": 0, "ttlSecondsAfterFinished": 0}
    await desk.cluster.create({**job, "spec": {**job["spec"], "retention": retention}})
    await desk.settle()
    (runner,) = await desk.runner_jobs()
    await desk.claim(runner)
    desk.clock.advance(1000)
    await desk.settle()
    assert await kinds(desk) == {"TransferJob": 1, "TaskSet": 1, "Job": 1}


def decided(**retention: Any) -> Any:
    """The decision about a job that finished just now."""
    job = planned(1, retention=retention)
    sets = (ended_set("S", "Done", finished=True, active=False),)
    return decide(observed(after(job, decide(observed(job, sets=sets))), sets=sets))


def test_the_next_look_is_when_something_is_due() -> None:
    assert decided(recordsSecondsAfterFinished=60, ttlSecondsAfterFinished=30).within == 30
    assert decided().within is None


def test_more_sets_than_one_look_may_remove_are_left_to_the_next() -> None:
    job = planned(3, retention={"recordsSecondsAfterFinished": 0})
    sets = tuple(ended_set("S", "Done", index=i, ids=[f"t{i}"], finished=True, active=False) for i in range(3))
    over = after(job, decide(observed(job, sets=sets)))
    told = decide(observed(over, sets=sets))
    assert told.remove == ()
    removing = decide(observed(after(over, told), sets=sets, batch=2))
    assert len(removing.remove) == 2
    assert removing.again


async def test_a_job_that_changed_after_it_was_looked_at_is_not_deleted(desk: Desk) -> None:
    """A retry that the API has taken, or a tool that has marked the job as its own meanwhile."""
    await finished(desk, ttlSecondsAfterFinished=100)
    seen = await desk.cluster.get(NIGHT)
    desk.clock.advance(100)
    job = TransferJob.of(seen)
    decision = decide(observed(job, now=desk.clock.now()))
    assert [one.ref for one in decision.remove] == [NIGHT]
    await desk.change({"retry": {"token": "again", "scope": "All"}})
    await apply(desk.world, desk.reach, seen, decision, bytes)
    assert await desk.cluster.get(NIGHT)
