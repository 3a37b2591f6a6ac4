"""Back-off: which jobs get no runner for a while, since the last one could not be made or did not begin, and why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import inf

from adit_operator.observed import Waiting


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a job has to wait, from when until when in monotonic seconds, and how often it failed in a row."""

    waiting: Waiting
    since: float
    until: float
    failures: int


class BackOff:
    """The pauses by the job's UID: each failure in a row doubles the next pause, up to a longest one."""

    def __init__(self, *, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._pauses: dict[str, Pause] = {}

    def failed(self, uid: str, waiting: Waiting, now: float, *, at_most: float = inf) -> None:
        """Let the job wait, for so many seconds at most; one that waits already is not told twice."""
        before = self._pauses.get(uid)
        if before is not None and before.until > now:
            return
        failures = before.failures + 1 if before is not None else 1
        seconds = min(at_most, self._longest, self._first * 2 ** min(failures - 1, 30))
        self._pauses[uid] = Pause(waiting, now, now + seconds, failures)

    def succeeded(self, uid: str) -> None:
        """The job has a runner: its failures are forgotten."""
        self._pauses.pop(uid, None)

    def failed_at(self, uid: str) -> float | None:
        """When the job failed last, in monotonic seconds."""
        return self._pauses[uid].since if uid in self._pauses else None

    def pausing(self, now: float) -> Mapping[str, Waiting]:
        """Who has to wait now, and why."""
        return {uid: pause.waiting for uid, pause in self._pauses.items() if pause.until > now}

    def seconds_left(self, now: float) -> float | None:
        """How long until the next one need not wait any longer."""
        return min((pause.until - now for pause in self._pauses.values() if pause.until > now), default=None)

    def keep(self, uids: Collection[str]) -> None:
        """Forget all other jobs: they are gone."""
        self._pauses = {uid: pause for uid, pause in self._pauses.items() if uid in uids}
