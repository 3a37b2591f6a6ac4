"""The short way: a source that may send to the destination itself does (C-MOVE), where nothing is to be rewritten.

Nothing is taken on its word: what the destination then answers for is entered, the rest goes through us.
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
from adit.transfer.verify import Patience, verify
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
        for _ in range(TIMES):
            assert left is not None
            try:
                self._ask(source, left, title)
            except AditError as error:
                refusal = error
            if self.way.stop():
                return left
            self._enter_what_is_there(ledger.expected if refusal is None else ())
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

    def _ask(self, source: SendsItself, selection: Selection, title: str) -> None:
        self.way.destination.close()  # the source's association is the only one there meanwhile
        before = len(self.ledger.stored)
        with closed(source.move_to(selection, title)) as sent:
            for done in sent:
                if self.way.stop():
                    return
                count = min(before + done, self.ledger.expected_count)
                arrived = {"received": count, "rewritten": count, "stored": count}
                self.way.progress(self.ledger.counts().model_copy(update=arrived), self.ledger.bytes)

    def _enter_what_is_there(self, awaited: Iterable[str]) -> None:
        """What the destination answers for now has gone the whole way; `awaited` is worth waiting for."""
        ledger = self.ledger
        patience = Patience(self.verification.settle_seconds, self.clock, self.sleep, self.way.stop)
        wanted = wanted_of(self.way, self.listing, ledger, awaited)
        verified = verify(self.way.destination, wanted, self.verification, patience)
        there = set(verified.instances or ())
        for series, count in (verified.counts or {}).items():
            named = [uid for uid, one in ledger.expected.items() if one == series]
            if count == len(named):  # a smaller number does not tell which, a larger one not whose
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
