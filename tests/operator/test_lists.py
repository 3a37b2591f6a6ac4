import base64
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from adit.api.conditions import condition_of
from adit.cluster.kinds import Ref
from adit.testing.cluster import transfer_job_manifest
from adit_operator.decision import Later
from adit_operator.key import key_marker, key_secret
from adit_operator.reconcile import reconcile
from adit_operator.settings import OperatorSettings
from adit_operator.testing.desk import Desk

KEY = "tasks.jsonl.gz"
NIGHT = Ref("TransferJob", "default", "night")
LABELS = {"adit.dev/purpose": "tasks"}


def task_secret(count: int, name: str = "night-tasks", *, start: int = 0, **changes: Any) -> dict[str, Any]:
    tasks = [{"patientId": f"P{i}", "studyInstanceUid": f"1.2.{i + 1}"} for i in range(start, start + count)]
    packed = gzip.compress("\n".join(json.dumps(task | changes) for task in tasks).encode())
    metadata = {"name": name, "labels": dict(LABELS)}
    data = {KEY: base64.b64encode(packed).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def night(*names: str, **spec: Any) -> dict[str, Any]:
    job = transfer_job_manifest("night")
    sources = [{"secretRef": {"name": name, "key": KEY}} for name in names or ("night-tasks",)]
    kept = {name: value for name, value in job["spec"].items() if name != "tasks"}
    return {**job, "spec": {**kept, "tasksFrom": sources, "parallelism": 1, **spec}}


async def stalled(desk: Desk) -> str | None:
    condition = condition_of((await desk.job()).status.conditions, "Stalled")
    return condition.reason if condition is not None and condition.status == "True" else None


async def message(desk: Desk) -> str:
    return (await desk.job()).status.message


async def set_ids(desk: Desk, round_: int = 0) -> list[str]:
    sets = (await desk.cluster.list("TaskSet")).items
    own = sorted((one for one in sets if one["spec"]["round"] == round_), key=lambda one: one["spec"]["index"])
    return [task["id"] for one in own for task in one["spec"]["tasks"]]


async def delete_secret(desk: Desk, name: str = "night-tasks") -> None:
    await desk.cluster.delete(Ref("Secret", "default", name))


async def test_the_tasks_of_all_secrets_are_moved_in_order(desk: Desk) -> None:
    await desk.cluster.create(task_secret(3))
    await desk.cluster.create(task_secret(2, "more", start=10))
    await desk.cluster.create(night("night-tasks", "more"))
    await desk.play_all()
    status = (await desk.job()).status
    assert (status.phase, status.tasks.total, status.tasks.succeeded) == ("Success", 5, 5)
    assert await set_ids(desk) == ["t0", "t1", "t2", "t3", "t4"]


async def test_a_missing_secret_stalls_the_job_until_it_comes(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.settle()
    assert await stalled(desk) == "TasksMissing"
    assert "kubectl create secret generic -n default night-tasks --from-file=tasks.jsonl.gz" in await message(desk)
    await desk.cluster.create(task_secret(1))
    await desk.settle()
    assert (await stalled(desk), await set_ids(desk)) == (None, ["t0"])


async def test_of_a_job_that_is_refused_anyway_no_secret_is_read(desk: Desk) -> None:
    secret = task_secret(1, patientId="Doe*Jane")
    await desk.cluster.create(secret)
    await desk.cluster.create(night(destination={"name": "nowhere"}))
    await desk.settle()
    assert await stalled(desk) == "ServerMissing"
    assert desk.world.memory.lists.get((await desk.job()).metadata.uid) is None


async def test_of_a_job_whose_key_is_missing_no_secret_is_read(desk: Desk) -> None:
    await desk.cluster.create(task_secret(3, pseudonym="A"))
    await desk.cluster.create(key_marker("default", "adit-project-key", "0" * 16))
    await desk.cluster.create(night(pseudonymization={"profile": "adit-compatible"}))
    await delete_secret(desk)
    await desk.settle()
    assert await stalled(desk) == "KeyMissing"


async def half_made(desk: Desk) -> str:
    """A job whose list is remembered, since its sets are still to be made; its UID."""
    await desk.cluster.create(task_secret(8))
    made = await desk.cluster.create(night(parallelism=4))
    desk.world = replace(desk.world, settings=OperatorSettings(writes_per_second=2))
    await desk.see_all()
    for _ in range(3):
        await desk.reconcile()
    uid: str = made["metadata"]["uid"]
    assert desk.world.memory.lists.get(uid) is not None
    return uid


@pytest.mark.parametrize("told_first", [True, False])
async def test_the_list_of_a_job_that_is_deleted_meanwhile_is_forgotten(desk: Desk, told_first: bool) -> None:  # noqa: FBT001 - a parameter of the table
    uid = await half_made(desk)
    await desk.cluster.delete(NIGHT)
    if told_first:
        await desk.see_all()
    await desk.reconcile()
    assert desk.world.memory.lists.get(uid) is None


async def test_the_list_of_a_job_that_is_being_deleted_is_forgotten(desk: Desk) -> None:
    uid = await half_made(desk)
    await desk.cluster.patch(NIGHT, {"metadata": {"finalizers": ["example.com/wait"]}})
    await desk.cluster.delete(NIGHT)
    await desk.reconcile()
    assert desk.world.memory.lists.get(uid) is None


async def test_a_list_that_is_not_watched_is_looked_for_again_by_itself(desk: Desk) -> None:
    await desk.cluster.create(night())
    await desk.see_all()
    assert await reconcile(desk.world, desk.reach, Ref("TransferJob", "default", "night"), {}) == Later(15.0)


async def test_an_unlabelled_list_is_not_read(desk: Desk) -> None:
    secret = task_secret(1)
    secret["metadata"]["labels"] = {}
    await desk.cluster.create(secret)
    await desk.cluster.create(night())
    await desk.settle()
    assert await stalled(desk) == "SecretNotLabelled"
    assert "`kubectl label secret -n default night-tasks adit.dev/purpose=tasks`" in await message(desk)


async def test_nobody_is_told_to_take_the_label_of_a_key_away(desk: Desk) -> None:
    await desk.cluster.create(key_secret("default", "adit-project-key", bytes(32)))
    await desk.cluster.create(night("adit-project-key"))
    await desk.settle()
    assert await stalled(desk) == "SecretNotLabelled"
    told = await message(desk)
    assert "kubectl" not in told
    assert "it serves another purpose (adit.dev/purpose): name another Secret in spec.tasksFrom" in told


async def test_a_line_that_cannot_be_read_is_named_without_its_patient(desk: Desk) -> None:
    await desk.cluster.create(task_secret(1, patientId="Doe*Jane"))
    await desk.cluster.create(night())
    await desk.settle()
    assert await stalled(desk) == "InvalidTasks"
    assert "Secret night-tasks, key tasks.jsonl.gz, line 1: patientId: not an identifier" in await message(desk)
    assert "Doe" not in json.dumps(await desk.cluster.get(Ref("TransferJob", "default", "night")))


async def test_a_list_that_changed_before_its_sets_were_made_stalls_the_job(desk: Desk) -> None:
    await desk.cluster.create(task_secret(3))
    await desk.cluster.create(night())
    await desk.see_all()
    await desk.reconcile()  # the plan
    await delete_secret(desk)
    await desk.cluster.create(task_secret(4))
    desk.crash()
    await desk.settle()
    assert await stalled(desk) == "InputChanged"


async def test_a_secret_that_is_gone_before_its_sets_were_made_stalls_the_job(desk: Desk) -> None:
    await desk.cluster.create(task_secret(3))
    await desk.cluster.create(night())
    await desk.see_all()
    await desk.reconcile()
    await delete_secret(desk)
    desk.crash()
    await desk.settle()
    assert await stalled(desk) == "TasksMissing"


async def test_once_all_sets_are_made_the_secret_may_go_even_for_a_retry(desk: Desk) -> None:
    await desk.cluster.create(task_secret(3))
    await desk.cluster.create(night())
    await desk.settle()
    await delete_secret(desk)
    desk.crash()
    await desk.play_all("F")
    assert (await desk.job()).status.phase == "Failure"
    await desk.change({"retry": {"token": "again", "scope": "Failed", "tasks": ["t1"]}})
    await desk.play_all()
    assert await set_ids(desk, round_=1) == ["t1"]
    tasks = (await desk.job()).status.tasks
    assert (tasks.total, tasks.succeeded, tasks.failed) == (3, 1, 2)


async def test_a_list_that_is_put_together_again_is_remembered(desk: Desk) -> None:
    await desk.cluster.create(task_secret(8))
    await desk.cluster.create(night())
    await desk.play_all("F")
    await delete_secret(desk)
    desk.crash()
    desk.world = replace(desk.world, settings=OperatorSettings(writes_per_second=2, status_seconds=0))
    await desk.change({"retry": {"token": "again", "scope": "All"}})
    await desk.settle()
    kept = desk.world.memory.lists.get((await desk.job()).metadata.uid)
    assert kept is not None
    assert len(kept.tasks) == 8


async def test_a_retry_without_secret_and_sets_waits_for_the_secret(desk: Desk) -> None:
    await desk.cluster.create(task_secret(2))
    await desk.cluster.create(night())
    await desk.play_all("F")
    await delete_secret(desk)
    for one in (await desk.cluster.list("TaskSet")).items[:1]:
        await desk.cluster.delete(Ref.of(one))
    desk.crash()
    await desk.change({"retry": {"token": "again", "scope": "All"}})
    await desk.settle()
    assert await stalled(desk) == "TasksMissing"
    await desk.cluster.create(task_secret(2))
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_shutdown_before_the_list_could_be_read_cancels_the_job(desk: Desk) -> None:
    await desk.cluster.create(night(shutdown="Graceful"))
    await desk.settle()
    assert (await desk.job()).status.phase == "Canceled"


async def test_a_planned_list_is_read_once_and_kept_only_until_its_sets_are_made(desk: Desk) -> None:
    await desk.cluster.create(task_secret(8))
    await desk.cluster.create(night())
    await desk.see_all()
    await desk.reconcile()
    uid = (await desk.job()).metadata.uid
    kept = desk.world.memory.lists.get(uid)
    assert kept is not None
    assert len(kept.tasks) == 8
    await delete_secret(desk)
    await desk.settle()
    assert (await stalled(desk), len(await set_ids(desk))) == (None, 8)
    assert desk.world.memory.lists.get(uid) is None


async def test_a_list_that_changes_while_its_sets_are_made_stalls_the_job(desk: Desk) -> None:
    desk.world = replace(desk.world, settings=OperatorSettings(writes_per_second=2, status_seconds=0))
    await desk.cluster.create(task_secret(8))
    await desk.cluster.create(night())
    await desk.settle()
    assert 0 < len(await set_ids(desk)) < 8
    await delete_secret(desk)
    await desk.cluster.create(task_secret(9))
    await desk.settle()
    assert await stalled(desk) is None
    desk.clock.advance(10)
    await desk.settle()
    assert await stalled(desk) == "InputChanged"
    await delete_secret(desk)
    await desk.cluster.create(task_secret(8))
    await desk.settle()
    assert await stalled(desk) is None


async def test_a_status_says_nothing_of_patients_in_secrets(desk: Desk) -> None:
    await desk.cluster.create(task_secret(2))
    await desk.cluster.create(night())
    await desk.play_all()
    text = json.dumps(await desk.cluster.get(Ref("TransferJob", "default", "night")))
    assert "P0" not in text
    assert "1.2.1" not in text
