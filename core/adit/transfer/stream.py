"""One pass of a task: fetch → policy → rewrite → store as a chain of generators, one instance in flight.

A spool file is removed as soon as its instance is stored or kept back, so that disk and memory hold no study.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from adit.api.counts import InstanceCounts
from adit.connectors.connector import Connector
from adit.errors import AditError, RetryableError
from adit.query import Selection
from adit.transfer.header import Header, header_of
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.ledger import Ledger
from adit.transfer.loss import Loss, loss_by
from adit.transfer.outcomes import Excluded, Quarantined, RewriteOutcome, StoreOutcome
from adit.transfer.placement import Placement
from adit.transfer.policy import Policy
from adit.transfer.rewriter import Rewriter, Subject

DUPLICATE_SOP_INSTANCE = 0x0111  # PS3.7 C.5.8: the peer has one of this UID already

Progress = Callable[[InstanceCounts, int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Way:
    """What an instance passes on its way from source to destination; `asked_series` empty means the whole study."""

    source: Connector
    destination: Connector
    policy: Policy
    rewriter: Rewriter
    subject: Subject
    placement: Placement
    spool: Path
    asked_series: frozenset[str]
    stop: Callable[[], bool]
    progress: Progress


@dataclass(slots=True)
class PassEnd:
    """How a pass ended: by the source's error, by the destination's, by the stop signal, or by itself."""

    fetch_error: AditError | None = None
    store_error: AditError | None = None
    stopped: bool = False


def run_pass(selection: Selection, way: Way, ledger: Ledger) -> PassEnd:
    """Move what the selection names, entering everything into the ledger."""
    end = PassEnd()
    in_flight: dict[str, tuple[str, set[Path]]] = {}
    arriving = _arriving(selection, way, ledger, end)
    leaving = _leaving(arriving, way, ledger, in_flight)
    with _closed(arriving), _closed(leaving), _closed(way.destination.store(leaving, way.placement)) as outcomes:
        try:
            for outcome in outcomes:
                _enter(outcome, way, ledger, in_flight)
                way.progress(ledger.counts(), ledger.bytes)
        except AditError as error:
            end.store_error = error
    for uid, paths in in_flight.values():
        if end.store_error is not None:
            ledger.losses[uid] = loss_by("Store", end.store_error)
        _remove(paths)
    return end


def _arriving(selection: Selection, way: Way, ledger: Ledger, end: PassEnd) -> Iterator[Instance]:
    """What the source sends and the task expects; the source's error is kept here, away from the destination's."""
    with _closed(way.source.fetch(selection, way.spool)) as sent:
        try:
            for instance in sent:
                if _accepted(instance, way, ledger):
                    way.progress(ledger.counts(), ledger.bytes)
                    yield instance
                else:
                    _remove(_spooled(instance, way.spool))
                if way.stop():
                    end.stopped = True
                    return
        except AditError as error:
            end.fetch_error = error


def _leaving(
    arriving: Iterable[Instance], way: Way, ledger: Ledger, in_flight: dict[str, tuple[str, set[Path]]]
) -> Iterator[Instance]:
    """What may leave, rewritten; what may not is entered and its file removed."""
    for instance in arriving:
        uid = instance.sop_instance_uid
        paths = _spooled(instance, way.spool)
        outcome = _rewritten(instance, way)
        if isinstance(outcome, Excluded):
            ledger.exclude_instance(uid, outcome.reason)
            _remove(paths)
        elif isinstance(outcome, Quarantined):
            ledger.losses[uid] = Loss("Rewrite", outcome.reason, "it could not be made safe to leave")
            _remove(paths)
        else:
            new = outcome.instance
            ledger.rewritten[uid] = new.sop_instance_uid
            in_flight[new.sop_instance_uid] = (uid, paths | _spooled(new, way.spool))
            ledger.bytes += new.length
            yield new


def _rewritten(instance: Instance, way: Way) -> RewriteOutcome:
    try:
        return way.rewriter.rewrite(instance, way.subject)
    except OSError as error:
        raise RetryableError(
            f"the spool cannot be used ({error.strerror}): make room for the runner", reason="SpoolFailed"
        ) from error


def _enter(outcome: StoreOutcome, way: Way, ledger: Ledger, in_flight: dict[str, tuple[str, set[Path]]]) -> None:
    uid, paths = in_flight.pop(outcome.sop_instance_uid, ("", set()))
    _remove(paths)
    if not uid:
        return
    if outcome.stored:
        ledger.stored.add(uid)
        ledger.losses.pop(uid, None)
        if outcome.reason:
            _note_remark(uid, outcome, way, ledger)
    else:
        ledger.losses[uid] = Loss("Store", outcome.reason or "Refused", outcome.message, outcome.retryable)


def _note_remark(uid: str, outcome: StoreOutcome, way: Way, ledger: Ledger) -> None:
    """What the destination says of an instance that it has: it may have changed it, or kept one of its own."""
    duplicate, message = outcome.status == DUPLICATE_SOP_INSTANCE, outcome.message
    if duplicate and way.subject.pseudonym:
        message = "the destination kept its own copy, whose pseudonym nobody checked"
    ledger.note(
        "Note" if duplicate and not way.subject.pseudonym else "Warning",
        "Store",
        outcome.reason,
        message,
        series=ledger.expected.get(uid, ""),
        instance=uid,
    )


def _accepted(instance: Instance, way: Way, ledger: Ledger) -> bool:
    """Whether an arrived instance goes on; whatever does not is entered by name."""
    uid = instance.sop_instance_uid
    if uid in ledger.received:
        if not ledger.asked_again:
            ledger.note("Note", "Fetch", "SentTwice", "the source sent it twice", instance=uid)
        return False
    if uid in ledger.excluded:
        _note_excluded(uid, ledger)
        return False
    if uid not in ledger.expected and not _adopted(uid, header_of(instance), way, ledger):
        return False
    ledger.received.add(uid)
    return True


def _adopted(uid: str, header: Header | None, way: Way, ledger: Ledger) -> bool:
    """Whether an instance that was not listed by name belongs to the task all the same, as its header says."""
    if header is None:
        ledger.note("Warning", "Fetch", "HeaderUnreadable", "arrived unlisted and cannot be read", instance=uid)
        return False
    series = header.series_instance_uid
    if header.study_instance_uid != ledger.study_instance_uid:
        ledger.note("Warning", "Fetch", "WrongStudy", "the source sent it from another study", instance=uid)
        return False
    if way.asked_series and series not in way.asked_series:
        ledger.note("Warning", "Fetch", "WrongSeries", "the source sent it unasked", series=series, instance=uid)
        return False
    if series in ledger.excluded_series:
        # The list told the modality of its series; its own header may not.
        _note_excluded(uid, ledger, series)
        return False
    known = ledger.adopt(uid, series)
    if rule := way.policy.excludes(header.modality.upper()):
        ledger.exclude_instance(uid, rule)
        return False
    if not known:
        message = "the source sent it but had not listed it: is the study still growing?"
        ledger.note("Warning", "Fetch", "NotListed", message, series=series, instance=uid)
    return True


def _note_excluded(uid: str, ledger: Ledger, series: str = "") -> None:
    message = "the source sent it though nobody asked"
    ledger.note("Note", "Policy", "SentThoughExcluded", message, series=series, instance=uid)


def _spooled(instance: Instance, spool: Path) -> set[Path]:
    """The instance's own files below the spool; a file that a source keeps elsewhere is not ours to remove."""
    return {
        piece.path for piece in instance.pieces if isinstance(piece, FileSlice) and piece.path.is_relative_to(spool)
    }


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@contextmanager
def _closed(iterator: Iterator[T]) -> Iterator[Iterator[T]]:
    """Close a generator on the way out, so that it closes what it opened."""
    try:
        yield iterator
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
