"""One task from beginning to end: list → select → fetch, rewrite, store → verify → what is to be said of it.

Synchronous; knows no cluster and reads no clock of its own. The runner, and later every other door, drives this.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from adit.api.counts import InstanceCounts
from adit.api.dicom_server import Verification
from adit.api.tasks import TransferTask
from adit.connectors.connector import Connector
from adit.errors import AccessDenied, AditError, PeerUnavailable, PermanentError, RetryableError
from adit.query import Selection
from adit.transfer.ahead import AHEAD_BYTES
from adit.transfer.direct import Direct
from adit.transfer.ledger import Closing, Ledger
from adit.transfer.listing import Listing, list_study
from adit.transfer.loss import NOT_RECEIVED, Loss, loss_by
from adit.transfer.placement import Placement
from adit.transfer.policy import Policy, Selected, select
from adit.transfer.record import MAX_MESSAGE, Entry, Stage, TaskLine
from adit.transfer.rewriter import Rewriter, Subject
from adit.transfer.stream import PassEnd, Progress, Way, run_pass
from adit.transfer.verify import Patience, Verified, surplus, verify
from adit.transfer.wanted import wanted_of

FinalState = Literal["S", "W", "F"]


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What became of a task, final unless it is tried again.

    `error` is what stood in the way, where the same task may go better later (RetryableError, PeerUnavailable) or
    where no other task would go better (AccessDenied); `interrupted` if the stop signal ended it.
    """

    line: TaskLine
    entries: tuple[Entry, ...] = ()
    error: AditError | None = None
    interrupted: bool = False

    @property
    def left(self) -> bool:
        """Whether anything left for the destination."""
        return self.line.instances.stored > 0


@dataclass(frozen=True, slots=True)
class Timing:
    """A monotonic clock (seconds), a sleep, and the stop signal that ends a task between two instances."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    stop: Callable[[], bool]


def transfer_task(
    task: TransferTask,
    *,
    source: Connector,
    destination: Connector,
    rewriter: Rewriter,
    subject: Subject,
    policy: Policy,
    verification: Verification,
    job_folder: str,
    spool: Path,
    timing: Timing,
    progress: Progress,
    ahead_bytes: int = AHEAD_BYTES,
) -> TaskOutcome:
    """Move what the task names and prove it; an AditError never gets out of here, it becomes part of the outcome."""
    try:
        listing = list_study(source, task, pseudonymized=subject.pseudonym is not None)
    except AditError as error:
        # What the stop signal tore down is no fault of the peer's.
        return replace(_failed(task, error), interrupted=timing.stop())
    selected = select(listing, policy)
    ledger = Ledger(listing, selected)
    _note_listing(ledger, listing)
    way = Way(
        source=source,
        destination=destination,
        policy=policy,
        rewriter=rewriter,
        subject=subject,
        placement=Placement(job_folder, tuple(sorted({one.modality for one in selected.leaving if one.modality}))),
        spool=spool,
        asked_series=frozenset(task.series_instance_uids),
        stop=timing.stop,
        progress=progress,
        ahead_bytes=ahead_bytes,
    )
    progress(ledger.counts(), 0)
    empty_folder(spool)
    try:
        directly = Direct(way, listing, ledger, verification, timing.clock, timing.sleep)
        end = _move(listing, selected, directly)
    finally:
        empty_folder(spool)
    if end.stopped or timing.stop():
        return TaskOutcome(_unfinished(task, listing, ledger), interrupted=True)
    if early := _end_of_all(end, ledger):
        return TaskOutcome(_unfinished(task, listing, ledger, early), error=early)
    settle = verification.settle_seconds if end.store_error is None else 0
    patience = Patience(settle, timing.clock, timing.sleep, timing.stop)
    verified = _verified(way, listing, ledger, verification, patience)
    closing = ledger.close(verified, _never_came(end))
    if timing.stop() and closing.proved < closing.counts.expected:
        return TaskOutcome(_unfinished(task, listing, ledger), interrupted=True)
    line, entries = _judged(task, replace(closing, entries=(*closing.entries, *_unsaid(end, closing.entries))))
    line = line.model_copy(update={"method": verified.method, "listing": listing.method, "bytes": ledger.bytes})
    # A destination that failed after its last answer may lose what it answered for; a source has nothing more to give.
    again = closing.retryable or isinstance(end.store_error, RetryableError)
    return TaskOutcome(line, entries, error=_retried(line, end) if again else None)


def empty_folder(folder: Path) -> None:
    """Remove everything in a spool folder; it stays, and is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _note_listing(ledger: Ledger, listing: Listing) -> None:
    if listing.patient_id_mismatch:
        ledger.note("Warning", "List", "PatientIdMismatch", "the source keeps the study under another PatientID")
    for uid in listing.missing_series:
        ledger.note("Warning", "List", "SeriesNotFound", "the source does not have this series", series=uid)


