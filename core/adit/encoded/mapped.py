"""Files of any size as buffers for the walk: what it has passed is given back, so that no large head is in memory."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

RELEASE_BYTES: Final = 16 << 20  # how far a walk goes before it gives back what lies behind it


class MappedFile(mmap.mmap):
    """A file that is mapped for reading."""

    def release(self) -> None:
        """Give back the pages that were read; who needs one again gets it from the file."""
        self.madvise(mmap.MADV_DONTNEED)


@contextmanager
def mapped(path: Path) -> Iterator[MappedFile | bytes]:
    """The whole file, which must be our own: to cut a mapped file short is to kill the process that reads it.

    Raises OSError where it cannot be opened. An empty one cannot be mapped, and is empty bytes.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            yield b""
            return
        with MappedFile(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
            yield buffer
