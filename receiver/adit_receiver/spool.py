"""The durable mailbox of one replica: instances come in, are matched to who awaits them, and stay until they are had.

State is the folder (layout.py); what stands in memory is an index of it, made anew at every start.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from adit.transmit.announcement import Announcement
from adit.transmit.mailbox import Letter, MessageIdTaken
from adit_receiver.arrivals import Arrived, is_awaited, those_awaiting
from adit_receiver.group_commit import GroupCommit
from adit_receiver.index import Index, Opened
from adit_receiver.layout import AWAITED, Folder, arrived_at, letters_in, sync_folder
from adit_receiver.placing import put, read_announcement, remove_announcement, take_back, write_announcement
from adit_receiver.room import Limits, Room

PATIENCE_SECONDS: Final = 300.0


class NoRoom(OSError):
    """The quarantine takes no more: it is refused, so that the sender keeps it."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Nanoseconds since the epoch, for people and for ages that outlive us; monotonic seconds for our patience."""

    now: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic


class Spool:
    """A Mailbox (adit.transmit.mailbox); thread-safe. Opened once, by the only process that writes into its folder."""

    def __init__(
        self,
        folder: Folder,
        limits: Limits,
        *,
        fsync: bool = True,
        sync: Callable[[Path], None] = sync_folder,
        clocks: Clocks = Clocks(),
    ) -> None:
        self.folder = folder
        self.room = Room(limits, folder.path)
        self.clocks = clocks
        self._fsync = fsync
        self._sync_folder = sync
        self._lock = threading.RLock()
        self._index = Index(self.room)
        self._commit = GroupCommit[Arrived](self._place_all)

    def open(self) -> None:
        """Make the folder, and know what lies in it. What had not arrived completely was promised to nobody."""
        self.folder.make()
        with self._lock:
            for entry in os.scandir(self.folder.incoming):
                Path(entry.path).unlink(missing_ok=True)
            for path in sorted(self.folder.announcements.glob("[0-9a-f]*.json")):
                self._read_in(read_announcement(path))
            for entry in list(os.scandir(self.folder.path / AWAITED)):
                if entry.name not in self._index.opened:  # withdrawn, as far as the process came
                    self._quarantine_all(entry.name)
            for letter in letters_in(self.folder.quarantine):
                self._index.quarantine(letter)

    # Mailbox ----------------------------------------------------------------------------------------------------------

    def announce(self, announcement: Announcement, age_seconds: float = 0.0) -> None:
        with self._lock:
            known = self._index.opened.get(announcement.id)
            if known is not None and known.announcement == announcement:
                known.heard = self.clocks.monotonic()
                return
            for other in self._index.announcements:
                if other.message_id and other.message_id == announcement.message_id and other.id != announcement.id:
                    raise MessageIdTaken("another open announcement has this Message ID")
            write_announcement(self.folder, announcement)
            self._read_in(announcement)
            self._claim(announcement, age_seconds)

    def withdraw(self, announcement_id: str) -> None:
        with self._lock:
            if announcement_id in self._index.opened:
                self._quarantine_all(announcement_id)
                del self._index.opened[announcement_id]

    def letters(self, announcement_id: str) -> tuple[Letter, ...]:
        with self._lock:
            known = self._index.opened.get(announcement_id)
            return tuple(known.letters.values()) if known is not None else ()

    def acknowledge(self, announcement_id: str, names: tuple[str, ...]) -> None:
        with self._lock:
            known = self._index.opened.get(announcement_id)
            if known is None:
                return
            known.heard = self.clocks.monotonic()
            for name in names:
                letter = known.letters.get(name)
                if letter is not None:
                    letter.path.unlink(missing_ok=True)
                    self._index.had(letter, announcement_id)

    def watch(self, announcement_id: str, arrived: Callable[[], None]) -> Callable[[], None]:
        with self._lock:
            known = self._index.opened.get(announcement_id)
            if known is not None:
                known.watchers.append(arrived)

        def unwatch() -> None:
            with self._lock:
                if known is not None and arrived in known.watchers:
                    known.watchers.remove(arrived)
                    known.heard = self.clocks.monotonic()

        return unwatch

    # housekeeping -----------------------------------------------------------------------------------------------------

    def withdraw_forgotten(self, patience: float = PATIENCE_SECONDS) -> int:
        """Withdraw what nobody has listened for within the patience; how many were."""
        with self._lock:
            late = self.clocks.monotonic() - patience
            forgotten = [
                one.announcement.id
                for one in self._index.opened.values()
                if not one.announcement.standing and not one.watchers and one.heard < late
            ]
            for one in forgotten:
                self.withdraw(one)
            return len(forgotten)

    def expire(self) -> int:
        """Remove what is too old for the quarantine; how many were."""
        with self._lock:
            oldest = self.clocks.now() - int(self.room.limits.quarantine_seconds * 1e9)
            expired = [one for one in self._index.quarantined.values() if arrived_at(one.name) < oldest]
            for letter in expired:
                letter.path.unlink(missing_ok=True)
                self._index.unquarantine(letter)
            return len(expired)

    def notice_purged(self) -> int:
        """Forget what a person took out of the quarantine, so that its bytes count no more; how many were."""
        with self._lock:
            present = {entry.name for entry in os.scandir(self.folder.quarantine)}
            gone = [one for one in self._index.quarantined.values() if one.name not in present]
            for letter in gone:
                self._index.unquarantine(letter)
            return len(gone)

    # taking over -----------------------------------------------------------------------------------------------------

    def reopen(self, announcement: Announcement) -> None:
        """Open what was open at another replica, if nobody has done so here."""
        with self._lock:
            if announcement.id not in self._index.opened:
                write_announcement(self.folder, announcement)
                self._read_in(announcement)

    def take_in(self, letter: Letter, announcement_id: str) -> None:
        """Move in what another replica had accepted; nobody is told, and nothing synced, before `settle`."""
        with self._lock:
            if not letter.transfer_syntax_uid:
                self._put_aside(letter)
            elif announcement_id in self._index.opened:
                path = self.folder.awaited(announcement_id) / letter.name
                letter.path.rename(path)
                self._index.wait(replace(letter, path=path), announcement_id)
            else:  # nobody waits for it, or does no more
                self._put_into_quarantine(letter)

    def settle(self) -> None:
        """Make durable what was taken in, and tell whoever listens."""
        with self._lock:
            for folder in (self.folder.quarantine, *map(self.folder.awaited, self._index.opened)):
                sync_folder(folder)
            watchers = self._index.watchers(self._index.opened)
        for watcher in watchers:
            watcher()

    @property
    def quarantined(self) -> tuple[Letter, ...]:
        """What nobody waits for, oldest first."""
        with self._lock:
            return tuple(self._index.quarantined[name] for name in sorted(self._index.quarantined))

    @property
    def unacknowledged(self) -> tuple[int, int]:
        """How many letters wait for somebody, and since when (nanoseconds since the epoch; 0 where none does)."""
        with self._lock:
            names = self._index.awaited_by.keys()
            return len(names), min((arrived_at(name) for name in names), default=0)

    # accepting --------------------------------------------------------------------------------------------------------

    def accept(self, one: Arrived) -> None:
        """Make its bytes durable, then its name where it is awaited: only then may anybody be told of success.

        Bytes are synced by each association for itself, since the kernel commits those of several together; names of
        several are placed under one lock, and synced once. Raises OSError; NoRoom where the quarantine is full.
        """
        try:
            if self._fsync:
                os.fdatasync(one.descriptor)
        finally:
            os.close(one.descriptor)
        self._commit(one)

    def _place_all(self, batch: Sequence[Arrived]) -> list[BaseException | None]:
        """Place each where it is awaited; what went wrong, by position. What went wrong lies nowhere afterwards."""
        errors: list[BaseException | None] = [None] * len(batch)
        placed: dict[int, list[str]] = {}
        watchers: list[Callable[[], None]] = []
        with self._lock:
            for position, one in enumerate(batch):
                try:
                    placed[position] = self._place(one)
                except OSError as error:
                    errors[position] = error
            unsynced = self._sync({target for ids in placed.values() for target in self._targets(ids)})
            for position, ids in placed.items():
                failures = [unsynced[target] for target in self._targets(ids) if target in unsynced]
                if failures:
                    errors[position] = OSError(failures[0].errno, failures[0].strerror)  # one for each who waits
                    self._take_back(batch[position], ids)
                else:
                    watchers += self._enter(batch[position], ids)
        for watcher in watchers:
            watcher()
        return errors

    def _sync(self, folders: set[Path]) -> dict[Path, OSError]:
        """Make the names in them durable; those where that went wrong."""
        failed: dict[Path, OSError] = {}
        for folder in folders if self._fsync else ():
            try:
                self._sync_folder(folder)
            except OSError as error:
                failed[folder] = error
        return failed

    def _targets(self, ids: Sequence[str]) -> list[Path]:
        return [self.folder.awaited(announcement_id) for announcement_id in ids] or [self.folder.quarantine]

    def _place(self, one: Arrived) -> list[str]:
        """Link an instance into every announcement that awaits it, else into the quarantine; the ids of the former."""
        ids = [found.id for found in those_awaiting(one, self._index.announcements)]
        if not ids and not self.room.quarantine(one.length):
            raise NoRoom("the quarantine is full")
        try:
            put(one.path, self._targets(ids))
        except OSError:
            if not ids:
                self.room.quarantine(-one.length)
            raise
        return ids

    def _take_back(self, one: Arrived, ids: list[str]) -> None:
        """Undo `_place`; a name that the disk does not let go is known, as after a restart, and may be had twice."""
        if not ids:
            self.room.quarantine(-one.length)
        for path in take_back([target / one.path.name for target in self._targets(ids)]):
            letter = one.letter(path)
            if ids:
                self._index.wait(letter, path.parent.name)
            else:
                self._index.quarantine(letter)

    def _enter(self, one: Arrived, ids: list[str]) -> list[Callable[[], None]]:
        """Know an instance where it lies now; who is to be told. Its bytes were counted before it was placed."""
        name = one.path.name
        if not ids:
            self._index.quarantined[name] = one.letter(self.folder.quarantine / name)
            self.room.spool(-one.length)
        for announcement_id in ids:
            letter = one.letter(self.folder.awaited(announcement_id) / name)
            self._index.wait(letter, announcement_id, counted=True)
        return self._index.watchers(ids)

    # inside -----------------------------------------------------------------------------------------------------------

    def _read_in(self, announcement: Announcement) -> None:
        """Know an announcement and its letters."""
        known = self._index.opened.get(announcement.id)
        if known is not None:
            known.announcement = announcement
            known.heard = self.clocks.monotonic()
            return
        self._index.opened[announcement.id] = Opened(announcement, self.clocks.monotonic())
        for letter in letters_in(self.folder.awaited(announcement.id)):
            if letter.transfer_syntax_uid:
                self._index.wait(letter, announcement.id)
            else:
                self._put_aside(letter)

    def _claim(self, announcement: Announcement, age_seconds: float) -> None:
        """What came to us since it was made elsewhere; what was there before was brought by another request."""
        oldest = self.clocks.now() - int(age_seconds * 1e9)
        claimed = [
            letter
            for letter in self._index.quarantined.values()
            if arrived_at(letter.name) >= oldest and is_awaited(letter, announcement)
        ]
        for letter in claimed:
            path = self.folder.awaited(announcement.id) / letter.name
            try:
                letter.path.rename(path)
            except FileNotFoundError:  # a person purged it: notice_purged forgets it
                continue
            self._index.unquarantine(letter)
            self._index.wait(replace(letter, path=path), announcement.id)
        if claimed:
            sync_folder(self.folder.awaited(announcement.id))

    def _quarantine_all(self, announcement_id: str) -> None:
        """Close an announcement on disk: first its letters go, at last what would bring it back."""
        folder = self.folder.awaited(announcement_id)
        for letter in letters_in(folder):
            if self._index.others_await(letter, announcement_id):
                letter.path.unlink(missing_ok=True)
            else:
                self._put_into_quarantine(letter)
            self._index.had(letter, announcement_id)
        sync_folder(self.folder.quarantine)
        remove_announcement(self.folder, announcement_id)

    def _put_into_quarantine(self, letter: Letter) -> None:
        """Whether or not there is room: it was accepted, and is not dropped."""
        path = self.folder.quarantine / letter.name
        letter.path.rename(path)
        letter.path.unlink(missing_ok=True)  # a rename onto another name of the same file does nothing
        self._index.quarantine(replace(letter, path=path))

    def _put_aside(self, letter: Letter) -> None:
        """What the disk has damaged can be handed to nobody, and is kept for a person."""
        structlog.get_logger("adit.receiver").error("a spooled instance is unreadable: quarantined", name=letter.name)
        self._put_into_quarantine(letter)
