"""What lies in the spool, as memory knows it: who awaits which file, what is quarantined, how many bytes both are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from adit.transmit.announcement import Announcement
from adit.transmit.mailbox import Letter
from adit_receiver.arrivals import size_of
from adit_receiver.room import Room


@dataclass(slots=True)
class Opened:
    """An open announcement, what waits for it, and who listens; `heard` is when somebody last did (monotonic)."""

    announcement: Announcement
    heard: float
    letters: dict[str, Letter] = field(default_factory=dict)
    watchers: list[Callable[[], None]] = field(default_factory=list)


class Index:
    """Used under the spool's lock; it changes no file. A letter's bytes are counted once, however many await it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.opened: dict[str, Opened] = {}
        self.awaited_by: dict[str, set[str]] = {}
        self.quarantined: dict[str, Letter] = {}

    @property
    def announcements(self) -> list[Announcement]:
        return [one.announcement for one in self.opened.values()]

    def others_await(self, letter: Letter, announcement_id: str) -> bool:
        """Whether somebody else than this announcement awaits it."""
        return bool(self.awaited_by.get(letter.name, set()) - {announcement_id})

    def watchers(self, announcement_ids: Iterable[str]) -> list[Callable[[], None]]:
        """Who is to be told of something new for these."""
        return [watcher for one in announcement_ids for watcher in self.opened[one].watchers]

    def wait(self, letter: Letter, announcement_id: str, *, counted: bool = False) -> None:
        """It waits for this announcement; `counted` where its bytes are counted since it came."""
        self.opened[announcement_id].letters[letter.name] = letter
        by = self.awaited_by.setdefault(letter.name, set())
        if not by and not counted:
            self._room.take_over(spooled=size_of(letter))
        by.add(announcement_id)

    def had(self, letter: Letter, announcement_id: str) -> None:
        """It waits for this announcement no more."""
        if announcement_id in self.opened:
            self.opened[announcement_id].letters.pop(letter.name, None)
        by = self.awaited_by.get(letter.name)
        if by is None:
            return
        by.discard(announcement_id)
        if not by:
            del self.awaited_by[letter.name]
            self._room.spool(-size_of(letter))

    def quarantine(self, letter: Letter) -> None:
        """It lies in the quarantine, whether or not there is room for it."""
        if letter.name not in self.quarantined:
            self._room.take_over(quarantined=size_of(letter))
        self.quarantined[letter.name] = letter

    def unquarantine(self, letter: Letter) -> None:
        """It lies there no more."""
        if self.quarantined.pop(letter.name, None) is not None:
            self._room.quarantine(-size_of(letter))
