"""After each task: is it finished, when is it tried again, and does the runner go on? Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from adit.api.task_set import Ended, TaskRetry
from adit.errors import AccessDenied, PeerUnavailable, RetryableError
from adit.transfer.transfer import TaskOutcome
from adit_jobrunner.status import timestamp

MAX_ATTEMPTS = 3
MAX_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Step:
    """`finished`: the outcome is the task's last. `retry`: it waits for that time. `end`: the runner's last word."""

    finished: bool = False
    retry: TaskRetry | None = None
    end: Ended | None = None


def after_task(outcome: TaskOutcome, *, attempts: int, now: datetime, pause: float) -> Step:
    """What follows from an outcome; `attempts` were spent before, `pause` is 120 s but in tests."""
    error = outcome.error
    if outcome.interrupted:
        return Step(end=Ended(reason="Stopped", message="interrupted between two instances"))
    if isinstance(error, AccessDenied):
        return Step(end=ended("AccessDenied", error.message))
    away = ended("PeerUnavailable", error.message, peer=error.peer) if isinstance(error, PeerUnavailable) else None
    if away is not None and not outcome.left:
        return Step(end=away)
    if not isinstance(error, RetryableError) or attempts + 1 >= MAX_ATTEMPTS:
        return Step(finished=True, end=away)
    due = now + timedelta(seconds=pause + pause * attempts)
    retry = TaskRetry(id=outcome.line.id, attempts=attempts + 1, due_time=timestamp(due), reason=error.reason[:64])
    return Step(retry=retry, end=away)


def ended(reason: str, message: str = "", *, peer: str = "") -> Ended:
    """A last word, cut to what the status takes."""
    return Ended.of({"reason": reason, "message": message[:MAX_MESSAGE], "peer": peer or None})
