"""What of that which arrives goes on: the expected once each, the unlisted where its header says that it belongs."""

from dataclasses import dataclass

from adit.transfer.header import Header, header_of
from adit.transfer.instance import Instance
from adit.transfer.ledger import Ledger
from adit.transfer.policy import Policy


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The door of one task: whatever does not go on is entered into the ledger by name."""

    ledger: Ledger
    policy: Policy
    asked_series: frozenset[str]

    def accept(self, instance: Instance) -> bool:
        """Whether an arrived instance goes on."""
        uid, ledger = instance.sop_instance_uid, self.ledger
        if uid in ledger.received:
            if not ledger.asked_again:
                ledger.note("Note", "Fetch", "SentTwice", "the source sent it twice", instance=uid)
            return False
        if uid in ledger.excluded:
            self._note_excluded(uid)
            return False
        if uid not in ledger.expected and not self._adopted(uid, header_of(instance)):
            return False
        ledger.received.add(uid)
        return True

    def _adopted(self, uid: str, header: Header | None) -> bool:
        """Whether an instance that was not listed by name belongs to the task all the same, as its header says."""
        ledger = self.ledger
        if header is None:
            ledger.note("Warning", "Fetch", "HeaderUnreadable", "arrived unlisted and cannot be read", instance=uid)
            return False
        series = header.series_instance_uid
        if header.study_instance_uid != ledger.study_instance_uid:
            ledger.note("Warning", "Fetch", "WrongStudy", "the source sent it from another study", instance=uid)
            return False
        if self.asked_series and series not in self.asked_series:
            ledger.note("Warning", "Fetch", "WrongSeries", "the source sent it unasked", series=series, instance=uid)
            return False
        if series in ledger.excluded_series:
            # The list told the modality of its series; its own header may not.
            self._note_excluded(uid, series)
            return False
        known = ledger.adopt(uid, series)
        if rule := self.policy.excludes(header.modality.upper()):
            ledger.exclude_instance(uid, rule)
            return False
        if not known:
            message = "the source sent it but had not listed it: is the study still growing?"
            ledger.note("Warning", "Fetch", "NotListed", message, series=series, instance=uid)
        return True

    def _note_excluded(self, uid: str, series: str = "") -> None:
        message = "the source sent it though nobody asked"
        self.ledger.note("Note", "Policy", "SentThoughExcluded", message, series=series, instance=uid)
