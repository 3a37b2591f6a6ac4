"""Kept examples of jobs and their sets: who owns what, who is on its way out, and what is written before what."""

from dataclasses import replace

from adit.cluster.kinds import Ref
from adit_operator.settings import OperatorSettings
from adit_operator.testing.desk import task_set_of
from tests.operator.guards.drill import Step
from tests.operator.guards.kept_starts import PLANNED, Starting

NIGHT = Ref("TransferJob", "default", "night")


class Owning(Starting):
    """The drill with jobs that go slowly, sets that are forged or spoiled, and an operator that may write little."""

    async def slow_down(self) -> None:
        """The operator may write once in a second."""
        self.desk.world = replace(self.desk.world, settings=OperatorSettings(writes_per_second=1, status_seconds=0))

    async def delete_slowly(self) -> None:
        """Somebody deletes the job, and a finalizer keeps it for now."""
        await self.tap.patch(NIGHT, {"metadata": {"finalizers": ["example.com/wait"]}})
        await self.tap.delete(NIGHT)

    async def let_go(self) -> None:
        await self.tap.patch(NIGHT, {"metadata": {"finalizers": None}})

    async def forge_set(self) -> None:
        """Somebody in another namespace makes a set of this job; the event comes before the garbage collector."""
        uid = (await self.tap.get(NIGHT))["metadata"]["uid"]
        owner = {"kind": "TransferJob", "name": "night", "uid": uid}
        reference = {**owner, "apiVersion": "adit.dev/v1alpha1", "controller": True}
        task = {"id": "t0", "patientId": "P", "studyInstanceUid": "1.2"}
        spec = {"owner": owner, "round": 0, "index": 0, "work": "Transfer", "tasks": [task]}
        spec |= {"source": {"name": "pacs"}, "destination": {"name": "research"}}
        meta = {"name": "forged", "namespace": "lab", "ownerReferences": [reference]}
        await self.tap.create({"apiVersion": "adit.dev/v1alpha1", "kind": "TaskSet", "metadata": meta, "spec": spec})
        await self.deliver(len(self.tap.history) - 1)

    async def spoil_set(self) -> None:
        """The first TaskSet is seen with a status that our models do not read, until it is written again."""
        (one, *_) = (await self.tap.list("TaskSet")).items
        self.desk.world.cache.forget(Ref.of(one))
        self.desk.world.cache.put({**one, "status": {"runner": {"states": "not letters"}}})

    async def expect_own_runner(self) -> None:
        spaces = [task_set_of(job).namespace for job in await self.desk.runner_jobs()]
        assert spaces == ["default"], "a set of another namespace was taken for the job's"


OWNER_EXAMPLES: dict[str, tuple[bool, list[Step]]] = {
    "verdicts-before-status": (
        True,
        [
            *(("submit", "night", 2, 2, {"suspend": True}), ("look",), ("look",), ("look",)),
            *(("slow_down",), ("change", "night", {"shutdown": "Graceful"}), ("look",), ("look",), ("look",)),
        ],
    ),
    "leaving-starts-nothing": (
        True,
        [*PLANNED, ("delete_slowly",), ("see_all",), ("admit",), ("expect_runner_jobs", 0), ("let_go",)],
    ),
    "owner-in-its-namespace": (
        True,
        [
            *(("submit", "night", 1, 1, None), ("look",), ("forge_set",), ("reconcile", "night")),
            *(("reconcile", "night"), ("admit",), ("expect_own_runner",), ("delete", "night")),
        ],
    ),
    "unreadable-is-not-gone": (
        True,
        [
            *(*PLANNED, ("admit",), ("see_all",), ("claim", 0), ("see_all",)),
            *(("spoil_set",), ("sweep",), ("expect_runner_jobs", 1)),
        ],
    ),
}
