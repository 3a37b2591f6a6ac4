"""Locks between processes of one machine, by flock: freed by the kernel when the holder dies, however it dies."""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adit.cluster.cluster import Manifest
from adit.cluster.embedded.folder import LEASES, OPERATOR_LOCK, WRITER_LOCK, open_private, private_folder
from adit.errors import BadInput

# Who only looks whether a lease is free holds it for microseconds; a holder that comes just then tries again.
_TRIES, _PAUSE_SECONDS = 20, 0.01
_UID = re.compile(r"[0-9A-Za-z][-0-9A-Za-z]{0,63}")


@contextlib.contextmanager
def try_operator_lock(data: Path) -> Iterator[bool]:
    """Be the one operator of a data folder while this context is open; False where another process is."""
    with try_lock(private_folder(data) / OPERATOR_LOCK) as taken:
        yield taken


@contextlib.contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold a lock file that stays; False where somebody else holds it."""
    descriptor = open_private(path)
    try:
        yield _try_flock(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def try_vanishing_lock(path: Path) -> Iterator[bool]:
    """Hold a lock file that exists only while it is held; False where somebody else holds it."""
    descriptor = _locked_file(path)
    if descriptor is None:
        yield False
        return
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)  # first, so that nobody locks a file that has no name any more
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Whether nobody holds this vanishing lock; a file that a dead holder left behind is removed."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    try:
        if not _try_flock(descriptor):
            return False
        if _is_named(descriptor, path):
            path.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)


class WritersTurn:
    """Whose turn it is to write, among all processes of a data folder: the kernel wakes who waits.

    SQLite's own writers ask again and again, with longer and longer pauses, and a busy process that makes none always
    comes first: the operator waited for seconds then, and a heartbeat might. Nobody waits for the dead; a process that
    is stopped in its turn holds up the others, as it would by SQLite's lock.
    """

    def __init__(self, data: Path) -> None:
        self._descriptor = open_private(data / WRITER_LOCK)

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn, and have it while this context is open; for one thread at a time."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class FlockLease:
    """Whether a TaskSet's runner lives: it holds the flock of its TaskSet as long as it does."""

    data: Path

    def expired(self, uid: str, holder: Manifest | None) -> bool:
        """Whether nobody holds the flock; no clock is asked."""
        return holder is None or is_free(self._path(uid))

    @contextlib.contextmanager
    def hold(self, uid: str) -> Iterator[bool]:
        """Hold the flock of a TaskSet; False where somebody else does."""
        path = self._path(uid)
        private_folder(path.parent)
        with try_vanishing_lock(path) as taken:
            yield taken

    def _path(self, uid: str) -> Path:
        if not _UID.fullmatch(uid):
            raise BadInput("the UID of a TaskSet has 1 to 64 letters, digits and hyphens; this one has not")
        return self.data / LEASES / uid


def _locked_file(path: Path) -> int | None:
    for _ in range(_TRIES):
        descriptor = open_private(path)
        if _try_flock(descriptor) and _is_named(descriptor, path):
            return descriptor
        os.close(descriptor)
        time.sleep(_PAUSE_SECONDS)
    return None


def _try_flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_named(descriptor: int, path: Path) -> bool:
    """Whether the open file is still the one of that name: another process may have removed it before our lock."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


def is_locked(path: Path) -> bool:
    """Whether somebody holds a lock file that stays; a file that is not there is held by nobody, and not made."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        return not _try_flock(descriptor)
    finally:
        os.close(descriptor)
