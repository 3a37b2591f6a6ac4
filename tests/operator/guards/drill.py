"""The drill: operator, cluster and runners as they ship, made to meet in any order, with what must always hold.

Every public coroutine is one thing that can happen; after each, `check` says whether something went wrong.
"""

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from adit.api.conditions import is_true
from adit.api.resource import TaskSet, TransferJob
from adit.api.task_set import EndedReason
from adit.cluster.cluster import ClusterUnavailable, Conflict, Invalid, ObjectNotFound
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.testing.desk import Desk
from adit_operator.testing.fakes import ManualClock
from adit_operator.watches import WATCHED, Watches
from tests.operator.guards.pods import DrillLease, Pod, states_of
from tests.operator.guards.tap import Tap

NAMES = ("night", "day")
CAP = 2
MAX_ROUNDS = 80

# One thing that happens: a method of Drill, and its arguments.
Step = tuple[str, *tuple[Any, ...]]
# Whether the operator dies before a write, or after it and before its answer.
When = Literal["before", "after"]


class Drill:
    """One small hospital: two servers with two runner slots each, two jobs at most, and whatever goes wrong."""

    def __init__(self, folder: Path, *, flock: bool = True) -> None:
        self._cluster = EmbeddedCluster.open(folder)
        self.tap = Tap(self._cluster)
        self.lease = DrillLease(flock=flock)
        self.clock = ManualClock()
        self.desk = Desk(self.tap, self.lease, self.clock)
        self.pods: dict[str, Pod] = {}
        self.delivered = 0
        # what a finished round said of itself, and the states of its sets: by job UID and round
        self._over: dict[tuple[str, int], tuple[Any, Any]] = {}
        self._rounds: dict[str, int] = {}
        self._compacted: dict[str, int] = {}
        self._finished: dict[tuple[str, int], int] = {}
        self._touched = 0

    async def open(self) -> None:
        limits = {"maxAssociations": CAP + 1, "reservedInteractive": 1}
        for name, port in (("pacs", 11112), ("research", 11113)):
            server = server_manifest(name, port=port)
            await self.tap.create({**server, "spec": {**server["spec"], "limits": limits}})
        await self.desk.see_all()

    async def close(self) -> None:
        for pod in self.pods.values():
            await pod.die()
        await self._cluster.close()

    async def play(self, steps: Iterable[Step]) -> None:
        """Let these things happen, and look after each whether something went wrong."""
        for name, *arguments in steps:
            await getattr(self, name)(*arguments)
            await self.check()

    # What people do.

    async def submit(
        self, name: str, count: int = 3, parallelism: int = 2, spec: Mapping[str, Any] | None = None
    ) -> None:
        job = transfer_job_manifest(name, studies=[f"1.2.{i + 1}" for i in range(count)])
        try:
            await self.tap.create({**job, "spec": {**job["spec"], "parallelism": parallelism, **(spec or {})}})
        except Conflict:
            return

    async def change(self, name: str, spec: dict[str, Any]) -> None:
        try:
            await self.tap.patch(Ref("TransferJob", "default", name), {"spec": spec})
        except (ObjectNotFound, Invalid):
            return  # not there, or a change that the API refuses

    async def delete(self, name: str) -> None:
        await self.tap.delete(Ref("TransferJob", "default", name))

    async def retry(self, name: str, scope: str, token: str) -> None:
        await self.change(name, {"shutdown": None, "retry": {"token": token, "scope": scope}})

    async def pause(self, server: str) -> None:
        await self.tap.patch(Ref("DicomServer", "default", server), {"spec": {"paused": True}})

    async def shut(self, server: str, *, hard: bool = False) -> None:
        """It has a window that is closed now, after having been open until this minute."""
        now = self.clock.now()
        window = {"start": f"{now - timedelta(hours=6):%H:%M}", "end": f"{now:%H:%M}", "hard": hard}
        await self.tap.patch(Ref("DicomServer", "default", server), {"spec": {"windows": [window]}})

    async def open_again(self, server: str) -> None:
        """Its owner ends a pause and all windows, and touches it, so that who was refused may try again."""
        self._touched += 1
        spec = {"paused": False, "windows": None}
        patch = {"metadata": {"annotations": {"touched": str(self._touched)}}, "spec": spec}
        await self.tap.patch(Ref("DicomServer", "default", server), patch)

    # What the operator does, sees and suffers.

    async def see_all(self) -> None:
        await self.desk.see_all()
        self.delivered = len(self.tap.history)

    async def deliver(self, index: int) -> None:
        """One event of all that ever happened arrives, if anybody watches for it: late, twice, or before an older."""
        if self.tap.history:
            deleted, manifest = self.tap.history[index % len(self.tap.history)]
            carried = (manifest["metadata"].get("labels") or {}).items()
            if any(one.kind == manifest["kind"] and set(one.labels) <= carried for one in WATCHED):
                Watches(self.tap, self.desk.world.cache, lambda _: None).take(manifest, deleted=deleted)

    async def reconcile(self, name: str) -> None:
        await self.desk.reconcile(name)

    async def reconcile_dying(self, name: str, writes: int, when: When) -> None:
        """The operator dies at this write, and another starts, which lists everything first."""
        await self._dying(lambda: self.desk.reconcile(name), writes, when)

    async def admit_dying(self, writes: int, when: When) -> None:
        await self._dying(self.desk.admit, writes, when)

    async def _dying(self, work: Callable[[], Awaitable[object]], writes: int, when: When) -> None:
        self.tap.fuse, self.tap.answered = writes, when == "after"
        try:
            await work()
        except ClusterUnavailable:
            self.desk.crash()
            await self.see_all()
        finally:
            self.tap.fuse = None

    async def interrupted(self, name: str, writes: int, *then: Step) -> None:
        """Something happens between what the operator saw and its nth write."""
        self.tap.interruption = (writes, lambda: self.play(then))
        try:
            await self.desk.reconcile(name)
        finally:
            self.tap.interruption = None

    async def a_good_hour(self, letters: str) -> None:
        """Everything goes well for once: what may run is run, each task with the next of these outcomes."""
        await self.see_all()
        for name in NAMES:
            while await self.desk.reconcile(name):
                pass
        await self.admit()
        while await self.pod(0, "waiting") is not None:
            await self.claim()
        for letter in letters:
            await self.work(0, letter)  # type: ignore[arg-type]  # a letter of an outcome
        await self.leave(0, "RetryLater")
        await self.see_all()
        for name in NAMES:
            await self.desk.reconcile(name)

    async def restart(self) -> None:
        self.desk.crash()
        await self.see_all()

    async def admit(self) -> None:
        await self.desk.admit()

    async def answer_probes(self) -> None:
        for endpoint in tuple(self.desk.reach.down()):
            self.desk.reach.answered(endpoint, self.clock.monotonic())

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # What runners and their node do.

    async def pod(self, index: int, *states: str) -> Pod | None:
        """One of the pods in these states, by a number."""
        for job in await self.desk.runner_jobs():
            self.pods.setdefault(job["metadata"]["uid"], Pod(job))
        pods = [pod for pod in self.pods.values() if pod.state in states]
        return pods[index % len(pods)] if pods else None

    async def claim(self, index: int = 0) -> None:
        pod = await self.pod(index, "waiting")
        if pod is None:
            return
        await pod.claim(self.tap, self.lease)
        if pod.state == "live":
            others = [one for one in self.pods.values() if one is not pod and one.state == "live"]
            assert pod.set_uid not in {one.set_uid for one in others}, "two living runners hold one set"

    async def work(self, index: int = 0, letter: Literal["S", "W", "F", "P"] = "S") -> None:
        """A runner works its next task; P: it is to be tried again."""
        pod = await self.pod(index, "live")
        if pod is None or not await self._begin(pod):
            return
        if letter == "P":
            pod.postpone(self.clock.now() + timedelta(seconds=120))
        else:
            pod.finish(letter)

    async def begin(self, index: int = 0) -> None:
        """A runner takes its next task in hand, and is not yet through."""
        pod = await self.pod(index, "live")
        if pod is not None:
            await self._begin(pod)

    async def _begin(self, pod: Pod) -> bool:
        task = await pod.begin(self.clock.now())
        if task is None:
            return False
        states = await states_of(self.tap, pod.set_ref, pod.set_uid)
        assert states is None or states[str(task.id)] == "P", "a finished task is worked again in its round"
        for other in self.pods.values():
            same = other is not pod and other.state == "live" and other.set_ref == pod.set_ref
            assert not same, "two living runners work for one set's name"
        return True

    async def flush(self, index: int = 0) -> None:
        pod = await self.pod(index, "live")
        if pod is not None:
            await pod.flush()

    async def leave(self, index: int = 0, reason: EndedReason = "Done") -> None:
        """A runner says its last word, and its node sees it go."""
        pod = await self.leave_unnoticed(index, reason)
        if pod is not None:
            with contextlib.suppress(ObjectNotFound):
                await self.desk.end(pod.job)

    async def leave_unnoticed(self, index: int = 0, reason: EndedReason = "Done") -> Pod | None:
        """A runner says its last word; its Job does not tell yet. Open tasks are not Done, however it ended."""
        pod = await self.pod(index, "live")
        if pod is None:
            return None
        assert pod.journal is not None
        left = pod.journal.open_tasks()
        await pod.last_word("Done" if not left else ("Stopped" if reason == "Done" else reason))
        return pod

    async def crash(self, index: int = 0) -> None:
        """A runner dies without a word; nobody has noticed yet."""
        pod = await self.pod(index, "live", "waiting", "frozen")
        if pod is not None:
            await pod.die()

    async def notice(self, index: int = 0) -> None:
        """The node sees that a process has ended."""
        for job in await self.desk.runner_jobs():
            pod = self.pods.get(job["metadata"]["uid"])
            if pod is not None and pod.state == "gone":
                self.lease.run_out.add(pod.uid)  # who is dead renews no more
                await self.desk.end(job, failed=True)
                self.tap.history.append((False, await self.tap.get(Ref.of(job))))
                if index == 0:
                    return

    async def lose_node(self, index: int = 0) -> None:
        """The node is lost: its Job fails, while the runner may live on."""
        pod = await self.pod(index, "live", "waiting", "frozen")
        if pod is not None:
            try:
                await self.desk.end(pod.job, failed=True)
            except ObjectNotFound:
                return

    async def freeze(self, index: int = 0) -> None:
        """A runner's process stands still for longer than its lease (not embedded, where the kernel knows better)."""
        pod = await self.pod(index, "live")
        if pod is not None and not self.lease.flock:
            pod.state = "frozen"
            self.lease.run_out.add(pod.uid)

    async def thaw(self, index: int = 0) -> None:
        """It goes on where it stood: with a flush, before its heartbeat finds out."""
        pod = await self.pod(index, "frozen")
        if pod is None:
            return
        if pod.task is not None:
            pod.finish("S")
        await pod.flush()
        pod.control.lose("the fence")
        await pod.last_word("Done") if pod.state != "gone" else None

    async def sleepwalk(self, index: int = 0) -> None:
        """A runner that gave its set up says its last word all the same."""
        pod = await self.pod(index, "frozen")
        if pod is not None:
            pod.control.lose("the fence")
            await pod.last_word("Done")

    # What must always hold.

    async def check(self) -> None:
        jobs = [TransferJob.read(one) for one in (await self.tap.list("TransferJob")).items]
        sets = [TaskSet.read(one) for one in (await self.tap.list("TaskSet")).items]
        for job in jobs:
            self._counts_add_up(job)
            await self._a_finished_round_is_terminal(job, sets)
        await self._caps_hold()

    def _counts_add_up(self, job: TransferJob) -> None:
        tasks, status = job.status.tasks, job.status
        parts = tasks.pending + tasks.succeeded + tasks.warned + tasks.failed + tasks.canceled
        assert tasks.total == parts, "the counts do not add up"
        if status.plan is not None:
            key = (job.metadata.uid, status.plan.round)
            assert tasks.finished >= self._finished.get(key, 0), "progress went back"
            self._finished[key] = tasks.finished
        over = any(one.type in {"Complete", "Failed"} and one.status == "True" for one in status.conditions)
        assert not (over and tasks.pending), "a finished job has pending tasks"

    async def _a_finished_round_is_terminal(self, job: TransferJob, sets: list[TaskSet]) -> None:
        status, uid = job.status, job.metadata.uid
        number = status.plan.round if status.plan else -1
        assert number >= self._rounds.get(uid, -1), "an earlier round came back"
        self._rounds[uid] = number
        if is_true(status.conditions, "Compacted"):
            assert self._compacted.setdefault(uid, number) == number, "a compacted job is worked again"
        told = {one.type: one.status for one in status.conditions if one.type in {"Complete", "Failed"}}
        over = "True" in told.values()
        mine = [one for one in sets if one.metadata.controller_uid == uid and one.spec.round == number]
        truth = {
            one.metadata.name: await states_of(self.tap, Ref("TaskSet", "default", one.metadata.name), one.metadata.uid)
            for one in mine
        }
        known = self._over.get((uid, number))
        if known is not None:
            assert (status.phase, status.tasks, told) == known[0], "a finished round changed its word"
            left = {name: states for name, states in known[1].items() if name in truth}
            assert truth == left, "the tasks of a finished round changed"
        elif over:
            assert all("P" not in (states or {}).values() for states in truth.values()), "finished with open tasks"
            self._over[(uid, number)] = ((status.phase, status.tasks, told), truth)

    async def _caps_hold(self) -> None:
        """Sets with an unfinished Job or a living holder, each once; both servers are ends of every set."""
        working = {job["metadata"]["labels"]["adit.dev/task-set-uid"] for job in await self.desk.runner_jobs()}
        working |= {pod.set_uid for pod in self.pods.values() if pod.state == "live"}
        assert len(working) <= CAP, f"{len(working)} runners where {CAP} may be"
        unfinished = Counter(
            job["metadata"]["labels"]["adit.dev/task-set-uid"] for job in await self.desk.runner_jobs()
        )
        assert all(count == 1 for count in unfinished.values()), "two Jobs at once for one set"

    async def heal(self) -> None:
        """Everything works again: then every job must come to its end."""
        for server in ("pacs", "research"):
            await self.open_again(server)
        for _ in range(MAX_ROUNDS):
            await self._a_good_day()
            jobs = [TransferJob.read(one) for one in (await self.tap.list("TransferJob")).items]
            if all(job.status.completion_time is not None for job in jobs):
                return
        raise AssertionError("a job is stuck")

    async def _a_good_day(self) -> None:
        for name in NAMES:
            await self.change(name, {"suspend": False})
        await self.answer_probes()
        self.lease.run_out |= {pod.uid for pod in self.pods.values() if pod.state == "gone"}
        await self.desk.turn()
        await self.check()
        await self.thaw()
        while await self.pod(0, "waiting") is not None:
            await self.claim()
        for pod in [one for one in self.pods.values() if one.state == "live"]:
            while pod.state == "live" and await self._begin(pod):
                pod.finish("S")
            if pod.state == "live":
                assert pod.journal is not None
                await pod.last_word("RetryLater" if pod.journal.open_tasks() else "Done")
        await self.notice(1)
        await self.wait(60)
        await self.check()
