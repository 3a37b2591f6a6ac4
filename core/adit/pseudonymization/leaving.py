"""Where rewritten bytes gather: in memory while they are few, in a file beside the spooled one when they are many."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Self

from adit.transfer.instance import FileSlice, Piece

SPILL_BYTES = 8 << 20


class Leaving:
    """Collects the bytes of a head or trailer; `pieces` is what was written."""

    def __init__(self, spill_path: Path, spill_bytes: int = SPILL_BYTES) -> None:
        self._path = spill_path
        self._limit = spill_bytes
        self._parts: list[bytes] = []
        self._held = 0
        self._file: BinaryIO | None = None
        self._start = self._written = 0

    def write(self, part: bytes) -> None:
        self._parts.append(part)
        self._held += len(part)
        if self._held > self._limit:
            self._spill()

    def extend(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.write(part)

    def _spill(self) -> None:
        if self._file is None:
            self._file = self._path.open("ab")
            self._file.seek(0, os.SEEK_END)
            self._start = self._file.tell()
        for part in self._parts:
            self._written += self._file.write(part)
        self._parts, self._held = [], 0

    def pieces(self) -> tuple[Piece, ...]:
        """What was written, in order; nothing may be written afterwards."""
        if self._file is None:
            return (b"".join(self._parts),) if self._held else ()
        self._spill()
        self._file.flush()
        return (FileSlice(self._path, self._start, self._written),)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
