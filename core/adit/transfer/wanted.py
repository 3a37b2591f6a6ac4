"""What a destination should have of a task, in the UIDs that it left with or would have left with."""

from collections.abc import Iterable

from adit.transfer.ledger import Ledger
from adit.transfer.listing import Listing
from adit.transfer.stream import Way
from adit.transfer.verify import Wanted, WantedSeries


def wanted_of(way: Way, listing: Listing, ledger: Ledger, stored: Iterable[str]) -> Wanted:
    """Everything expected; `stored` (original UIDs) is what is worth waiting for."""
    rewriter = way.rewriter
    by_series: dict[str, dict[str, str]] = {}
    for uid, series in ledger.expected.items():
        by_series.setdefault(series, {})[ledger.rewritten.get(uid) or rewriter.rewritten_uid(uid)] = uid
    return Wanted(
        patient_id=way.subject.pseudonym or listing.patient_id,
        study_instance_uid=rewriter.rewritten_uid(listing.study_instance_uid),
        series=tuple(WantedSeries(uid, rewriter.rewritten_uid(uid), names) for uid, names in by_series.items()),
        stored=frozenset(stored),
        pseudonymized=bool(way.subject.pseudonym),
    )
