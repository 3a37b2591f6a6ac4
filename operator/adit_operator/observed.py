"""What the operator saw: frozen values that the pure rooms decide on. Bodies are not kept, only what decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from adit.api.conditions import condition_of, is_true
from adit.api.counts import InstanceCounts, TaskCounts
from adit.api.dicom_folder import DicomFolderSpec
from adit.api.references import SecretRef
from adit.api.resource import DicomServer, TransferJob
from adit.api.task_list import TaskList
from adit.api.task_set import Ended, Override, Stop, TaskState
from adit.api.tasks import TransferTask
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import Ref
from adit.pseudonymization.profile import Profile

NOTHING = InstanceCounts()
NO_TASKS = TaskCounts()
YieldReason = Literal["WindowClosed", "ServerPaused", "ParallelismLowered", "LimitLowered", "Preempted"]


@dataclass(frozen=True, slots=True)
class SeenSet:
    """A TaskSet, without the tasks' bodies."""

    ref: Ref
    uid: str
    resource_version: str
    owner_uid: str | None
    round: int
    index: int
    source: Ref
    destination: Ref
    task_ids: tuple[str, ...]
    states: tuple[TaskState, ...]
    stop: Stop | None = None
    holder: Mapping[str, Any] | None = None
    claimed: bool = False
    attempt: int = -1
    current: str | None = None
    # when each task that waits for another attempt may be worked again
    due: Mapping[str, datetime] = field(default_factory=dict)
    ended: Ended | None = None
    instances: InstanceCounts = NOTHING
    bytes: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    # the packed record of a finished set: read only where a later round repeats some of its tasks
    record: str = ""
    crashes: int = 0
    judged_attempt: int = -1
    settled: int = 0
    overrides: tuple[Override, ...] = ()
    finished: bool = False
    active: bool = True
    created: datetime | None = None
    # somebody deleted it; a finalizer may keep it for long
    leaving: bool = False

    @property
    def open_ids(self) -> tuple[str, ...]:
        """The tasks that are still to be worked."""
        count = self.states.count("P")  # most sets of a big job are all open or all closed
        if count in (0, len(self.states)):
            return self.task_ids if count else ()
        return tuple(task for task, state in zip(self.task_ids, self.states, strict=True) if state == "P")


@dataclass(frozen=True, slots=True)
class SeenJob:
    """A batch/v1 Job that works, or worked, one TaskSet."""

    ref: Ref
    uid: str
    owner_uid: str
    task_set: Ref
    task_set_uid: str
    attempt: int
    finished: bool
    endpoints: tuple[str, ...] = ()
    # what it mounts, by volume: source, destination, settings, profile, key, receiver
    secrets: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    # the servers as they were: a hash over spec, annotations and credential of both
    peers: str = ""
    created: datetime | None = None
    # when it finished
    ended: datetime | None = None
    # somebody deleted it; its pod is on its way out
    leaving: bool = False
    # its pod runs
    ready: bool = False


@dataclass(frozen=True, slots=True)
class SeenTransfer:
    """A TransferJob as admission needs it."""

    ref: Ref
    uid: str
    created: str
    priority: int
    parallelism: int
    suspend: bool
    shutdown: bool
    source: Ref
    destination: Ref
    profile: str | None
    round: int | None
    key_id: str | None
    ready: bool
    stalled: bool
    terminal: bool
    phase: str = "Pending"
    tasks: TaskCounts = NO_TASKS
    # as of a SeenSet
    leaving: bool = False
    # of its plan: the hash of its profile, and where its key lies if the profile names a Secret
    profile_hash: str | None = None
    key_secret_ref: SecretRef | None = None
    # over, its spec looked at as it stands, no new retry asked for
    settled: bool = False
    # its records were given up; and when its retention does something next
    compacted: bool = False
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenFolder:
    """A DicomFolder."""

    ref: Ref
    uid: str
    spec: DicomFolderSpec