def _move(listing: Listing, selected: Selected, directly: Direct) -> PassEnd:
    """Have sent or fetch what may leave, then fetch once more what did not arrive."""
    way, ledger = directly.way, directly.ledger
    if way.stop():
        return PassEnd(stopped=True)
    if not selected.leaving:
        return PassEnd()
    whole = not way.asked_series and not selected.excluded
    series = () if whole else tuple(one.series_instance_uid for one in selected.leaving)
    selection = Selection(listing.patient_id, listing.study_instance_uid, series)
    left = directly.send(selection)
    if left is None or way.stop():
        return PassEnd(stopped=way.stop())
    selection = left
    first = run_pass(selection, way, ledger)
    short = ledger.to_ask_again()
    if not short or first.stopped or way.stop() or first.store_error is not None or _is_final(first.fetch_error):
        return first
    ledger.asked_again = True
    named = {series: uids for series, uids in short.items() if uids}
    again = replace(selection, series_instance_uids=tuple(short), sop_instance_uids=tuple(named.items()))
    return _joined(first, run_pass(again, way, ledger), ledger)


def _joined(first: PassEnd, second: PassEnd, ledger: Ledger) -> PassEnd:
    """Both passes as one end: the last error counts, unless the one before it may pass and this one does not."""
    passing, last = first.fetch_error, second.fetch_error
    if passing is None:
        return second
    outlived = bool(ledger.to_ask_again()) and not isinstance(last, RetryableError | AccessDenied)
    kept, other = (passing, last) if outlived else (last, passing)
    if other is not None and (kept is None or kept.reason != other.reason):
        ledger.note("Note", "Fetch", other.reason, f"one of two requests ended so: {other.message}")
    return replace(second, fetch_error=kept)


def _is_final(error: AditError | None) -> bool:
    return isinstance(error, PermanentError | PeerUnavailable)


def _end_of_all(end: PassEnd, ledger: Ledger) -> AditError | None:
    """The error that no verdict about this task should follow: the next task would meet it too."""
    for error in (end.store_error, end.fetch_error):
        if isinstance(error, AccessDenied):
            return error
        if isinstance(error, PeerUnavailable) and not ledger.stored:
            return error
    return None


def _never_came(end: PassEnd) -> Loss:
    """Why what did not arrive did not."""
    if end.store_error is not None:
        return loss_by("Store", end.store_error)
    return loss_by("Fetch", end.fetch_error) if end.fetch_error is not None else NOT_RECEIVED


def _unsaid(end: PassEnd, entries: Iterable[Entry]) -> list[Entry]:
    """The errors of source and destination for which no instance stands by name: no task succeeds over them."""
    said = {(entry.stage, entry.reason) for entry in entries if entry.kind != "Note"}
    ends: tuple[tuple[Stage, AditError | None], ...] = (("Fetch", end.fetch_error), ("Store", end.store_error))
    return [
        Entry(kind="Warning", stage=stage, reason=error.reason[:64], message=error.message[:MAX_MESSAGE])
        for stage, error in ends
        if error is not None and (stage, error.reason[:64]) not in said
    ]


