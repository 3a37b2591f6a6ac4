"""The kept examples: for each guard, things that happen in an order that only this guard survives."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adit.cluster.kinds import Ref
from adit.testing.cluster import server_manifest
from adit_operator.names import task_set_name
from adit_operator.project import seen_secret
from adit_operator.testing.desk import task_set_of
from tests.operator.guards.drill import Step
from tests.operator.guards.kept_owners import OWNER_EXAMPLES
from tests.operator.guards.kept_profiles import PROFILE_EXAMPLES, Profiled
from tests.operator.guards.kept_retention import RETENTION_EXAMPLES
from tests.operator.guards.kept_starts import START_EXAMPLES
from tests.operator.guards.pods import Pod

NIGHT = Ref("TransferJob", "default", "night")
PSEUDONYMIZING = {
    "pseudonymization": {"profile": "adit-compatible"},
    "tasks": [{"patientId": "P0", "studyInstanceUid": "1.2.1", "pseudonym": "A0"}],
}
FAR = {"source": {"name": "far", "namespace": "radiology"}}
HIDDEN = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "hidden", "namespace": "default"},
    "stringData": {"key": "not ours to read"},
}


class Kept(Profiled):
    """The drill with what only some kept examples need, and with what they expect."""

    async def start(self) -> None:
        """See everything, reconcile until nothing is left to do, admit."""
        await self.see_all()
        for _ in range(10):
            if not await self.desk.reconcile("night"):
                break
        await self.admit()
        await self.see_all()

    async def look(self) -> None:
        await self.see_all()
        await self.reconcile("night")

    async def share(self, *consumers: Any) -> None:
        """The owner of a server in another namespace says who may use it."""
        server = server_manifest("far", port=11112)
        server["metadata"]["namespace"] = "radiology"
        server["spec"] |= {"allowedConsumers": list(consumers)}
        await self.tap.apply(server, field_manager="owner")

    async def delete_set(self) -> None:
        """Somebody deletes the first TaskSet."""
        await self.tap.delete(Ref.of((await self.tap.list("TaskSet")).items[0]))

    async def take_name(self) -> None:
        """Somebody takes the name of the first TaskSet."""
        name = task_set_name("night", (await self.tap.get(NIGHT))["metadata"]["uid"], round_=0, index=0)
        owner = {"kind": "TransferJob", "name": "other", "uid": "other"}
        task = {"id": "x", "patientId": "P", "studyInstanceUid": "1.2"}
        spec = {"owner": owner, "round": 0, "index": 0, "work": "Transfer", "tasks": [task]}
        spec |= {"source": {"name": "pacs"}, "destination": {"name": "research"}}
        manifest = {"apiVersion": "adit.dev/v1alpha1", "kind": "TaskSet", "metadata": {"name": name}, "spec": spec}
        await self.tap.create(manifest)

    async def forge_plan(self) -> None:
        """The tasks are no longer those of the plan."""
        await self.tap.patch_status(NIGHT, {"plan": {"tasksHash": "0" * 64}})

    async def lose_key(self) -> None:
        await self.tap.delete(Ref("Secret", "default", "adit-project-key"))

    async def deliver_first(self, kind: str) -> None:
        """The oldest event of this kind arrives once more."""
        await self.deliver(next(i for i, (_, one) in enumerate(self.tap.history) if one["kind"] == kind))

    async def deliver_last(self) -> None:
        await self.deliver(len(self.tap.history) - 1)

    async def sweep(self) -> None:
        await self.desk.sweep()

    async def twin(self) -> None:
        """Kubernetes starts a second pod for the first Job, as it says it sometimes may."""
        job = (await self.desk.runner_jobs())[0]
        self.pods.setdefault(job["metadata"]["uid"], Pod(job))
        self.pods["twin"] = Pod(job, name="twin")

    async def claim_at_once(self) -> None:
        """Both pods of one Job read the set before either claims it."""
        self.tap.interruption = (0, lambda: self.claim(1))
        await self.claim(0)

    async def claim_beside(self) -> None:
        """Another process of the machine holds the lease already, and is about to write its claim."""
        pod = await self.pod(0, "waiting")
        assert pod is not None
        with self.lease.hold(pod.set_uid):
            await self.claim(0)
        await self.expect_alive(0)

    async def sleepwalk_in_silence(self) -> None:
        """A runner that gave its set up says its last word, and nobody hears it."""
        pod = await self.pod(0, "frozen")
        assert pod is not None
        before = await self.tap.get(pod.set_ref)
        await self.sleepwalk(0)
        assert await self.tap.get(pod.set_ref) == before, "a runner that lost its set wrote"

    async def expect_round(self, number: int) -> None:
        plan = (await self.desk.job()).status.plan
        assert plan is not None
        assert plan.round == number, f"round {plan.round} was opened"

    async def expect_stalled(self, reason: str) -> None:
        found = {one.type: one for one in (await self.desk.job()).status.conditions}["Stalled"]
        assert (found.status, found.reason) == ("True", reason), "the job does not stall"

    async def expect_failed(self, count: int) -> None:
        assert (await self.desk.job()).status.tasks.failed == count, "other tasks failed than had to"

    async def expect_alive(self, count: int) -> None:
        alive = [pod for pod in self.pods.values() if pod.state == "live"]
        assert len(alive) == count, f"{len(alive)} runners live"

    async def expect_runner_jobs(self, count: int) -> None:
        assert len(await self.desk.runner_jobs()) == count, "Jobs are missing, or too many"

    async def expect_stop(self, stop: str) -> None:
        job = (await self.desk.runner_jobs())[0]
        task_set = await self.tap.get(task_set_of(job))
        assert task_set["spec"].get("stop") == stop, "the runner was not told to stop"

    async def expect_unknown(self) -> None:
        assert NIGHT not in self.desk.world.cache.transfers, "a deleted job came back"

    async def expect_unread(self) -> None:
        await self.tap.create(HIDDEN)
        assert seen_secret(await self.tap.get(Ref.of(HIDDEN))).data == {}, "a Secret was read without a label"


def submitted(count: int, parallelism: int = 1, spec: dict[str, Any] | None = None) -> list[Step]:
    """A job that was just started."""
    return [("submit", "night", count, parallelism, spec), ("start",)]


CRASH_UNCLAIMED: list[Step] = [("crash", 0), ("notice", 0), ("look",), ("look",), ("admit",), ("see_all",)]
CRASH_ADMITTED_FIRST: list[Step] = [
    *(("claim", 0), ("crash", 0), ("notice", 0), ("see_all",), ("admit",)),
    *(("look",), ("look",), ("admit",), ("see_all",)),
]
FAILED: list[Step] = [*submitted(1), ("claim", 0), ("work", 0, "F"), ("leave", 0), ("look",), ("look",)]

# By guard: whether leases are flocks, and what happens.
EXAMPLES: dict[str, tuple[bool, list[Step]]] = {
    **RETENTION_EXAMPLES,
    **START_EXAMPLES,
    **OWNER_EXAMPLES,
    **PROFILE_EXAMPLES,
    "children-before-status": (
        True,
        [
            *submitted(1),
            *(("lose_node", 0), ("change", "night", {"shutdown": "Graceful"}), ("see_all",)),
            ("interrupted", "night", 0, ("claim", 0)),
        ],
    ),
    "verdict-on-what-was-seen": (
        True,
        [
            *submitted(1),
            *(("lose_node", 0), ("change", "night", {"shutdown": "Graceful"}), ("see_all",)),
            *(("interrupted", "night", 0, ("claim", 0)), ("work", 0, "S")),
        ],
    ),
    "status-on-what-was-read": (
        True,
        [
            *FAILED,
            *(("retry", "night", "Failed", "again"), ("see_all",)),
            ("interrupted", "night", 0, ("start",), ("claim", 0), ("work", 0, "F"), ("leave", 0), ("look",), ("look",)),
        ],
    ),
    "unfinished-job-takes-a-slot": (True, [*submitted(3, 3), ("admit",)]),
    "holder-takes-a-slot": (
        True,
        [*submitted(3, 3), ("claim", 0), ("claim", 0), ("lose_node", 0), ("see_all",), ("admit",)],
    ),
    "token-opens-one-round": (
        True,
        [
            *FAILED,
            *(("retry", "night", "Failed", "again"), ("start",), ("claim", 0), ("work", 0, "F"), ("leave", 0)),
            *(("look",), ("look",), ("look",), ("expect_round", 1)),
        ],
    ),
    "grants-at-every-reconcile": (
        True,
        [
            ("share", {"namespaces": {"from": "All"}}),
            *submitted(1, 1, FAR),
            *(("claim", 0), ("share",), ("look",), ("expect_stop", "Now"), ("expect_stalled", "AccessDenied")),
            ("delete", "night"),
        ],
    ),
    "granted-before-a-start": (
        True,
        [
            ("share", {"namespaces": {"from": "All"}}),
            *(("submit", "night", 1, 1, FAR), ("look",), ("look",), ("look",), ("share",), ("see_all",), ("admit",)),
            *(("expect_runner_jobs", 0), ("delete", "night")),
        ],
    ),
    "finished-round-is-terminal": (True, [*FAILED, ("delete_set",), ("look",), ("look",)]),
    "retry-outside-scope": (
        True,
        [
            *submitted(2),
            *(("claim", 0), ("work", 0, "S"), ("leave", 0), ("start",)),
            *(("claim", 0), ("work", 0, "F"), ("leave", 0), ("look",), ("look",)),
            ("change", "night", {"retry": {"token": "again", "scope": "Failed", "tasks": ["t0"]}}),
            *(("look",), ("look",), ("expect_round", 0)),
        ],
    ),
    "unlabelled-is-unread": (True, [("expect_unread",)]),
    "one-runner-per-set": (
        True,
        [
            *submitted(1, 2),
            *(("claim", 0), ("delete_set",), ("look",), ("look",), ("admit",), ("claim", 0), ("begin", 0)),
        ],
    ),
    "judged-before-next": (True, [*submitted(1), *CRASH_ADMITTED_FIRST * 3, ("expect_failed", 1)]),
    "cap": (True, submitted(3, 3)),
    "plan-once": (
        True,
        [
            ("submit", "night", 1, 1, None),
            *(("look",), ("forge_plan",), ("look",), ("expect_stalled", "InputChanged"), ("delete", "night")),
        ],
    ),
    "running-is-not-judged": (
        True,
        [*submitted(1), ("claim", 0), ("look",), ("work", 0, "S"), ("flush", 0), ("expect_alive", 1)],
    ),
    "running-is-not-overridden": (
        True,
        [
            *submitted(1),
            *(("claim", 0), ("change", "night", {"shutdown": "Graceful"}), ("look",), ("look",), ("work", 0, "S")),
        ],
    ),
    "held-is-not-finished": (
        True,
        [
            *submitted(3, 3),
            *(("claim", 0), ("claim", 0), ("work", 0, "S"), ("flush", 0), ("lose_node", 0)),
            *(("look",), ("see_all",), ("admit",)),
        ],
    ),
    "one-end-counts-once": (
        True,
        [
            *submitted(1),
            *(("claim", 0), ("crash", 0), ("notice", 0), ("look",), ("look",), ("look",), ("look",)),
            ("expect_failed", 0),
        ],
    ),
    "word-of-this-attempt": (
        True,
        [
            *submitted(1),
            *(("claim", 0), ("work", 0, "P"), ("leave", 0, "RetryLater"), ("wait", 130), ("look",), ("start",)),
            *CRASH_UNCLAIMED * 3,
            ("expect_failed", 1),
        ],
    ),
    "held-is-running": (
        True,
        [*submitted(1), ("claim", 0), ("lose_node", 0), ("look",), ("work", 0, "S"), ("flush", 0), ("expect_alive", 1)],
    ),
    "deleted-stays-deleted": (
        True,
        [*submitted(1), ("delete", "night"), ("deliver_last",), ("deliver_first", "TransferJob"), ("expect_unknown",)],
    ),
    "older-never-replaces-newer": (
        True,
        [
            *submitted(2),
            *(("claim", 0), ("work", 0, "S"), ("leave", 0), ("look",), ("look",)),
            *(("deliver_first", "TaskSet"), ("deliver_first", "Job"), ("reconcile", "night")),
        ],
    ),
    "only-orphans-are-swept": (True, [*submitted(1), ("claim", 0), ("sweep",), ("expect_runner_jobs", 1)]),
    "over-when-all-finished": (True, submitted(1)),
    "owner-uid": (
        True,
        [
            ("submit", "night", 1, 1, None),
            *(("look",), ("take_name",), ("look",), ("look",), ("expect_stalled", "NameTaken"), ("delete", "night")),
        ],
    ),
    "key-never-made-twice": (
        True,
        [
            *submitted(1, 1, PSEUDONYMIZING),
            *(("lose_key",), ("look",), ("look",), ("expect_stalled", "KeyMissing"), ("delete", "night")),
        ],
    ),
    "lost-writes-nothing": (
        False,
        [*submitted(1), ("claim", 0), ("freeze", 0), ("sleepwalk_in_silence",)],
    ),
    "claim-needs-the-lease": (True, [*submitted(1), ("twin",), ("claim_beside",)]),
    "claim-is-versioned": (False, [*submitted(1), ("twin",), ("claim_at_once",)]),
    "claim-not-after-judgement": (
        True,
        [*submitted(1), ("begin", 0), ("lose_node", 0), ("look",), ("claim", 0), ("expect_alive", 0)],
    ),
    "claim-spares-the-living": (False, [*submitted(1), ("twin",), ("claim", 0), ("claim", 0)]),
    "conflict-checks-holder": (
        False,
        [
            *submitted(1),
            *(("twin",), ("claim", 0), ("begin", 0), ("freeze", 0), ("claim", 0), ("thaw", 0), ("begin", 0)),
        ],
    ),
    "conflict-checks-verdict": (
        False,
        [
            *submitted(1),
            *(("claim", 0), ("begin", 0), ("freeze", 0), ("lose_node", 0)),
            *(("change", "night", {"shutdown": "Graceful"}), ("look",), ("look",), ("thaw", 0)),
        ],
    ),
}


async def survive(data: Path, flock: bool, steps: Iterable[Step]) -> None:  # noqa: FBT001  # as EXAMPLES says it
    """Play an example, then let everything be well again: no job may be stuck."""
    drill = Kept(data, flock=flock)
    try:
        await drill.open()
        await drill.play(steps)
        await drill.heal()
    finally:
        await drill.close()
