"""Runner pods of the drill: the shipped claim, journal, flush and last word, one step at a time; no DICOM."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from adit.api.counts import InstanceCounts
from adit.api.resource import TaskSet
from adit.api.task_set import Ended, EndedReason, Holder, TaskRetry, TaskState, task_states
from adit.api.tasks import TransferTask
from adit.cluster.cluster import Cluster, Lease, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.transfer.record import TaskLine
from adit_jobrunner.claim import Refused, claimed
from adit_jobrunner.control import Control
from adit_jobrunner.flush import Flusher
from adit_jobrunner.journal import Journal
from adit_jobrunner.status import StatusWriter, timestamp

# waiting: started, not claimed · live: works · frozen: stands still, its lease may run out · gone: dead or done
State = Literal["waiting", "live", "frozen", "gone"]


class DrillLease:
    """Leases as the machine decides: of flocks where `flock`, else of renewals that run out when it says so."""

    def __init__(self, *, flock: bool) -> None:
        self.flock = flock
        self.holders: dict[str, int] = {}
        self.run_out: set[str] = set()

    def expired(self, uid: str, holder: Manifest | None) -> bool:
        if holder is None:
            return True
        return not self.holders.get(uid) if self.flock else holder["podUid"] in self.run_out

    @contextlib.contextmanager
    def hold(self, uid: str) -> Iterator[bool]:
        if self.flock and self.holders.get(uid):
            yield False
            return
        self.holders[uid] = self.holders.get(uid, 0) + 1
        try:
            yield True
        finally:
            self.holders[uid] -= 1


@dataclass(eq=False)
class Pod:
    """One runner process of one Job."""

    job: Manifest
    name: str = "pod"
    state: State = "waiting"
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    control: Control = field(default_factory=Control)
    task: TransferTask | None = None
    journal: Journal | None = None
    flusher: Flusher | None = None

    @property
    def uid(self) -> str:
        """The pod's own UID."""
        return f"{self.name}-{self.job['metadata']['uid']}"

    @property
    def set_uid(self) -> str:
        """The UID of the TaskSet that its Job was made for."""
        return str(self.job["metadata"]["labels"]["adit.dev/task-set-uid"])

    @property
    def set_ref(self) -> Ref:
        """The TaskSet's name."""
        labels = self.job["metadata"]["labels"]
        return Ref("TaskSet", labels["adit.dev/owner-namespace"], labels["adit.dev/task-set"])

    async def claim(self, cluster: Cluster, lease: Lease) -> None:
        """Claim the set as the runner does; without it the process ends."""
        attempt = int(self.job["metadata"]["labels"]["adit.dev/attempt"])
        holder = Holder(pod_name="pod", pod_uid=self.uid, renew_time=timestamp(datetime(2026, 1, 1, tzinfo=UTC)))
        claim = await self.stack.enter_async_context(
            claimed(cluster, lease, self.set_ref, uid=self.set_uid, holder=holder, attempt=attempt)
        )
        if isinstance(claim, Refused):
            await self.die()
            return
        writer = StatusWriter(cluster, self.set_ref, self.uid, claim, self.control.stop)
        self.journal = Journal(TaskSet.read(claim), attempt)
        self.flusher = Flusher(writer, self.journal, self.control, sleep=_no_sleep)
        self.state = "live"

    async def begin(self, now: datetime) -> TransferTask | None:
        """Take the next task in hand, naming it first where the set has crashed before."""
        assert self.journal is not None
        assert self.flusher is not None
        self.task = None if self.control.stop_after_task else self.journal.next_task(now)
        if self.task is not None:
            self.journal.begin(self.task)
            if self.journal.crashes and not await self.flusher.flush_surely():
                self.task = None
        return self.task

    def finish(self, letter: Literal["S", "W", "F"]) -> None:
        """The task in hand has its outcome: one instance, moved where it succeeded."""
        assert self.journal is not None
        assert self.task is not None
        moved = 0 if letter == "F" else 1
        counts = InstanceCounts(listed=1, expected=1, received=moved, rewritten=moved, stored=moved, verified=moved)
        self.journal.finish(TaskLine(id=str(self.task.id), state=letter, reason="", instances=counts), ())
        self.task = None

    def postpone(self, due: datetime) -> None:
        """The task in hand waits for another attempt."""
        assert self.journal is not None
        assert self.task is not None
        retry = TaskRetry(id=str(self.task.id), attempts=1, due_time=timestamp(due), reason="Refused")
        self.journal.postpone(retry)
        self.task = None

    async def flush(self) -> None:
        """Write what is known; a runner that lost its set leaves."""
        assert self.flusher is not None
        await self.flusher.flush()
        if self.control.lost:
            await self.die()

    async def last_word(self, reason: EndedReason) -> None:
        """Say why, let go of the set, and leave."""
        assert self.journal is not None
        assert self.flusher is not None
        self.journal.end(Ended(reason=reason))
        await self.flusher.last_word()
        await self.die()

    async def die(self) -> None:
        """End, however; whatever the kernel held for it is free."""
        self.state = "gone"
        await self.stack.aclose()


async def states_of(cluster: Cluster, ref: Ref, uid: str) -> dict[str, TaskState] | None:
    """The state of each task as the cluster has it; None where this TaskSet is not there any more."""
    try:
        manifest = await cluster.get(ref)
    except ObjectNotFound:
        return None
    if manifest["metadata"]["uid"] != uid:
        return None
    task_set = TaskSet.read(manifest)
    states = task_states(task_set.spec, task_set.status)
    return dict(zip((str(task.id) for task in task_set.spec.tasks), states, strict=True))


async def _no_sleep(seconds: float) -> None:
    del seconds
