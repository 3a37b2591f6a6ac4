"""One pass of a task: fetch → policy → rewrite → store. The source works ahead on a thread of its own.

Everything else is one chain of generators on the caller's thread. A spool file is removed as soon as its instance is
stored or kept back, so that disk and memory hold no study.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from adit.api.counts import InstanceCounts
from adit.connectors.connector import Connector
from adit.errors import AditError, RetryableError
from adit.query import Selection
from adit.transfer.ahead import AHEAD_BYTES, FetchAhead
from adit.transfer.arrival import Arrivals
from adit.transfer.instance import Instance
from adit.transfer.ledger import Ledger
from adit.transfer.loss import Loss, loss_by
from adit.transfer.outcomes import Excluded, Quarantined, RewriteOutcome, StoreOutcome
from adit.transfer.placement import Placement
from adit.transfer.policy import Policy
from adit.transfer.rewriter import Rewriter, Subject
from adit.transfer.spooled import closed, remove, spooled

DUPLICATE_SOP_INSTANCE = 0x0111  # PS3.7 C.5.8: the peer has one of this UID already

Progress = Callable[[InstanceCounts, int], None]


@runtime_checkable
class EndsFetch(Protocol):
    """A source whose running fetch may be long before its next instance, and can be told that none is wanted."""

    def end_fetch(self) -> None:
        """From any thread; the source is of use afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """What an instance passes on its way from source to destination; `asked_series` empty means the whole study.

    `ahead_bytes` is how much may lie in the spool, fetched and not yet stored, before the source is left to wait; one
    instance always may.
    """

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
    ahead_bytes: int = AHEAD_BYTES


@dataclass(slots=True)
class PassEnd:
    """How a pass ended: by the source's error, by the destination's, by the stop signal, or by itself."""

    fetch_error: AditError | None = None
    store_error: AditError | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class _Leaving:
    """An instance on its way to the destination: as it arrived, and every file that goes with it."""

    arrived: Instance
    paths: set[Path]


def run_pass(selection: Selection, way: Way, ledger: Ledger) -> PassEnd:
    """Move what the selection names, entering everything into the ledger."""
    end = PassEnd()
    in_flight: dict[str, _Leaving] = {}
    ahead = FetchAhead(
        lambda: way.source.fetch(selection, way.spool),
        way.ahead_bytes,
        stop=way.stop,
        abort=way.source.abort,
        end=way.source.end_fetch if isinstance(way.source, EndsFetch) else lambda: None,
    )
    arriving = _arriving(ahead, way, ledger, end)
    leaving = _leaving(arriving, ahead, way, ledger, in_flight)
    with closed(arriving), closed(leaving), closed(way.destination.store(leaving, way.placement)) as outcomes:
        try:
            for outcome in outcomes:
                _enter(outcome, ahead, way, ledger, in_flight)
                way.progress(ledger.counts(), ledger.bytes)
        except AditError as error:
            end.store_error = error
    for one in in_flight.values():
        if end.store_error is not None:
            ledger.losses[one.arrived.sop_instance_uid] = loss_by("Store", end.store_error)
        remove(one.paths)
    for instance in ahead.left():
        remove(spooled(instance, way.spool))
    return end


def _arriving(ahead: FetchAhead, way: Way, ledger: Ledger, end: PassEnd) -> Iterator[Instance]:
    """What the source sends and the task expects; the source's error is kept here, away from the destination's."""
    arrivals = Arrivals(ledger, way.policy, way.asked_series)
    with ahead:
        try:
            for instance in ahead:
                if arrivals.accept(instance):
                    way.progress(ledger.counts(), ledger.bytes)
                    yield instance
                else:
                    remove(spooled(instance, way.spool))
                    ahead.let_go(instance)
        except AditError as error:
            end.fetch_error = error
    end.stopped = ahead.stopped


def _leaving(
    arriving: Iterable[Instance], ahead: FetchAhead, way: Way, ledger: Ledger, in_flight: dict[str, _Leaving]
) -> Iterator[Instance]:
    """What may leave, rewritten; what may not is entered and its file removed."""
    for instance in arriving:
        uid = instance.sop_instance_uid
        paths = spooled(instance, way.spool)
        outcome = _rewritten(instance, way)
        if isinstance(outcome, Excluded):
            ledger.exclude_instance(uid, outcome.reason)
        elif isinstance(outcome, Quarantined):
            ledger.losses[uid] = Loss("Rewrite", outcome.reason, outcome.message)
        else:
            new = outcome.instance
            ledger.rewritten[uid] = new.sop_instance_uid
            in_flight[new.sop_instance_uid] = _Leaving(instance, paths | spooled(new, way.spool))
            ledger.bytes += new.length
            yield new
            continue
        remove(paths)
        ahead.let_go(instance)


def _rewritten(instance: Instance, way: Way) -> RewriteOutcome:
    try:
        return way.rewriter.rewrite(instance, way.subject)
    except OSError as error:
        raise RetryableError(
            f"the spool cannot be used ({error.strerror}): make room for the runner", reason="SpoolFailed"
        ) from error


def _enter(outcome: StoreOutcome, ahead: FetchAhead, way: Way, ledger: Ledger, in_flight: dict[str, _Leaving]) -> None:
    one = in_flight.pop(outcome.sop_instance_uid, None)
    if one is None:
        return
    remove(one.paths)
    ahead.let_go(one.arrived)
    uid = one.arrived.sop_instance_uid
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
