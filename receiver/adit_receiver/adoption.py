"""Several replicas in one spool: each shows that it lives, and what a dead one left is taken over by one of the others.

A lease is judged by when it last changed on the watcher's own monotonic clock; no two clocks are compared.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from adit.errors import PermanentError
from adit_receiver.layout import ADOPTED, AWAITED, LEASE, Folder

LEASE_SECONDS: Final = 60.0
_RENEWALS: Final = 6  # within the time after which a silent replica is thought dead
_ENDED: Final = "ended"
_LEASE_LENGTH: Final = 40


class FolderLost(PermanentError):
    """Another replica has adopted our folder: it thought that we were dead, and what we take in would be lost."""

    default_reason = "FolderAdopted"


class Leases:
    """Our sign of life, and a look at those of the others; used by one thread."""

    def __init__(
        self, spool: Path, own: Folder, monotonic: Callable[[], float], seconds: float = LEASE_SECONDS
    ) -> None:
        self._spool = spool
        self._own = own
        self._monotonic = monotonic
        self._seconds = seconds
        self._due = self._renewed = monotonic()
        self._beats = 0
        self._seen: dict[Path, tuple[str, float]] = {}

    @property
    def renew_seconds(self) -> float:
        """How often our sign of life is due."""
        return self._seconds / _RENEWALS

    def renew_where_due(self) -> None:
        """Show that we live where it is time to; cheap enough to stand between two steps. Raises FolderLost."""
        if self._monotonic() >= self._due:
            self.renew()

    def renew(self) -> None:
        """Show that we live; a disk that fails meanwhile may come back within our time. Raises FolderLost."""
        self._beats += 1
        now = self._monotonic()
        self._due = now + self.renew_seconds
        try:
            self._write(f"{os.getpid()} {self._beats}")
        except FileNotFoundError:
            raise FolderLost("another replica took our folder over: we were silent for too long") from None
        except OSError as error:
            if now - self._renewed > self._seconds:
                raise FolderLost(f"our lease cannot be renewed ({error.strerror}): others think us dead") from error
            structlog.get_logger("adit.receiver").error("lease not renewed", error=error.strerror)
        else:
            self._renewed = now

    def _write(self, value: str) -> None:
        """In place and of one length, so that a full disk has room for it."""
        descriptor = os.open(self._own.path / LEASE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, value.ljust(_LEASE_LENGTH).encode(), 0)
        finally:
            os.close(descriptor)

    def give_up(self) -> None:
        """Show that we end in good order, so that nobody waits until we are thought dead."""
        with suppress(OSError):  # who does not see it waits
            self._write(_ENDED)

    def dead(self, *, at_once: bool = False) -> list[Path]:
        """Folders of replicas that ended or whose lease stood still for its time; `at_once`: all others."""
        now, dead = self._monotonic(), []
        for path in self._others():
            with suppress(OSError):
                value = (path / LEASE).read_text().strip() if (path / LEASE).exists() else ""
                if self._seen.get(path, ("?", 0.0))[0] != value:
                    self._seen[path] = (value, now)
                if at_once or value == _ENDED or now - self._seen[path][1] > self._seconds:
                    dead.append(path)
        return dead

    def take(self, path: Path) -> Folder | None:
        """Make a dead replica's folder ours; None where another one was faster. The rename decides."""
        ours = self._own.path / f"{ADOPTED}{path.name}"
        try:
            path.rename(ours)
        except OSError:
            return None
        self._seen.pop(path, None)
        return Folder(ours)

    def unfinished(self) -> list[Folder]:
        """Folders that were taken before a restart."""
        return [Folder(path) for path in sorted(self._own.path.glob(f"{ADOPTED}*"))]

    def _others(self) -> list[Path]:
        """Folders of replicas alone: a volume may have one of its own, such as lost+found."""
        return [path for path in sorted(self._spool.iterdir()) if (path / AWAITED).is_dir() and path != self._own.path]


def remove_adopted(folder: Folder) -> bool:
    """Remove what is left of a folder whose instances have all moved: announcements, and what had not arrived.

    False where something else lies in it: its owner, which was only slow, may have finished an instance meanwhile.
    """
    for nested in sorted(folder.path.glob(f"{ADOPTED}*")):
        remove_adopted(Folder(nested))
    for part in (folder.incoming, folder.announcements):
        shutil.rmtree(part, ignore_errors=True)
    with suppress(FileNotFoundError):
        (folder.path / LEASE).unlink()
    try:
        for part in (*(folder.path / AWAITED).glob("*"), folder.path / AWAITED, folder.quarantine):
            with suppress(FileNotFoundError):
                part.rmdir()
        folder.path.rmdir()
    except OSError:
        return False
    return True


@contextmanager
def alone(spool: Path, replica: str, *, shared: bool) -> Iterator[None]:
    """Hold the spool (or our folder of a shared one) against a second process while the context is open.

    A file system without locks is believed: then names keep replicas apart. Raises PermanentError.
    """
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = spool / (f".{replica}.lock" if shared else ".lock")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermanentError(
                f"another receiver uses {spool}: end it, or give this one a spool of its own", reason="SpoolInUse"
            ) from None
        except OSError:  # ENOLCK, EOPNOTSUPP: there are no locks here
            pass
        yield
