from adit.cluster.kinds import Ref
from adit.testing.cluster import transfer_job_manifest
from adit_operator.admission import admissible, startable
from adit_operator.slots import allocated
from adit_operator.stop import wanted_stop
from adit_operator.testing.builders import seen_set, seen_transfer, transfer_job
from adit_operator.testing.desk import Desk, task_set_of

NIGHT = Ref("TransferJob", "default", "night")
KEPT = {"metadata": {"finalizers": ["example.com/wait"]}}


async def deleted_slowly(desk: Desk, ref: Ref) -> None:
    """Somebody deletes an object that a finalizer keeps."""
    await desk.cluster.patch(ref, KEPT)
    await desk.cluster.delete(ref)
    await desk.see_all()


async def test_a_job_that_is_being_deleted_gets_no_runner(desk: Desk) -> None:
    await desk.cluster.create(transfer_job_manifest("night"))
    await desk.see_all()
    while await desk.reconcile():
        pass
    await deleted_slowly(desk, NIGHT)
    assert (await desk.admit()).started == ()


async def test_what_runs_for_a_job_that_is_being_deleted_is_interrupted_and_not_started_again(desk: Desk) -> None:
    await desk.cluster.create(transfer_job_manifest("night", studies=["1.2.1", "1.2.2", "1.2.3"]))
    await desk.settle()
    runners = await desk.runner_jobs()
    await desk.claim(runners[0])
    await deleted_slowly(desk, NIGHT)
    await desk.reconcile()
    stops = [(await desk.cluster.get(task_set_of(one)))["spec"].get("stop") for one in runners]
    assert stops == ["Now"] * len(runners)
    for one in runners:
        await desk.play(one, "P", "Stopped")
    await desk.settle()
    assert await desk.runner_jobs() == []


async def test_a_set_that_is_being_deleted_is_interrupted(desk: Desk) -> None:
    await desk.cluster.create(transfer_job_manifest("night"))
    await desk.settle()
    (runner,) = await desk.runner_jobs()
    await deleted_slowly(desk, task_set_of(runner))
    await desk.reconcile()
    assert (await desk.cluster.get(task_set_of(runner)))["spec"]["stop"] == "Now"


def test_what_is_being_deleted_is_neither_admissible_nor_startable() -> None:
    transfer, nothing = seen_transfer(), allocated([], [], frozenset(), {})
    assert admissible(transfer)
    assert not admissible(seen_transfer(leaving=True))
    assert startable(seen_set(), transfer, nothing, -1)
    assert not startable(seen_set(leaving=True), transfer, nothing, -1)


def test_before_admission_has_spoken_a_set_that_is_being_deleted_is_interrupted_all_the_same() -> None:
    spec = transfer_job().spec
    assert wanted_stop(seen_set(leaving=True), spec, None, running=True, revoked=False) == "Now"
    assert wanted_stop(seen_set(leaving=True), spec, None, running=False, revoked=False) is None
