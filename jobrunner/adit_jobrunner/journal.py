"""What the runner knows of its set, shared by the DICOM thread that writes it and the event loop that flushes it.

A resumed runner begins with what the status says: states and retries as they are, counts added up from the record, so
that the progress of a task that a crash cut short counts nowhere.
"""

from collections import Counter
from datetime import datetime
from threading import Lock

from adit.api.counts import InstanceCounts
from adit.api.resource import TaskSet
from adit.api.task_set import Ended, RunnerStatus, TaskRetry
from adit.api.tasks import TransferTask
from adit.transfer.record import Entry, TaskLine, decode, encode, limited
from adit_jobrunner.status import timestamp

MAX_NAMES = 20_000
MAX_REASONS = 50


class Journal:
    """States, retries and record of one TaskSet; every method may be called from any thread."""

    def __init__(self, task_set: TaskSet, attempt: int) -> None:
        runner = task_set.status.runner or RunnerStatus(reasons={})
        verdict = task_set.status.verdict
        self.tasks = task_set.spec.tasks
        self.crashes = verdict.crashes if verdict else 0
        self._closed = {override.id for override in (verdict.overrides if verdict else ())}
        self._attempt = attempt
        self._lock = Lock()
        self._states = dict(zip(self._ids(), runner.states.ljust(len(self.tasks), "P"), strict=False))
        self._retries = {retry.id: retry for retry in runner.retries}
        self._record = decode(runner.exceptions)
        self._packed: str | None = runner.exceptions
        self._current: str | None = None
        self._progress = InstanceCounts()
        self._bytes = 0
        self._ended: Ended | None = None

    def _ids(self) -> list[str]:
        return [str(task.id) for task in self.tasks]

    def next_task(self, now: datetime) -> TransferTask | None:
        """The first open task that is due."""
        with self._lock:
            return next((task for task in self.tasks if self._is_open(task) and self._is_due(task, now)), None)

    def open_tasks(self) -> tuple[TransferTask, ...]:
        """What is not finished and the operator did not close."""
        with self._lock:
            return tuple(task for task in self.tasks if self._is_open(task))

    def attempts(self, task: TransferTask) -> int:
        """How often a task was tried and is to be tried again."""
        with self._lock:
            retry = self._retries.get(str(task.id))
            return retry.attempts if retry else 0

    def earliest_due(self) -> str:
        """When the first of the waiting tasks is due, empty where none waits."""
        with self._lock:
            open_ids = {str(task.id) for task in self.tasks if self._is_open(task)}
            return min((retry.due_time for retry in self._retries.values() if retry.id in open_ids), default="")

    def begin(self, task: TransferTask) -> None:
        """A task is taken in hand."""
        with self._lock:
            self._current, self._progress, self._bytes = task.id, InstanceCounts(), 0

    def progress(self, counts: InstanceCounts, size: int) -> None:
        """How far the task in hand got: counts, and bytes that left."""
        with self._lock:
            self._progress, self._bytes = counts, size

    def finish(self, line: TaskLine, entries: tuple[Entry, ...]) -> None:
        """The task in hand has its last outcome."""
        record = limited(self._record.with_task(line, entries), MAX_NAMES)
        with self._lock:
            self._record, self._packed = record, None
            self._states[line.id] = line.state
            self._retries.pop(line.id, None)
            self._put_down()

    def postpone(self, retry: TaskRetry) -> None:
        """The task in hand waits for its time; what this attempt moved counts nowhere."""
        with self._lock:
            self._retries[retry.id] = retry
            self._put_down()

    def end(self, word: Ended) -> None:
        """The runner's last word; the task in hand, if any, stays open."""
        with self._lock:
            self._ended = word
            self._put_down()

    def status(self) -> RunnerStatus:
        """`status.runner` as of now."""
        with self._lock:
            if self._packed is None:  # not after every task: packing takes longer the more of them are done
                self._packed = encode(self._record)
            return RunnerStatus(
                attempt=self._attempt,
                current=self._current,
                states="".join(self._states.values()),
                retries=tuple(self._retries.values()),
                instances=self._record.instances + self._progress,
                bytes=self._record.bytes + self._bytes,
                exceptions=self._packed,
                reasons=_reasons(self._record.tasks),
                ended=self._ended,
            )

    def _put_down(self) -> None:
        self._current, self._progress, self._bytes = None, InstanceCounts(), 0

    def _is_open(self, task: TransferTask) -> bool:
        return self._states[str(task.id)] == "P" and task.id not in self._closed

    def _is_due(self, task: TransferTask, now: datetime) -> bool:
        retry = self._retries.get(str(task.id))
        return retry is None or retry.due_time <= timestamp(now)


def _reasons(tasks: tuple[TaskLine, ...]) -> dict[str, int]:
    """How often each coded reason stands for a task that did not succeed; the rarest share one word."""
    counted = Counter(line.reason or "Unknown" for line in tasks if line.state != "S")
    if len(counted) <= MAX_REASONS:
        return dict(counted)
    common = dict(counted.most_common(MAX_REASONS - 1))
    return {**common, "Other": counted.total() - sum(common.values())}
