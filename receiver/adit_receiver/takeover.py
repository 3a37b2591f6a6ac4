"""Moves what another replica left into our spool, letter by letter, while ours goes on taking in and handing out."""

from collections.abc import Callable
from pathlib import Path

from adit_receiver.layout import ADOPTED, AWAITED, Folder, letters_in
from adit_receiver.placing import read_announcement
from adit_receiver.spool import Spool


def adopt(spool: Spool, other: Folder, between: Callable[[], None] = lambda: None) -> int:
    """Take over the folder of a replica that is gone, already renamed so that nobody else does; how many letters.

    Safe to begin again where it was killed: each step moves one file to where it is found. `between` two of them
    others get at the spool, and our lease is renewed.
    """
    # what it had adopted itself, and not finished
    moved = sum(adopt(spool, Folder(path), between) for path in sorted(other.path.glob(f"{ADOPTED}*")))
    for path in sorted(other.announcements.glob("[0-9a-f]*.json")):
        announcement = read_announcement(path)
        spool.reopen(announcement)
        moved += _letters(spool, other.awaited(announcement.id), announcement.id, between)
    for folder in (*(other.path / AWAITED).glob("*"), other.quarantine):
        moved += _letters(spool, folder, "", between)
    spool.settle()
    return moved


def _letters(spool: Spool, folder: Path, announcement_id: str, between: Callable[[], None]) -> int:
    moved = 0
    between()
    for letter in letters_in(folder):
        spool.take_in(letter, announcement_id)
        moved += 1
        between()
    return moved
