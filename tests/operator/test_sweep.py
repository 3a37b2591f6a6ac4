from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adit.cluster.kinds import Ref
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.observed import SeenJob, SeenSet
from adit_operator.settings import OperatorSettings
from adit_operator.sweep import orphans, outlived
from adit_operator.testing.builders import JOB_UID, seen_job, seen_set
from adit_operator.testing.desk import Desk
from adit_operator.testing.fakes import START
from adit_operator.watches import WATCHED, Watches

HOUR = timedelta(hours=1)


def orphaned(*jobs: SeenJob, sets: tuple[str, ...] = (), watched: tuple[str, ...] = ()) -> list[str]:
    return [job.uid for job in orphans(jobs, {JOB_UID}, set(sets), watched)]


def of_namespace(namespace: str, **changes: Any) -> SeenSet:
    return seen_set(ref=Ref("TaskSet", namespace, f"tj-{namespace}"), uid=f"set-{namespace}", **changes)


def test_a_job_whose_set_is_there_is_no_orphan() -> None:
    seen = seen_set()
    assert orphaned(seen_job(seen), sets=(seen.uid,)) == []


def test_a_job_whose_set_is_gone_is_an_orphan() -> None:
    job = seen_job(seen_set())
    assert orphaned(job) == [job.uid]


def test_a_job_whose_transfer_is_gone_is_an_orphan() -> None:
    seen = seen_set(owner_uid="gone")
    job = seen_job(seen)
    assert orphaned(job, sets=(seen.uid,)) == [job.uid]


def test_the_jobs_of_several_tenants_are_told_apart() -> None:
    ward, lab = of_namespace("ward"), of_namespace("lab")
    assert orphaned(seen_job(ward), seen_job(lab), sets=(lab.uid,), watched=("ward", "lab")) == [seen_job(ward).uid]


def test_a_job_of_a_namespace_that_is_watched_no_longer_is_left_alone() -> None:
    ward, lab = of_namespace("ward"), of_namespace("lab")
    assert orphaned(seen_job(ward), seen_job(lab), watched=("lab",)) == [seen_job(lab).uid]


@pytest.mark.parametrize(
    ("seen", "job", "gone"),
    [
        (seen_set("S", finished=True), {}, True),
        (seen_set("S", finished=True), {"ended": START}, False),
        (seen_set("S", finished=True), {"ended": None}, False),
        (seen_set("S", finished=True), {"finished": False}, False),
        (seen_set("P", attempt=1, judged_attempt=1), {"attempt": 0}, True),
        (seen_set("P", attempt=1, judged_attempt=1), {"attempt": 1}, False),
        (seen_set("P", attempt=1, judged_attempt=0), {"attempt": 0}, False),
        (seen_set("P", attempt=0, judged_attempt=-1), {"attempt": 0}, False),
    ],
)
def test_a_runners_job_outlives_its_use_by_an_hour(seen: SeenSet, job: dict[str, Any], gone: bool) -> None:  # noqa: FBT001 - a parameter of the table
    made = replace(seen_job(seen, finished=True, ended=START - 2 * HOUR), **job)
    assert bool(list(outlived([made], {seen.uid: seen}, START - HOUR))) is gone


async def test_finished_runners_are_kept_for_people_and_then_removed(desk: Desk) -> None:
    await desk.cluster.create(transfer_job_manifest("night"))
    await desk.play_all()
    desk.clock.advance(3599)
    await desk.settle()
    assert len((await desk.cluster.list("Job")).items) == 1
    desk.clock.advance(2)
    await desk.settle()
    assert (await desk.cluster.list("Job")).items == ()
    assert (await desk.job()).status.phase == "Success"


async def test_the_numbers_of_attempts_go_on_after_their_jobs_are_gone(desk: Desk) -> None:
    await desk.cluster.create(transfer_job_manifest("night"))
    for number in range(3):
        await desk.settle()
        (job,) = await desk.runner_jobs()
        assert job["metadata"]["name"].endswith(f"-a{number}")
        await desk.play(job, "P", "Stopped")
        desk.clock.advance(7200)
    names = [job["metadata"]["name"][-3:] for job in (await desk.cluster.list("Job")).items]
    assert "-a0" not in names


async def test_what_one_tenant_deletes_stops_no_runner_of_another(desk: Desk) -> None:
    for tenant in ("ward", "lab"):
        for manifest in (server_manifest("pacs"), server_manifest("research", port=11113), transfer_job_manifest()):
            manifest["metadata"]["namespace"] = tenant
            await desk.cluster.create(manifest)
    await desk.settle()
    for one in (await desk.cluster.list("TaskSet", namespace="ward")).items:
        await desk.cluster.delete(Ref.of(one))
    await desk.see_all()
    await desk.sweep()
    left = [job["metadata"]["labels"]["adit.dev/owner-namespace"] for job in await desk.runner_jobs()]
    assert left == ["lab"]


async def test_an_owner_that_cannot_be_read_keeps_its_own_runner_and_no_other(desk: Desk) -> None:
    await desk.cluster.create(transfer_job_manifest("night"))
    await desk.cluster.create(transfer_job_manifest("day"))
    await desk.settle()
    unreadable = await desk.cluster.get(Ref("TransferJob", "default", "night"))
    unreadable["spec"] = {}
    unreadable["metadata"]["resourceVersion"] = str(int(unreadable["metadata"]["resourceVersion"]) + 1000)
    desk.world.cache.put(unreadable)
    assert desk.world.cache.unreadable
    desk.world.cache.remove(await desk.cluster.get(Ref("TransferJob", "default", "day")))
    await desk.sweep()
    left = [job["metadata"]["annotations"]["adit.dev/owner-name"] for job in await desk.runner_jobs()]
    assert left == ["night"]


async def test_a_namespace_that_is_watched_no_longer_keeps_its_runners(desk: Desk) -> None:
    await desk.cluster.create(transfer_job_manifest("night"))
    await desk.settle()
    before = [job["metadata"]["uid"] for job in await desk.runner_jobs()]
    await restarted(desk, "lab")
    await desk.sweep()
    assert [job["metadata"]["uid"] for job in await desk.runner_jobs()] == before


async def test_a_job_that_a_tenant_forged_is_not_seen_at_all(desk: Desk) -> None:
    await desk.cluster.create(transfer_job_manifest("night"))
    await desk.settle()
    (job,) = await desk.runner_jobs()
    forged = {**job, "metadata": {"name": "forged", "namespace": "ward", "labels": job["metadata"]["labels"]}}
    made = await desk.cluster.create({name: value for name, value in forged.items() if name != "status"})
    await restarted(desk)
    assert [seen.uid for seen in desk.world.cache.jobs.values()] == [job["metadata"]["uid"]]
    Watches(desk.cluster, desk.world.cache, lambda _: None, (), "adit").take(made, deleted=False)
    assert len(desk.world.cache.jobs) == 1
    await desk.sweep()
    assert await desk.cluster.get(Ref("Job", "ward", "forged"))


async def restarted(desk: Desk, *watched: str) -> None:
    """Another operator, with these namespaces to watch, has read everything that it looks at."""
    desk.crash()
    settings = OperatorSettings(watch_namespaces=watched)
    desk.world = replace(desk.world, settings=settings)
    watches = Watches(desk.cluster, desk.world.cache, lambda _: None, watched, settings.runner_namespace)
    for one in WATCHED:
        await watches.read(one)
