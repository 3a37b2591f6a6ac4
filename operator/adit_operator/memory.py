"""Memory: what the operator keeps to save work and writes; losing it costs time only, never a decision."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from adit.api.task_list import TaskList
from adit_operator.refusals import Refusals

# A hundred thousand ordinary tasks take 25 MiB; one list is kept whatever its size.
MAX_REMEMBERED_BYTES = 64 << 20
MAX_REMEMBERED_WRITES = 10_000


class Pace:
    """A bucket of tokens that fills up evenly: so many objects may be written in a second, by all jobs."""

    def __init__(self) -> None:
        self._tokens: float | None = None
        self._filled_at = 0.0

    def take(self, now: float, per_second: float) -> bool:
        """Take one token, if there is one; `now` in monotonic seconds."""
        full = max(1.0, per_second)
        before = full if self._tokens is None else self._tokens + (now - self._filled_at) * per_second
        tokens = min(full, before)
        self._filled_at = now
        self._tokens = tokens - 1 if tokens >= 1 else tokens
        return tokens >= 1


@dataclass(frozen=True, slots=True)
class ReadList:
    """A list as it was read: its own hash, that of the Secrets' contents, and when they were looked at last."""

    tasks: TaskList
    sha256: str
    contents: str
    at: float


class TaskLists:
    """The lists of the jobs whose sets are being made, by the job's UID; the oldest go where there are too many."""

    def __init__(self) -> None:
        self._lists: OrderedDict[str, ReadList] = OrderedDict()

    def get(self, uid: str) -> ReadList | None:
        return self._lists.get(uid)

    def keep(self, uid: str, read: ReadList) -> None:
        self.forget(uid)
        self._lists[uid] = read
        while len(self._lists) > 1 and sum(one.tasks.size for one in self._lists.values()) > MAX_REMEMBERED_BYTES:
            self._lists.popitem(last=False)

    def forget(self, uid: str) -> None:
        self._lists.pop(uid, None)

    def forget_but(self, there: Callable[[str], bool]) -> None:
        """Forget the lists of jobs that are not there any more: patients' names stand in them."""
        for uid in [one for one in self._lists if not there(one)]:
            self.forget(uid)


class Writes:
    """When the status of each job was written last, in monotonic seconds by UID."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, float] = OrderedDict()

    def wrote(self, uid: str, now: float) -> None:
        self._at.pop(uid, None)
        self._at[uid] = now
        while len(self._at) > MAX_REMEMBERED_WRITES:
            self._at.popitem(last=False)

    def seconds_left(self, uid: str, now: float, pause: float) -> float:
        """How long the pause after the last write still lasts."""
        return max(0.0, self._at[uid] + pause - now) if uid in self._at else 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it."""

    pace: Pace = field(default_factory=Pace)
    lists: TaskLists = field(default_factory=TaskLists)
    writes: Writes = field(default_factory=Writes)
    refusals: Refusals = field(default_factory=Refusals)
