from typing import Any

from adit.cluster.kinds import Ref
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.slots import caps_of
from adit_operator.testing.desk import Desk, task_set_of

FAR = Ref("DicomServer", "radiology", "far")
ALL: list[dict[str, Any]] = [{"namespaces": {"from": "All"}}]


def far(consumers: list[dict[str, Any]]) -> dict[str, Any]:
    """A server of another namespace, and whom its owner lets use it."""
    server = server_manifest("far")
    server["metadata"]["namespace"] = "radiology"
    server["spec"]["allowedConsumers"] = consumers
    return server


async def submit(desk: Desk) -> None:
    """A job of two studies from that server, worked by one runner at a time."""
    await desk.cluster.create(far(ALL))
    job = transfer_job_manifest("night", studies=["1.2.1", "1.2.2"])
    job["spec"] |= {"source": {"name": "far", "namespace": "radiology"}, "parallelism": 1}
    await desk.cluster.create(job)


async def stalled(desk: Desk) -> str | None:
    conditions = (await desk.job()).status.conditions
    return next(one.reason for one in conditions if one.type == "Stalled")


async def stop_of_the_runner(desk: Desk) -> Any:
    (job,) = await desk.runner_jobs()
    return (await desk.cluster.get(task_set_of(job)))["spec"].get("stop")


async def interrupted(desk: Desk) -> None:
    """The runner hears it and leaves."""
    assert await stop_of_the_runner(desk) == "Now"
    (job,) = await desk.runner_jobs()
    await desk.play(job, "PP"[: len((await desk.cluster.get(task_set_of(job)))["spec"]["tasks"])], "Stopped")
    await desk.settle()
    assert await desk.runner_jobs() == []


async def test_no_runner_starts_once_the_grant_is_seen_to_be_gone_though_the_job_does_not_tell_yet(desk: Desk) -> None:
    await submit(desk)
    await desk.see_all()
    while await desk.reconcile():
        pass
    await desk.cluster.patch(FAR, {"spec": {"allowedConsumers": []}})
    await desk.see_all()
    turn = await desk.admit()
    assert (turn.started, await desk.runner_jobs()) == ((), [])


async def test_a_deleted_server_interrupts_and_a_restored_one_lets_go_on(desk: Desk) -> None:
    await submit(desk)
    await desk.settle()
    await desk.cluster.delete(FAR)
    await desk.settle()
    await interrupted(desk)
    assert await stalled(desk) == "ServerMissing"
    assert (await desk.job()).spec.suspend is False
    await desk.cluster.create(far(ALL))
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_deleted_folder_interrupts_and_a_restored_one_lets_go_on(desk: Desk) -> None:
    folder = {
        "apiVersion": "adit.dev/v1alpha1",
        "kind": "DicomFolder",
        "metadata": {"name": "exchange", "namespace": "default"},
        "spec": {"volume": {"claimName": "exchange"}},
    }
    await desk.cluster.create(folder)
    job = transfer_job_manifest("night")
    job["spec"]["destination"] = {"kind": "DicomFolder", "name": "exchange"}
    await desk.cluster.create(job)
    await desk.settle()
    await desk.cluster.delete(Ref("DicomFolder", "default", "exchange"))
    await desk.settle()
    await interrupted(desk)
    assert await stalled(desk) == "FolderMissing"
    await desk.cluster.create(folder)
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_grant_that_is_given_back_lets_go_on_and_no_attempt_was_spent(desk: Desk) -> None:
    await submit(desk)
    await desk.settle()
    await desk.cluster.patch(FAR, {"spec": {"allowedConsumers": []}})
    await desk.settle()
    await interrupted(desk)
    assert await stalled(desk) == "AccessDenied"
    await desk.cluster.patch(FAR, {"spec": {"allowedConsumers": ALL}})
    await desk.settle()
    (job,) = await desk.runner_jobs()
    verdict = (await desk.cluster.get(task_set_of(job)))["status"]["verdict"]
    assert (verdict["crashes"], await stop_of_the_runner(desk)) == (0, None)


async def test_an_interruption_by_an_owner_is_counted_once(desk: Desk) -> None:
    await submit(desk)
    await desk.settle()
    await desk.cluster.patch(FAR, {"spec": {"allowedConsumers": []}})
    await desk.see_all()
    await desk.reconcile()
    await desk.reconcile()
    assert [(await desk.admit()).evicted for _ in range(2)] == [{"AccessRevoked": 1}, {}]


def spoil(desk: Desk, ref: Ref, manifest: dict[str, Any]) -> None:
    """The operator sees a version that its models do not know, such as one of a newer release."""
    version = int(manifest["metadata"]["resourceVersion"])
    metadata = {**manifest["metadata"], "resourceVersion": str(version + 1_000)}
    spec = {**manifest["spec"], "unheardOf": True}
    desk.world.cache.put({**manifest, "metadata": metadata, "spec": spec})
    assert ref in desk.world.cache.unreadable


async def test_a_server_that_cannot_be_read_lets_runners_work_on_and_starts_no_other(desk: Desk) -> None:
    """It is not deleted, and nobody took back a grant."""
    await submit(desk)
    await desk.settle()
    spoil(desk, FAR, await desk.cluster.get(FAR))
    await desk.settle()
    assert await stop_of_the_runner(desk) is None
    assert await stalled(desk) == "ServerUnreadable"
    (job,) = await desk.runner_jobs()
    await desk.play(job, "P", "Stopped")
    await desk.settle()
    assert await desk.runner_jobs() == []


async def test_an_operator_that_never_could_read_the_server_interrupts_nobody_either(desk: Desk) -> None:
    await submit(desk)
    await desk.settle()
    desk.crash()
    spoil(desk, FAR, await desk.cluster.get(FAR))
    await desk.settle()
    assert await stop_of_the_runner(desk) is None
    assert await stalled(desk) == "ServerUnreadable"


async def test_what_a_server_that_cannot_be_read_allowed_last_is_what_the_endpoint_is_held_to(desk: Desk) -> None:
    await desk.cluster.create(far(ALL))
    await desk.see_all()
    before = dict(caps_of(desk.world.cache.servers.values(), {}))
    spoil(desk, FAR, await desk.cluster.get(FAR))
    assert caps_of(desk.world.cache.servers.values(), {}) == before
