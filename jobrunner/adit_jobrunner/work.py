"""The work itself, on the DICOM thread: open tasks in order, until none is left, none is due, or something ends it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adit.api.task_set import Ended
from adit.api.tasks import TransferTask
from adit.transfer.stream import Progress
from adit.transfer.transfer import TaskOutcome
from adit_jobrunner.control import Control
from adit_jobrunner.decide import Step, after_task, ended
from adit_jobrunner.journal import Journal

OUTCOMES = {"S": "Success", "W": "Warning", "F": "Failure"}


# Moves one task: the pipeline between two opened peers.
Mover = Callable[[TransferTask, Progress], TaskOutcome]


@dataclass(frozen=True, slots=True)
class Bench:
    """What the work needs besides its mover; `flush` blocks until the status is written (False: not now).

    `audit` is called once for every study of which anything left, `count` for every task that was worked.
    """

    flush: Callable[[], bool]
    flush_surely: Callable[[], bool]
    audit: Callable[[TaskOutcome, str], None]
    now: Callable[[], datetime]
    flush_tasks: int
    retry_seconds: float
    count: Callable[[TaskOutcome, str], None] = lambda _outcome, _word: None


def work(journal: Journal, control: Control, move: Mover, bench: Bench) -> Ended:
    """Work the set and give the last word; where the set is lost the word is worth nothing."""
    since_flush = 0
    while (task := journal.next_task(bench.now())) is not None:
        if control.stop_after_task:
            return ended("Stopped", control.stop_reason or "stopped before the next task")
        journal.begin(task)
        # A set that has crashed says what it works, so that the third crash can be blamed on one task.
        if journal.crashes and not bench.flush_surely():
            return ended("Stopped", control.lost_reason)
        step = _work_one(task, journal, move, bench)
        if step.end is not None:
            interrupted = step.end.reason == "Stopped" and control.stop_reason
            return ended("Stopped", control.stop_reason) if interrupted else step.end
        since_flush += 1
        if since_flush >= bench.flush_tasks and bench.flush():
            since_flush = 0
    if journal.open_tasks():
        return ended("RetryLater", f"the next attempt is due at {journal.earliest_due()}")
    return ended("Done")


def _work_one(task: TransferTask, journal: Journal, move: Mover, bench: Bench) -> Step:
    outcome = move(task, journal.progress)
    step = after_task(outcome, attempts=journal.attempts(task), now=bench.now(), pause=bench.retry_seconds)
    word = OUTCOMES[outcome.line.state] if step.finished else "ToBeRepeated"
    bench.count(outcome, "Interrupted" if outcome.interrupted else word)
    if outcome.left:
        bench.audit(outcome, word)
    if step.finished:
        journal.finish(outcome.line, outcome.entries)
    elif step.retry is not None:
        journal.postpone(step.retry)
    return step
