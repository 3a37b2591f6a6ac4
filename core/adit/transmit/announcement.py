"""What somebody waits for, what has arrived, and which of them belong together: the one rule of the receiver, pure."""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_MESSAGE_ID = 0xFFFF


@dataclass(frozen=True, slots=True)
class Announcement:
    """Somebody waits for instances of a study from one source; made by whoever waits, before the source is asked.

    `id` is 32 hexadecimal digits. `message_id` (1 to 65535) is that of the C-MOVE request that follows, unique among
    open announcements; 0 where no C-MOVE follows. `calling_ae_title` is the source's own. `sop_instance_uids` are those
    expected, empty for any of the study. A `standing` announcement (a subscription; nobody makes one yet) takes any
    study where `study_instance_uid` and `sop_instance_uids` are empty, and stays open while nobody listens. An empty
    `calling_ae_title` is any source.
    """

    id: str
    message_id: int
    calling_ae_title: str
    study_instance_uid: str = ""
    sop_instance_uids: frozenset[str] = frozenset()
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """An instance as its C-STORE request and its association tell it; the study's UID where it was read."""

    calling_ae_title: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str = ""
    move_originator_message_id: int | None = None


def needs_study(arrival: Arrival, announcements: Iterable[Announcement]) -> bool:
    """Whether the data set's study must be read before every announcement that awaits the arrival can be told.

    No reading is needed where each of them names the instance, or takes any study.
    """
    return any(
        _study_decides(one, arrival) and not (_names(one, arrival) or _any_study(one, arrival)) for one in announcements
    )


def awaiting(arrival: Arrival, announcements: Iterable[Announcement]) -> tuple[Announcement, ...]:
    """Every announcement that awaits this instance: it is kept until each of them has it.

    The Message ID alone never decides (PS3.7 C.2.1: optional, and some peers send a constant): it says whose it is only
    where the study agrees, or where the announcement names the instance.
    """
    return tuple(
        one for one in announcements if _names(one, arrival) or _any_study(one, arrival) or _of_its_study(one, arrival)
    )


def _names(announcement: Announcement, arrival: Arrival) -> bool:
    """Named by UID, and from the source; or, under another AE title, by the Message ID of the C-MOVE."""
    if arrival.sop_instance_uid not in announcement.sop_instance_uids:
        return False
    return _from_source(announcement, arrival) or _by_message_id(announcement, arrival)


def _any_study(announcement: Announcement, arrival: Arrival) -> bool:
    """A subscription to whatever a source sends; one that names instances takes these alone."""
    subscribed = announcement.standing and not announcement.study_instance_uid and not announcement.sop_instance_uids
    return subscribed and _from_source(announcement, arrival)


def _of_its_study(announcement: Announcement, arrival: Arrival) -> bool:
    return arrival.study_instance_uid == announcement.study_instance_uid and _study_decides(announcement, arrival)


def _study_decides(announcement: Announcement, arrival: Arrival) -> bool:
    """Of its study it takes this: no instance is named, or its own C-MOVE brings one that the list lacks."""
    if not announcement.study_instance_uid:
        return False
    if _by_message_id(announcement, arrival):
        return True
    return not announcement.sop_instance_uids and _from_source(announcement, arrival)


def _from_source(announcement: Announcement, arrival: Arrival) -> bool:
    return announcement.calling_ae_title in ("", arrival.calling_ae_title)


def _by_message_id(announcement: Announcement, arrival: Arrival) -> bool:
    return announcement.message_id != 0 and announcement.message_id == arrival.move_originator_message_id
