"""The bookkeeping of one task: which expected instance got how far, and what is to be said of those that did not.

Every expected instance ends either proved at the destination or lost with a reason; nothing falls between the two.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from adit.api.counts import InstanceCounts
from adit.transfer.listing import ListedSeries, Listing
from adit.transfer.loss import LISTED_FEWER, NOT_ANSWERED, NOT_COUNTED, NOT_RECEIVED, NOT_VERIFIED, Loss
from adit.transfer.policy import Selected
from adit.transfer.record import MAX_MESSAGE, Entry, Kind, Stage
from adit.transfer.verify import Verified


@dataclass(frozen=True, slots=True)
class Closing:
    """A task added up; `proved` is verified, or stored where nothing verifies; `retryable` if trying again may help."""

    counts: InstanceCounts
    proved: int
    entries: tuple[Entry, ...]
    retryable: bool


class Ledger:
    """Mutable, of one task; SOP Instance UIDs are the original ones, `rewritten` maps them to those that left."""

    def __init__(self, listing: Listing, selected: Selected) -> None:
        self.study_instance_uid = listing.study_instance_uid
        self.expected: dict[str, str] = {}
        # Series of which the source counts more than it names, and how many of it have not shown their names yet.
        self.unnamed: Counter[str] = Counter()
        # Those of them of which it named some: asking once more would bring the named ones a second time.
        self.partly_named: set[str] = set()
        self.excluded: set[str] = set()
        self.excluded_series: set[str] = set()
        self.excluded_count = 0
        self.received: set[str] = set()
        self.rewritten: dict[str, str] = {}
        self.stored: set[str] = set()
        self.losses: dict[str, Loss] = {}
        self.notes: list[Entry] = []
        self.bytes = 0
        self.asked_again = False
        for series in selected.leaving:
            self._expect(series)
        for series, rule in selected.excluded:
            self._exclude(series, rule)

    def _expect(self, series: ListedSeries) -> None:
        uid, named = series.series_instance_uid, series.instances or {}
        self.expected.update(dict.fromkeys(named, uid))
        if series.expected > len(named):
            self.unnamed[uid] = series.expected - len(named)
            if named:
                self.partly_named.add(uid)

    def _exclude(self, series: ListedSeries, rule: str) -> None:
        self.excluded_series.add(series.series_instance_uid)
        self.excluded.update(series.instances or ())
        self.excluded_count += series.expected
        if series.expected:
            self.note("Note", "Policy", rule, series=series.series_instance_uid, count=series.expected)

    def note(
        self,
        kind: Kind,
        stage: Stage,
        reason: str,
        message: str = "",
        *,
        series: str = "",
        instance: str = "",
        count: int = 1,
    ) -> None:
        """Record something by name that is no loss."""
        self.notes.append(
            Entry(
                kind=kind,
                stage=stage,
                reason=reason[:64],
                message=message[:MAX_MESSAGE],
                series=series[:64],
                instance=instance[:64],
                count=count,
            )
        )

    def adopt(self, uid: str, series: str) -> bool:
        """Expect an instance that was not listed by name; False where it is one more than the source had counted."""
        self.expected[uid] = series
        if self.unnamed[series] > 0:
            self.unnamed[series] -= 1
            return True
        return False

    def exclude_instance(self, uid: str, rule: str) -> None:
        """A rule that only the header could answer keeps an expected instance back."""
        series = self.expected.pop(uid, "")
        self.received.discard(uid)
        self.excluded.add(uid)
        self.excluded_count += 1
        self.note("Note", "Rewrite", rule, series=series, instance=uid)

    def missing(self) -> dict[str, tuple[str, ...]]:
        """Named instances that have not arrived, by series."""
        absent: dict[str, list[str]] = {}
        for uid, series in self.expected.items():
            if uid not in self.received:
                absent.setdefault(series, []).append(uid)
        return {series: tuple(uids) for series, uids in absent.items()}

    def to_ask_again(self) -> dict[str, tuple[str, ...]]:
        """What did not arrive, by series; a series that only has a number is asked for whole (no names).

        Which of it are missing, nobody can say.
        """
        whole = [uid for uid, count in self.unnamed.items() if count > 0 and uid not in self.partly_named]
        return {**self.missing(), **dict.fromkeys(whole, ())}

    @property
    def expected_count(self) -> int:
        """How many instances should reach the destination."""
        return len(self.expected) + self.unnamed.total()

    def counts(self, verified: int | None = None) -> InstanceCounts:
        """The counts as they stand."""
        expected = self.expected_count
        return InstanceCounts(
            listed=expected + self.excluded_count,
            excluded=self.excluded_count,
            expected=expected,
            received=len(self.received),
            rewritten=len(self.rewritten),
            stored=len(self.stored),
            verified=verified,
        )

    def close(self, verified: Verified, never_came: Loss) -> Closing:
        """Add it up; `never_came` is why what did not arrive did not."""
        entries: list[Entry] = []
        uncounted: Counter[str] = Counter()
        proved = 0
        retryable = False
        for uid, series, loss, there in self._judged(verified, never_came):
            proved += there
            if loss is None:
                continue
            retryable = retryable or (loss.retryable and not there)
            if verified.counts is not None and loss.stage == "Verify":
                uncounted[series] += 1
            else:
                entries.append(loss.entry("Warning" if there else "Lost", series=series, instance=uid))
        loss = verified.failure or NOT_COUNTED
        entries += [loss.entry("Lost", series=series, count=count) for series, count in uncounted.items()]
        unnamed = +self.unnamed
        for series, count in unnamed.items():
            fewer = series in self.partly_named and never_came == NOT_RECEIVED
            entries.append((LISTED_FEWER if fewer else never_came).entry("Lost", series=series, count=count))
        retryable = retryable or (bool(unnamed) and never_came.retryable)
        counts = self.counts(None if verified.method == "None" else proved)
        return Closing(counts, proved, (*self.notes, *entries), retryable)

    def _judged(self, verified: Verified, never_came: Loss) -> Iterator[tuple[str, str, Loss | None, bool]]:
        """Each expected instance, its series, what went wrong with it, and whether the destination has it."""
        numbers = Counter(verified.counts or {})
        for uid, series in self.expected.items():
            loss = self._loss_of(uid, never_came)
            if verified.instances is not None:
                there = uid in verified.instances
            elif verified.counts is not None:
                # A number proves what was stored now, and never a name that was not.
                there = loss is None and numbers[series] > 0
                numbers[series] -= there
            else:
                there = loss is None
            if loss is None and not there:
                loss = verified.failure or NOT_VERIFIED
            yield uid, series, loss, there

    def _loss_of(self, uid: str, never_came: Loss) -> Loss | None:
        if uid in self.stored:
            return None
        return self.losses.get(uid) or (NOT_ANSWERED if uid in self.received else never_came)
