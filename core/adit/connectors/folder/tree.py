"""Directories and files below one root, opened part by part, so that no symbolic link leads out of it.

Every failure of the file system is translated here, once.
"""

import errno
import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from adit.errors import AditError, BadInput, PermanentError, RetryableError

DIRECTORY_MODE, FILE_MODE = 0o750, 0o640
TEMPORARY = ".part-"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_ODD = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EEXIST, errno.EISDIR})


@dataclass(frozen=True, slots=True)
class Tree:
    """The folder named `name`: `claim` below `mount_dir`, and `sub_path` in it; only the claim may be a link itself."""

    name: str
    mount_dir: Path
    claim: str
    sub_path: str | None

    @property
    def shown(self) -> str:
        """How messages name it: relative to MOUNT_DIR."""
        return f"MOUNT_DIR/{self.claim}" + (f"/{self.sub_path}" if self.sub_path else "")

    @contextmanager
    def directory(self, parts: Iterable[str] = (), *, create: bool) -> Iterator[int]:
        """A descriptor of the directory of these parts below the root; made where it is not there and `create` says so.

        Raises FileNotFoundError where it is not there and must not be made, else one of our errors.
        """
        with self.translated(missing=not create):
            current = self._root(create=create)
            try:
                for part in (*(self.sub_path or "").split("/"), *parts):
                    if part:
                        below = _below(current, part, create=create)
                        os.close(current)
                        current = below
                yield current
            finally:
                os.close(current)

    @contextmanager
    def translated(self, *, missing: bool = False) -> Iterator[None]:
        """Turn an OSError into one of our errors; a missing file passes through where `missing` says so."""
        try:
            yield
        except FileNotFoundError as error:
            if missing:
                raise
            raise self.error(error) from error
        except OSError as error:
            raise self.error(error) from error

    def error(self, error: OSError) -> AditError:
        """What a person can do about it; paths below the root hold patient data and are not named."""
        claim = f"the claim {self.claim}"
        if error.errno in _FULL:
            return RetryableError(
                f"{self.name}: {self.shown} is full; free some space on {claim}, or enlarge it", reason="DiskFull"
            )
        if error.errno in _DENIED:
            return PermanentError(
                f"{self.name}: cannot write to {self.shown} ({error.strerror}); let the user of this program "
                f"(uid {os.geteuid()}) write to {claim}, and mount it writable",
                reason="FolderNotWritable",
            )
        if error.errno in _ODD:
            return PermanentError(
                f"{self.name}: something below {self.shown} that must be a plain directory or file is not one "
                f"({error.strerror}); symbolic links are not followed: remove what is in the way",
                reason="FolderObstructed",
            )
        return RetryableError(
            f"{self.name}: {self.shown} cannot be used ({error.strerror}); see whether {claim} is mounted and healthy",
            reason="FolderError",
        )

    def _root(self, *, create: bool) -> int:
        if not self.claim or "/" in self.claim or self.claim in (".", ".."):
            raise BadInput(f"{self.name}: volume.claimName is not a name")
        path = self.mount_dir / self.claim
        if create:
            path.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _below(parent: int, part: str, *, create: bool) -> int:
    if create:
        with suppress(FileExistsError):
            os.mkdir(part, DIRECTORY_MODE, dir_fd=parent)
    return os.open(part, _DIRECTORY, dir_fd=parent)


def write_file(directory: int, name: str, chunks: Iterable[bytes]) -> int:
    """Write a file that is either there in full or not at all, even after a crash; returns its size.

    An older one of that name is replaced; whatever goes wrong, no temporary file stays. The caller syncs the directory.
    """
    temporary = TEMPORARY + secrets.token_hex(8)
    size = 0
    descriptor = os.open(temporary, _NEW, FILE_MODE, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for chunk in chunks:
                left = memoryview(chunk)
                while left:
                    written = file.write(left)
                    left = left[written:]
                    size += written
            os.fchmod(file.fileno(), FILE_MODE)
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    return size


def prove_writable(directory: int) -> None:
    """Write a temporary file and remove it."""
    temporary = TEMPORARY + secrets.token_hex(8)
    descriptor = os.open(temporary, _NEW, FILE_MODE, dir_fd=directory)
    try:
        os.write(descriptor, b"ADIT")
    finally:
        os.close(descriptor)
        os.unlink(temporary, dir_fd=directory)


def subdirectories(directory: int) -> list[str]:
    """The names of the directories in a directory; links are none."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


def sync(directory: int) -> None:
    """Make the names in a directory durable, where its file system can."""
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def remove_leftovers(directory: int) -> None:
    """Remove the temporary files of a run that was killed."""
    for name in os.listdir(directory):
        if name.startswith(TEMPORARY):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)


@contextmanager
def locked(directory: int) -> Iterator[None]:
    """Keep other runners from choosing a folder in `directory` meanwhile.

    Where the file system has no locks (some NFS), two that choose one name at the same moment are not kept apart.
    """
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOLCK, errno.EBADF, errno.ENOSYS):
            raise
        yield
        return
    try:
        yield
    finally:
        fcntl.flock(directory, fcntl.LOCK_UN)
