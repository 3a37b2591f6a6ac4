"""The short way: a source that may send to the destination itself does (C-MOVE), where nothing is to be rewritten.

Nothing is taken on its word alone: what the destination then answers for is entered, unless it had that before and
the source does not say that it sent all of it; the rest goes through us.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from adit.api.dicom_server import Verification
from adit.connectors.connector import Connector
from adit.errors import AditError
from adit.query import Selection
from adit.transfer.ledger import Ledger
from adit.transfer.listing import Listing
from adit.transfer.rewriter import PassThrough
from adit.transfer.spooled import closed
from adit.transfer.stream import Way
from adit.transfer.verify import Patience, Verified, verify
from adit.transfer.wanted import wanted_of

TIMES = 2


@runtime_checkable
class SendsItself(Protocol):
    """A source that can be told to send to somebody else."""

    def moves_to(self, destination: Connector, /) -> str:
        """The AE title by which it may send there itself, empty where it may not."""
        ...

    def move_to(self, selection: Selection, ae_title: str, /) -> Iterator[int]:
        """Yield how many it says it has sent, then raise what went wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Direct:
    """The short way of one task."""

    way: Way
    listing: Listing
    ledger: Ledger
    verification: Verification
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def send(self, selection: Selection) -> Selection | None:
        """Have it sent where that is allowed; what is left to be moved through us, None where nothing is."""
        source, ledger = self.way.source, self.ledger
        title = source.moves_to(self.way.destination) if isinstance(source, SendsItself) and self._fits() else ""
        if not title or not isinstance(source, SendsItself):
            return selection
        left: Selection | None = selection
        refusal: AditError | None = None
        before = self._there(())
        for _ in range(TIMES):
            assert left is not None
            sent, asked = 0, len(ledger.expected) - len(ledger.stored)
            try:
                sent = self._ask(source, left, title)
            except AditError as error:
                refusal = error
            if self.way.stop():
                return left
            claims_all = refusal is None and sent >= asked
            self._enter(self._there(ledger.expected if refusal is None else ()), None if claims_all else before)
            left = self._left(selection)
            if left is None or refusal is not None:
                break
        if ledger.stored:
            ledger.note("Note", "Store", "SentDirectly", "the source sent it there itself", count=len(ledger.stored))
        if refusal is not None:
            message = f"the source did not send it there itself, it goes through us: {refusal.message}"
            ledger.note("Note", "Store", refusal.reason, message)
        elif left is not None:
            count = sum(map(len, ledger.missing().values()))
            ledger.note("Note", "Store", "SentThroughUs", "the source did not send it there itself", count=count)
        return left

    def _fits(self) -> bool:
        """Whether nothing is rewritten, all is known by name, and the destination is asked for what it has."""
        way = self.way
        return (
            isinstance(way.rewriter, PassThrough)
            and not way.subject.pseudonym
            and not self.ledger.unnamed
            and self.verification.method in {"Auto", "Instances", "Counts"}
        )

    def _ask(self, source: SendsItself, selection: Selection, title: str) -> int:
        """Have it sent; how many the source says it has sent."""
        self.way.destination.close()  # the source's association is the only one there meanwhile
        before, done = len(self.ledger.stored), 0
        with closed(source.move_to(selection, title)) as sent:
            for done in sent:
                if self.way.stop():
                    break
                count = min(before + done, self.ledger.expected_count)
                arrived = {"received": count, "rewritten": count, "stored": count}
                self.way.progress(self.ledger.counts().model_copy(update=arrived), self.ledger.bytes)
        return done

    def _there(self, awaited: Iterable[str]) -> Verified:
        """What the destination answers at this moment; `awaited` is worth waiting for."""
        patience = Patience(self.verification.settle_seconds, self.clock, self.sleep, self.way.stop)
        wanted = wanted_of(self.way, self.listing, self.ledger, awaited)
        return verify(self.way.destination, wanted, self.verification, patience)

    def _enter(self, now: Verified, before: Verified | None) -> None:
        """What is there now has gone the whole way, but for what was there `before` and may be of another version."""
        ledger = self.ledger
        there = set(now.instances or ())
        if before is not None:
            there = there - before.instances if before.instances is not None and before.failure is None else set()
        for series, count in (now.counts or {}).items():
            named = [uid for uid, one in ledger.expected.items() if one == series]
            fresh = before is None or (before.counts is not None and not before.counts.get(series))
            if count == len(named) and fresh:  # a smaller number does not tell which, a larger one not whose
                there.update(named)
        for uid in there:
            ledger.received.add(uid)
            ledger.rewritten[uid] = uid
            ledger.stored.add(uid)

    def _left(self, selection: Selection) -> Selection | None:
        missing = self.ledger.missing()
        if not missing:
            return None
        return replace(selection, series_instance_uids=(), sop_instance_uids=tuple(missing.items()))