def _verified(way: Way, listing: Listing, ledger: Ledger, verification: Verification, patience: Patience) -> Verified:
    """Ask the destination for everything expected, in the UIDs that it left with or would have left with."""
    if not ledger.expected:
        return Verified("None" if verification.method == "None" else "StoreResponses")
    wanted = wanted_of(way, listing, ledger, ledger.stored)
    verified = verify(way.destination, wanted, verification, patience)
    if verified.of_others:
        message = "the destination answers it under another PatientID than the pseudonym: look whose it is there"
        ledger.note("Warning", "Verify", "OtherPatientId", message, count=verified.of_others)
    if more := surplus(verified, ledger.expected):
        message = "the destination counts more than was sent: its number does not tell whose they are"
        ledger.note("Warning", "Verify", "CountedMore", message, count=more)
    return verified


def _judged(task: TransferTask, closing: Closing) -> tuple[TaskLine, tuple[Entry, ...]]:
    """The verdict: all proved is Success, some Warning, none Failure; whatever is not as expected stands by name."""
    assert task.id is not None
    entries = tuple(entry.model_copy(update={"task": task.id}) for entry in closing.entries)
    telling = [entry for entry in entries if entry.kind != "Note"]
    counts = closing.counts
    state: FinalState = "S" if counts.listed else "F"
    if telling:
        nothing_to_prove = counts.expected == 0 and counts.listed > 0
        state = "W" if closing.proved or nothing_to_prove else "F"
    reason, message = _headline(telling, counts)
    return TaskLine(id=task.id, state=state, reason=reason, message=message, instances=counts), entries


def _retried(line: TaskLine, end: PassEnd) -> RetryableError:
    """The error that a retryable task is tried again for: the one that was raised, else what its verdict says."""
    for error in (end.store_error, end.fetch_error):
        if isinstance(error, RetryableError):
            return error
    return RetryableError(line.message, reason=line.reason)


def _headline(telling: Iterable[Entry], counts: InstanceCounts) -> tuple[str, str]:
    """The coded reason and sentence that stand for a task: what cost most instances, losses before warnings."""
    weights: Counter[tuple[bool, str, str]] = Counter()
    for entry in telling:
        weights[entry.kind == "Lost", entry.reason, entry.message] += entry.count
    if weights:
        (lost, reason, message), count = max(weights.items(), key=lambda item: (item[0][0], item[1]))
        message = f"{count} of {counts.expected} instances: {message}" if lost else message
        return reason, message[:MAX_MESSAGE]
    if counts.listed == 0:
        return "NothingListed", "the source lists no instance of this study"
    if counts.expected == 0:
        return "", "every instance is excluded by a rule"
    return "", ""


def _failed(task: TransferTask, error: AditError) -> TaskOutcome:
    """A task that did not get as far as a list."""
    assert task.id is not None
    reason, message = error.reason[:64], error.message[:MAX_MESSAGE]
    line = TaskLine(id=task.id, state="F", reason=reason, message=message)
    entry = Entry(task=task.id, kind="Warning", stage="List", reason=reason, message=message)
    lasting = isinstance(error, RetryableError | AccessDenied)
    return TaskOutcome(line, (entry,), error=error if lasting else None)


def _unfinished(task: TransferTask, listing: Listing, ledger: Ledger, error: AditError | None = None) -> TaskLine:
    """A task that ended before its verdict: what it moved, for the audit; it stays Pending."""
    assert task.id is not None
    return TaskLine(
        id=task.id,
        state="F",
        reason=error.reason[:64] if error else "Interrupted",
        message=error.message[:MAX_MESSAGE] if error else "",
        listing=listing.method,
        instances=ledger.counts(),
        bytes=ledger.bytes,
    )
