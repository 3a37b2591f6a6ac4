from typing import Any

import pytest

from adit.api import labels
from adit.api.conditions import condition_of, is_true
from adit.cluster.kinds import Ref
from adit.testing.cluster import secret_manifest, server_manifest, transfer_job_manifest
from adit_operator.testing.desk import Desk, task_set_of

STUDIES = ("1.2.1", "1.2.2", "1.2.3", "1.2.4")


def night(**spec: Any) -> dict[str, Any]:
    job = transfer_job_manifest("night", studies=STUDIES)
    return {**job, "spec": {**job["spec"], "parallelism": 1, **spec}}


async def reason(desk: Desk, kind: str) -> str:
    condition = condition_of((await desk.job()).status.conditions, kind)
    assert condition is not None
    return condition.reason


async def sets(desk: Desk) -> list[Any]:
    found = (await desk.cluster.list("TaskSet")).items
    return sorted(found, key=lambda one: (one["spec"]["round"], one["spec"]["index"]))


async def test_a_job_goes_from_manifest_to_success(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.play_all()
    status = (await desk.job()).status
    assert status.phase == "Success"
    assert (status.tasks.total, status.tasks.succeeded, status.tasks.pending) == (4, 4, 0)
    assert is_true(status.conditions, "Complete")
    assert all(labels.ACTIVE not in one["metadata"]["labels"] for one in await sets(desk))


async def test_a_settled_job_is_left_alone(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    before = (await desk.cluster.list("TaskSet")).resource_version
    desk.crash()
    await desk.settle()
    assert (await desk.cluster.list("TaskSet")).resource_version == before


async def test_only_as_many_runners_run_as_the_job_and_the_caps_allow(desk: Desk) -> None:
    await desk.cluster.create(night(parallelism=4))
    await desk.settle()
    assert len(await desk.runner_jobs()) == 3  # four associations, one of them kept for people


async def test_a_crash_at_any_step_of_planning_is_made_good(desk: Desk) -> None:
    await desk.cluster.create(night())
    for _ in range(6):
        await desk.see_all()
        await desk.reconcile()
        desk.crash()
    await desk.settle()
    assert [one["spec"]["index"] for one in await sets(desk)] == [0, 1, 2, 3]


async def test_a_runner_that_crashes_is_followed_by_the_next_attempt(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.play(job, "P", None)
    await desk.settle()
    (again,) = await desk.runner_jobs()
    assert again["metadata"]["name"] == job["metadata"]["name"].replace("-a0", "-a1")
    assert (await desk.cluster.get(task_set_of(job)))["status"]["verdict"]["crashes"] == 1


async def test_three_crashes_fail_the_task_and_the_job_goes_on(desk: Desk) -> None:
    await desk.cluster.create(night())
    for _ in range(3):
        await desk.settle()
        (job,) = await desk.runner_jobs()
        await desk.play(job, "P", None, current="t0")
    await desk.play_all()
    status = (await desk.job()).status
    assert status.phase == "Failure"
    assert (status.tasks.failed, status.tasks.succeeded) == (1, 3)
    assert [one.reason for one in status.failure_summary] == ["RunnerCrash"]


async def test_a_held_set_is_not_given_to_a_second_runner(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.claim(job)
    uid = (await desk.cluster.get(task_set_of(job)))["metadata"]["uid"]
    with desk.lease.hold(uid):
        await desk.end(job, failed=True)  # the node lost it, but the runner lives
        await desk.settle()
        assert await desk.runner_jobs() == []
    await desk.settle()
    assert len(await desk.runner_jobs()) == 1


async def test_a_task_that_waits_for_its_time_is_worked_when_it_is_due(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    due = {"id": "t0", "attempts": 1, "dueTime": "2026-01-01T00:02:00Z", "reason": "Refused"}
    await desk.play(job, "P", "RetryLater", retries=[due])
    await desk.play_all()
    assert await reason(desk, "Admitted") == "RetryDue"
    desk.clock.advance(121)
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_an_unreachable_peer_spends_no_attempt_and_starts_nothing(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.play(job, "P", "PeerUnavailable")
    await desk.settle()
    assert await desk.runner_jobs() == []
    assert await reason(desk, "Admitted") == "ServerUnreachable"
    for endpoint in desk.reach.down():
        desk.reach.answered(endpoint, desk.clock.monotonic())
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


@pytest.mark.parametrize(("peer", "down"), [("research", 1), ("", 2), ("nobody", 2)])
async def test_only_the_server_that_a_runner_names_is_suspected_and_both_where_it_names_none(
    desk: Desk, peer: str, down: int
) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    word = {"reason": "PeerUnavailable", "message": "nobody answers", "peer": peer}
    await desk.play(job, "P", "PeerUnavailable", ended=word)
    await desk.settle()
    assert len(desk.reach.down()) == down
    assert any("RESEARCH" in endpoint.upper() for endpoint in desk.reach.down())


async def test_a_refused_job_stalls_and_goes_on_when_the_server_is_touched(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.play(job, "P", "AccessDenied")
    await desk.settle()
    assert await reason(desk, "Stalled") == "PeerRefusedAccess"
    assert await desk.runner_jobs() == []
    await desk.cluster.patch(Ref("DicomServer", "default", "pacs"), {"metadata": {"annotations": {"note": "admitted"}}})
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_refused_set_is_not_started_again_before_its_job_is_told_that_it_stalls(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.play(job, "P", "AccessDenied")
    await desk.cluster.patch_status(task_set_of(job), {"verdict": {"judgedAttempt": 0}})  # and no more: not the status
    await desk.see_all()
    assert (await desk.admit()).started == ()
    assert await desk.runner_jobs() == []


async def test_suspend_lets_the_running_task_end_and_resume_goes_on(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.change({"suspend": True})
    await desk.settle()
    assert (await desk.cluster.get(task_set_of(job)))["spec"]["stop"] == "AfterTask"
    await desk.play(job, "P", "Stopped")
    await desk.settle()
    assert (await desk.job()).status.phase == "Suspended"
    assert await desk.runner_jobs() == []
    await desk.change({"suspend": False})
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_shutdown_cancels_the_rest_and_a_retry_resumes_it(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.change({"shutdown": "Graceful"})
    await desk.settle()
    assert (await desk.job()).status.phase == "Canceling"
    await desk.play(job, "S", "Done")
    await desk.settle()
    status = (await desk.job()).status
    assert (status.phase, status.tasks.canceled, status.tasks.succeeded) == ("Canceled", 3, 1)
    await desk.change({"shutdown": None, "retry": {"token": "resume", "scope": "Canceled"}})
    await desk.play_all()
    status = (await desk.job()).status
    assert (status.phase, status.tasks.succeeded) == ("Success", 4)
    assert [one["spec"]["round"] for one in await sets(desk)] == [0, 0, 0, 0, 1, 1, 1]


async def test_an_immediate_shutdown_interrupts(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.change({"shutdown": "Immediate"})
    await desk.settle()
    assert (await desk.cluster.get(task_set_of(job)))["spec"]["stop"] == "Now"


async def test_a_paused_server_stops_between_tasks_and_nothing_fails(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.cluster.patch(Ref("DicomServer", "default", "pacs"), {"spec": {"paused": True}})
    await desk.settle()
    assert (await desk.cluster.get(task_set_of(job)))["spec"]["stop"] == "AfterTask"
    await desk.play(job, "P", "Stopped")
    await desk.settle()
    assert await reason(desk, "Admitted") == "ServerPaused"
    await desk.cluster.patch(Ref("DicomServer", "default", "pacs"), {"spec": {"paused": False}})
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_deleted_and_recreated_job_inherits_nothing(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.play_all("F")
    await desk.cluster.delete(Ref("TransferJob", "default", "night"))
    await desk.cluster.create(night())
    await desk.settle()
    status = (await desk.job()).status
    assert (status.tasks.failed, status.tasks.pending) == (0, 4)


async def test_the_jobs_of_a_deleted_transfer_are_swept(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    await desk.cluster.delete(Ref("TransferJob", "default", "night"))
    await desk.settle()
    assert (await desk.cluster.list("Job")).items == ()
    assert (await desk.cluster.list("TaskSet")).items == ()


async def test_rendered_secrets_stay_while_a_job_mounts_them_and_no_longer(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    mounted = {one["secret"]["secretName"] for one in job["spec"]["template"]["spec"]["volumes"] if "secret" in one}
    assert {one["metadata"]["name"] for one in (await desk.cluster.list("Secret", namespace="adit")).items} == mounted
    await desk.play_all()
    assert (await desk.cluster.list("Secret", namespace="adit")).items == ()


async def test_a_taskset_of_that_name_that_is_somebody_elses_is_not_touched(desk: Desk) -> None:
    job = await desk.cluster.create(night())
    await desk.see_all()
    await desk.reconcile()
    name = f"tj-night-{job['metadata']['uid'].replace('-', '')[:8]}-0-0"
    owner = {"kind": "TransferJob", "name": "other", "uid": "other"}
    spec = {"owner": owner, "round": 0, "index": 0, "work": "Transfer", "source": {"name": "pacs"}}
    spec |= {"destination": {"name": "research"}, "tasks": [{"id": "x", "patientId": "P", "studyInstanceUid": "1.2"}]}
    foreign = {"apiVersion": "adit.dev/v1alpha1", "kind": "TaskSet", "metadata": {"name": name}, "spec": spec}
    made = await desk.cluster.create(foreign)
    await desk.settle()
    assert await reason(desk, "Stalled") == "NameTaken"
    assert await desk.cluster.get(Ref.of(made)) == made


async def test_a_job_that_has_the_name_of_a_runners_and_is_somebody_elses_is_told_and_not_touched(desk: Desk) -> None:
    job = await desk.cluster.create(night(suspend=True))
    name = f"tj-night-{job['metadata']['uid'].replace('-', '')[:8]}-0-0-a0"
    container = {"name": "main", "image": "none", "command": ["true"]}
    pod = {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    foreign = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "adit"}, "spec": pod}
    made = await desk.cluster.create(foreign)
    await desk.change({"suspend": False})
    for _ in range(5):  # it does not settle: the Secrets for the runner are made and swept again
        await desk.turn()
    assert await reason(desk, "Admitted") == "NameTaken"
    assert await desk.cluster.get(Ref.of(made)) == made
    await desk.cluster.delete(Ref.of(made))
    desk.clock.advance(60)
    await desk.settle()
    assert [one["metadata"]["name"] for one in await desk.runner_jobs()] == [name]


async def test_a_missing_credential_stalls_until_it_comes(desk: Desk) -> None:
    web = {"url": "http://127.0.0.1:1", "authorization": {"secretRef": {"name": "token", "key": "header"}}}
    await desk.cluster.patch(Ref("DicomServer", "default", "pacs"), {"spec": {"dicomweb": web}})
    await desk.cluster.create(night())
    await desk.settle()
    assert await reason(desk, "Stalled") == "SecretMissing"
    secret = await desk.cluster.create(secret_manifest("token", {"header": "Bearer x"}))
    await desk.settle()
    assert await reason(desk, "Stalled") == "SecretNotLabelled"
    await desk.cluster.patch(Ref.of(secret), {"metadata": {"labels": {labels.PURPOSE: "credential"}}})
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_revoked_grant_interrupts_and_stalls(desk: Desk) -> None:
    server = server_manifest("far")
    server["metadata"]["namespace"] = "radiology"
    server["spec"]["allowedConsumers"] = [{"namespaces": {"from": "All"}}]
    await desk.cluster.create(server)
    await desk.cluster.create(night(source={"name": "far", "namespace": "radiology"}))
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.cluster.patch(Ref("DicomServer", "radiology", "far"), {"spec": {"allowedConsumers": []}})
    await desk.settle()
    assert (await desk.cluster.get(task_set_of(job)))["spec"]["stop"] == "Now"
    await desk.play(job, "P", "Stopped")
    await desk.settle()
    assert await reason(desk, "Stalled") == "AccessDenied"
    assert await desk.runner_jobs() == []


def pseudonymizing() -> dict[str, Any]:
    job = night(pseudonymization={"profile": "adit-compatible"})
    named = [{**task, "pseudonym": f"A{i}"} for i, task in enumerate(job["spec"]["tasks"])]
    return {**job, "spec": {**job["spec"], "tasks": named}}


async def test_the_first_job_that_pseudonymizes_makes_the_key_and_its_marker(desk: Desk) -> None:
    await desk.cluster.create(pseudonymizing())
    await desk.play_all()
    status = (await desk.job()).status
    marker = await desk.cluster.get(Ref("ConfigMap", "default", "adit-project-key-id"))
    assert status.phase == "Success"
    assert status.plan is not None
    assert marker["data"]["id"] == status.plan.key_id
    assert (await sets(desk))[0]["spec"]["keyId"] == status.plan.key_id


async def test_a_key_that_is_gone_stalls_the_job_and_is_never_made_again(desk: Desk) -> None:
    await desk.cluster.create(pseudonymizing())
    await desk.settle()
    key = Ref("Secret", "default", "adit-project-key")
    await desk.cluster.delete(key)
    await desk.cluster.delete(Ref("ConfigMap", "default", "adit-project-key-id"))
    desk.crash()
    await desk.settle()
    assert await reason(desk, "Stalled") == "KeyMissing"
    assert [one for one in (await desk.cluster.list("Secret")).items if one["metadata"]["name"] == key.name] == []


async def test_a_taskset_that_was_deleted_is_made_anew_and_waits_for_its_old_runner(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.cluster.patch(Ref.of(job), {"metadata": {"finalizers": ["adit.dev/process"]}})
    await desk.cluster.delete(task_set_of(job))
    await desk.settle()
    names = [one["metadata"]["name"] for one in await desk.runner_jobs()]
    assert [name for name in names if name.startswith(task_set_of(job).name)] == [job["metadata"]["name"]]
    await desk.cluster.patch(Ref.of(job), {"metadata": {"finalizers": None}})
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"
