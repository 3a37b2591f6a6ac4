"""What the receiver's spool is to the file transmit: announcements come in, letters wait for their acknowledgement."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adit.errors import RetryableError
from adit.transmit.announcement import Announcement


class MessageIdTaken(RetryableError):
    """Another open announcement has this Message ID; whoever announces chooses another one."""

    default_reason = "MessageIdTaken"


@dataclass(frozen=True, slots=True)
class Letter:
    """An instance in a file that waits for one announcement: its data set is `length` bytes from `start`.

    `name` is the mailbox's own, unique in it and of [0-9a-z-]; nothing of it comes from the wire.
    """

    name: str
    path: Path
    start: int
    length: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class Mailbox(Protocol):
    """Durable and thread-safe: what a method has returned from survives kill -9. OSError where the disk fails."""

    def announce(self, announcement: Announcement, age_seconds: float = 0.0) -> None:
        """Open it, or renew it under the same id. Raises MessageIdTaken.

        What arrived since it was first made, so many seconds ago elsewhere, belongs to it as well; nothing older does,
        for that is of another request, and may since have been corrected at the source.
        """
        ...

    def withdraw(self, announcement_id: str) -> None:
        """Close it; letters that nobody else awaits are quarantined, never dropped."""
        ...

    def letters(self, announcement_id: str) -> tuple[Letter, ...]:
        """Those that wait for it and are not acknowledged, oldest first."""
        ...

    def acknowledge(self, announcement_id: str, names: tuple[str, ...]) -> None:
        """They are durable where they were awaited; each file goes when nobody else awaits it."""
        ...

    def watch(self, announcement_id: str, arrived: Callable[[], None]) -> Callable[[], None]:
        """Call `arrived` (from any thread, it must not block) after each new letter; the result ends it.

        While an announcement is watched, or was within the mailbox's patience, it stays open.
        """
        ...