@dataclass(frozen=True, slots=True)
class SeenSecret:
    """A Secret as far as we may read it: without our label its content stays unread."""

    ref: Ref
    purpose: str | None
    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a job is not running, in one code and one sentence for people.

    `before`: how many jobs get a slot sooner. It changes often, and is no reason by itself to tell it again.
    """

    reason: str
    message: str
    before: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Yield:
    """A running set that makes room, and why; what it is told is written where stops are written."""

    uid: str
    owner_uid: str
    stop: Stop
    reason: YieldReason


@dataclass(frozen=True, slots=True)
class KeySeen:
    """What there is of the project key of one namespace, and which ids were ever used; `name` is its Secret's.

    A key that a profile names is its author's: neither made nor marked by us. `profile` is that profile's name then;
    `is_own` says that it names the namespace's own Secret all the same.
    """

    secret: SeenSecret | None = None
    marker: str | None = None
    used: frozenset[str] = frozenset()
    name: str = "adit-project-key"
    entry: str = "key"
    namespace: str = "default"
    profile: str | None = None
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that deciding about one TransferJob may look at."""

    job: TransferJob
    now: datetime
    sets: tuple[SeenSet, ...] = ()
    jobs: tuple[SeenJob, ...] = ()
    # UIDs of the sets whose holder's lease has not run out
    held: frozenset[str] = frozenset()
    # names of TaskSets that the plan needs and that belong to somebody else
    foreign: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    # of source and destination what is there and cannot be read, with the sentence that says why
    unreadable_ends: Mapping[Ref, str] = field(default_factory=dict)
    servers: Mapping[Ref, DicomServer] = field(default_factory=dict)
    folders: Mapping[Ref, SeenFolder] = field(default_factory=dict)
    secrets: Mapping[Ref, SeenSecret] = field(default_factory=dict)
    # runner slots of the endpoints of the servers above, by the endpoint's text
    slots: Mapping[str, int] = field(default_factory=dict)
    # the profile that the job names, as it is now; or why there is none
    profile: Profile | None = None
    no_profile: Waiting | None = None
    # what makes the pseudonyms, where the profile says so and the key is there
    make: Callable[[TransferTask], str] | None = None
    # while a round is planned: the Secrets of its mapping table, none unless the profile asks for one
    mapping: tuple[Manifest, ...] = field(default=(), repr=False)
    key: KeySeen = KeySeen()
    # the job's whole list, read only while a round is planned or its sets are made; else why it could not be read
    tasks: TaskList | None = None
    unlisted: Waiting | None = None
    # why the API refused a child of the job lately: nothing more is made for it yet
    refused: Waiting | None = None
    # how many sets one look may make, so that the other jobs get their turn
    batch: int = 100
    # whether there is a receiver, without which a source that only does C-MOVE gives nothing away
    receiver: bool = False
    # what a Job started now would mount, by volume
    config: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    peers: str = ""
    waiting: Waiting | None = None
    # what admission says of running sets, by their UID; None until it was asked for the first time
    yields: Mapping[str, Yield] | None = None

    # by the UID of a set: its Job of the highest attempt; and the sets that have an unfinished one
    _last: Mapping[str, SeenJob] = field(init=False, repr=False, compare=False)
    _unfinished: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the Jobs once: a big job has a thousand sets, and asks for each."""
        last = {job.task_set_uid: job for job in sorted(self.jobs, key=lambda job: job.attempt)}
        object.__setattr__(self, "_last", last)
        unfinished = frozenset(job.task_set_uid for job in self.jobs if not job.finished)
        object.__setattr__(self, "_unfinished", unfinished)

    @property
    def total(self) -> int:
        """How many tasks the job has: those that it lists, else those that it once listed by its own word."""
        if self.tasks is not None:
            return len(self.tasks)
        return len(self.job.spec.inline) or self.job.status.tasks.total

    def running(self, seen: SeenSet) -> bool:
        """Whether a runner works this set, or may still: an unfinished Job, or a holder whose lease has not run out."""
        if seen.uid in self.held:  # guard: held-is-running
            return True
        return seen.uid in self._unfinished

    def last_job(self, seen: SeenSet) -> SeenJob | None:
        """The set's Job of the highest attempt, if it still exists."""
        return self._last.get(seen.uid)


def terminal(job: TransferJob) -> bool:
    """Whether the newest round is finished, by the job's own word."""
    return is_true(job.status.conditions, "Complete") or is_true(job.status.conditions, "Failed")


def stalled_reason(job: TransferJob) -> str | None:
    """The reason why a person must act, if one must."""
    condition = condition_of(job.status.conditions, "Stalled")
    return condition.reason if condition is not None and condition.status == "True" else None
