"""A mailbox over files in a folder, kept in memory: to the file transmit what the receiver's spool is."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from adit.transfer.instance import Instance
from adit.transmit.announcement import Announcement
from adit.transmit.mailbox import Letter, MessageIdTaken


@dataclass
class FakeMailbox:
    """Keeps what was announced, withdrawn and acknowledged where a test can look at it."""

    folder: Path
    announcements: dict[str, Announcement] = field(default_factory=dict)
    waiting: dict[str, dict[str, Letter]] = field(default_factory=dict)
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._watchers: dict[str, list[Callable[[], None]]] = {}
        self._names = itertools.count()

    def put(self, instance: Instance, data: bytes, *announcement_ids: str) -> Letter:
        """A letter for these announcements arrives."""
        name = f"letter-{next(self._names)}"
        path = self.folder / name
        path.write_bytes(data)
        letter = Letter(
            name, path, 0, len(data), instance.sop_class_uid, instance.sop_instance_uid, instance.transfer_syntax_uid
        )
        with self._lock:
            watchers = []
            for one in announcement_ids:
                self.waiting.setdefault(one, {})[name] = letter
                watchers += self._watchers.get(one, [])
        for arrived in watchers:
            arrived()
        return letter

    def announce(self, announcement: Announcement, age_seconds: float = 0.0) -> None:
        with self._lock:
            for one in self.announcements.values():
                if one.message_id and one.message_id == announcement.message_id and one.id != announcement.id:
                    raise MessageIdTaken("taken")
            self.announcements[announcement.id] = announcement
            self.ages.append(age_seconds)

    def withdraw(self, announcement_id: str) -> None:
        with self._lock:
            self.announcements.pop(announcement_id, None)
            self.withdrawn.append(announcement_id)

    def letters(self, announcement_id: str) -> tuple[Letter, ...]:
        with self._lock:
            return tuple(self.waiting.get(announcement_id, {}).values())

    def acknowledge(self, announcement_id: str, names: tuple[str, ...]) -> None:
        with self._lock:
            for name in names:
                if self.waiting.get(announcement_id, {}).pop(name, None) is not None:
                    self.acknowledged.append((announcement_id, name))

    def watch(self, announcement_id: str, arrived: Callable[[], None]) -> Callable[[], None]:
        with self._lock:
            self._watchers.setdefault(announcement_id, []).append(arrived)

        def unwatch() -> None:
            with self._lock:
                self._watchers[announcement_id].remove(arrived)

        return unwatch
