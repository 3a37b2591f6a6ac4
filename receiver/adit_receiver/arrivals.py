"""What is known of an instance that was taken in: as its request told it, or as its file tells it later."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from adit.transmit.announcement import Announcement, Arrival, awaiting, needs_study
from adit.transmit.mailbox import Letter
from adit_receiver.layout import calling_ae_title
from adit_receiver.study import study_in


@dataclass(frozen=True, slots=True)
class Arrived:
    """An instance that lies complete in `incoming`, its file still open; its data set begins at `start`."""

    path: Path
    descriptor: int
    start: int
    length: int
    arrival: Arrival

    def letter(self, path: Path) -> Letter:
        """Where it lies now."""
        arrival = self.arrival
        return Letter(
            path.name,
            path,
            self.start,
            self.length - self.start,
            arrival.sop_class_uid,
            arrival.sop_instance_uid,
            arrival.transfer_syntax_uid,
        )


def those_awaiting(one: Arrived, announcements: Iterable[Announcement]) -> tuple[Announcement, ...]:
    """Every announcement that awaits it; its study is read only where that decides."""
    every = tuple(announcements)
    arrival = one.arrival
    if needs_study(arrival, every):
        arrival = replace(arrival, study_instance_uid=study_of(one.letter(one.path)))
    return awaiting(arrival, every)


def is_awaited(letter: Letter, announcement: Announcement) -> bool:
    """Whether what lies in the quarantine is what an announcement is about; what cannot be read is nobody's."""
    if not letter.transfer_syntax_uid:
        return False
    arrival = Arrival(
        calling_ae_title(letter.name), letter.sop_class_uid, letter.sop_instance_uid, letter.transfer_syntax_uid
    )
    if needs_study(arrival, [announcement]):
        arrival = replace(arrival, study_instance_uid=study_of(letter))
    return bool(awaiting(arrival, [announcement]))


def study_of(letter: Letter) -> str:
    """The Study Instance UID in its data set; empty where it cannot be read."""
    try:
        return study_in(letter.path, letter.start, letter.transfer_syntax_uid)
    except FileNotFoundError:  # a person purged it
        return ""


def size_of(letter: Letter) -> int:
    """Bytes of its file."""
    return letter.start + letter.length
