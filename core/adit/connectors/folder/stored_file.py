"""One file that lies in the folder, as the instance in it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adit.connectors.folder.head import UnreadableHead
from adit.connectors.folder.identity import Identity
from adit.transfer.part10 import NotPart10, open_part10

SUFFIX = ".dcm"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's name and size (bytes), and who the instance in it says it is."""

    name: str
    size: int
    identity: Identity


def sizes_in(directory: int) -> dict[str, int]:
    """File name → bytes of the complete instances in a directory, by name; temporary files have another ending."""
    with os.scandir(directory) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if entry.name.endswith(SUFFIX) and not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
        )
    return {name: os.stat(name, dir_fd=directory, follow_symlinks=False).st_size for name in names}


def stored_files(directory: int) -> Iterator[StoredFile]:
    """The instances that lie in a directory; what is none, or is a link, is not among them."""
    for name in sizes_in(directory):
        if (file := stored_file(directory, name)) is not None:
            yield file


def stored_file(directory: int, name: str) -> StoredFile | None:
    """The instance in a file; None where there is none that can be read."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        instance = open_part10(Path(f"/proc/self/fd/{descriptor}"))  # the file that was opened, whatever is renamed
        return StoredFile(name, status.st_size, Identity.of(instance))
    except (NotPart10, UnreadableHead, EOFError, OSError):
        return None
    finally:
        os.close(descriptor)
