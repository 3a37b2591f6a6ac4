"""A folder of Part-10 files: each written under a name of our own, then given its UID's name in one step.

A UID from the wire becomes a file's name only where it is one; nothing else of what a peer says becomes a path.
"""

import itertools
import os
import threading
from pathlib import Path
from typing import Final

from adit.transfer.instance import Instance
from adit.transfer.part10 import front_of, is_uid

PARTIAL: Final = ".partial"
SUFFIX: Final = ".dcm"
MOST_OF_ONE_UID: Final = 1_000_000


class StoreFolder:
    """Hands out files to be filled; used by the threads of all associations."""

    def __init__(self, directory: Path, *, fsync: bool = False, replace: bool = False) -> None:
        self.directory = directory
        self.fsync = fsync
        self.replace = replace
        self._numbers = itertools.count(1)
        self._directory_sync = _GroupSync(directory)

    def begin(self, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> "StoredFile":
        """A file for one instance. Raises OSError, and ValueError where one of the three is no UID."""
        if not all(map(is_uid, (sop_class_uid, sop_instance_uid, transfer_syntax_uid))):
            raise ValueError("a SOP class or instance UID that is none")
        front = front_of(Instance(sop_class_uid, sop_instance_uid, transfer_syntax_uid, ()))
        # Another program may receive into the same folder: the process belongs to the name.
        partial = self.directory / f"{os.getpid()}-{next(self._numbers)}{PARTIAL}"
        return StoredFile(self, partial, sop_instance_uid, front)

    def take(self, partial: Path, uid: str) -> Path:
        """Give a complete file its name; one that is there is replaced, or kept beside it. Raises OSError."""
        final = self.directory / f"{uid}{SUFFIX}"
        if self.replace:
            partial.replace(final)
            return final
        for number in range(2, MOST_OF_ONE_UID):
            try:
                final.hardlink_to(partial)
            except FileExistsError:
                final = self.directory / f"{uid}-{number}{SUFFIX}"
            else:
                partial.unlink()
                return final
        raise FileExistsError(f"{uid} is there too often")

    def settle(self) -> None:
        """Names are safe on the disk, those of others that came meanwhile too. Raises OSError."""
        if self.fsync:
            self._directory_sync.wait()


class StoredFile:
    """One instance that arrives: a sink, then kept or discarded."""

    def __init__(self, folder: StoreFolder, partial: Path, uid: str, front: bytes) -> None:
        self._folder, self._partial, self._uid = folder, partial, uid
        self._front = front
        self._descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self.bytes = 0

    def write(self, fragment: memoryview, /) -> None:
        """The next bytes of the data set. Raises OSError."""
        self.bytes += len(fragment)
        if self._front:
            front, self._front = self._front, b""
            written = os.writev(self._descriptor, (front, fragment))
            if written < len(front):
                raise OSError("the file cannot take its first bytes")
            fragment = fragment[written - len(front) :]
        while fragment:
            fragment = fragment[os.write(self._descriptor, fragment) :]

    def keep(self) -> Path:
        """It is complete: close it, and give it its name, durable where the folder is. Raises OSError."""
        self._end()
        path = self._folder.take(self._partial, self._uid)
        self._folder.settle()
        return path

    def discard(self) -> None:
        """Nothing of it counts."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        self._partial.unlink(missing_ok=True)

    def _end(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if self._front:  # an empty data set
                os.write(descriptor, self._front)
            if self._folder.fsync:
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


class _GroupSync:
    """One fsync of a folder for all who wait for it: whoever comes while one runs shares the next."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._condition = threading.Condition()
        self._begun = self._done = 0
        self._running = False

    def wait(self) -> None:
        """Until a sync that began after this call has ended. Raises OSError."""
        with self._condition:
            due = self._begun + 1
            while self._done < due:
                if self._running:
                    self._condition.wait()
                else:
                    self._lead()

    def _lead(self) -> None:
        """Run one sync; the lock is held at the beginning and at the end, not between."""
        self._running, self._begun = True, self._begun + 1
        mine = self._begun
        self._condition.release()
        try:
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            self._condition.acquire()
            self._running = False
            self._condition.notify_all()
            raise
        self._condition.acquire()
        self._running, self._done = False, mine
        self._condition.notify_all()
