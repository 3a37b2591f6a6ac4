"""Gives rewritten files their places, in the order of the input, so that any number of workers comes to the same.

Of several files of one SOP Instance UID the first is written; a copy of it is a duplicate, one that differs is held.
"""

import errno
import filecmp
import os
from dataclasses import replace
from pathlib import Path

from adit.connectors.folder.tree import sync
from adit_cli.pseudonymize.order import Item, Staged

Place = tuple[str, str, str, str]


class Publisher:
    """Knows what this run has written; with `force` it replaces what was there before the run, and nothing else."""

    def __init__(self, target: Path, *, force: bool, dry_run: bool) -> None:
        self._target, self._force, self._dry_run = target, force, dry_run
        self._written: dict[str, tuple[Place, bytes]] = {}
        self._owners: dict[str, str] = {}
        self._folders: set[tuple[str, ...]] = set()

    def publish(self, staged: Staged) -> Item:
        """What becomes of the file in the end. Raises OSError where the output fails."""
        item = staged.item
        if self._owners.setdefault(item.pseudonym, staged.patient) != staged.patient:
            message = "another patient got the same derived pseudonym: give a list (--pseudonyms)"
            return Item(item.number, "held", "PseudonymCollision", message)
        earlier = self._written.get(item.new_uid)
        if earlier is not None:
            return self._second(staged, *earlier)
        if not self._dry_run:
            if not self._placed(staged):
                message = "something of that name appeared in the output meanwhile"
                return Item(item.number, "held", "OtherContent", message)
            self._folders.update(staged.place[:depth] for depth in range(4))
        self._written[item.new_uid] = staged.place, staged.digest
        return item

    def sync(self) -> None:
        """Make the names durable, from the innermost folders to the output itself."""
        for parts in sorted(self._folders, key=len, reverse=True):
            descriptor = os.open(self._target.joinpath(*parts), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                sync(descriptor)
            finally:
                os.close(descriptor)

    def _second(self, staged: Staged, place: Place, digest: bytes) -> Item:
        """Of two files of one instance the second is a copy, or nobody knows which is right."""
        item = staged.item
        same = (
            staged.digest == digest
            if self._dry_run
            else filecmp.cmp(staged.file, self._target.joinpath(*place), shallow=False)
        )
        if same:
            return replace(item, state="duplicate", reason="SameInstance", message="the same as a file before", bytes=0)
        message = "an earlier file has the same SOP Instance UID and other content"
        return Item(item.number, "held", "OtherContent", message)

    def _placed(self, staged: Staged) -> bool:
        """Give the file its name, in one step; without force nothing is replaced."""
        target = self._target.joinpath(*staged.place)
        target.parent.mkdir(parents=True, exist_ok=True)
        if self._force:
            staged.file.replace(target)
            return True
        try:
            os.link(staged.file, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
                raise
            # A file system without links cannot refuse and rename at once.
            if target.exists():
                return False
            staged.file.replace(target)
        return True
