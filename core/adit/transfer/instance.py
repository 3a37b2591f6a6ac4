"""The unit on the hot path: one SOP instance as the encoded data set it arrived as, mostly left where it lies.

Everything that moves images speaks in these; pass-through never decodes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READ_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Bytes in a file: `length` bytes from `start`."""

    path: Path
    start: int
    length: int

    def read(self) -> bytes:
        """All of it; only for what is known to be small."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.length)

    def chunks(self, size: int = READ_SIZE) -> Iterator[bytes]:
        """Its bytes in order, at most `size` at a time. Raises EOFError where the file is shorter than promised."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.length
            while left:
                chunk = file.read(min(size, left))
                if not chunk:
                    raise EOFError(f"{self.path.name} ends {left} bytes early")
                left -= len(chunk)
                yield chunk


Piece = bytes | FileSlice


def piece_length(piece: Piece) -> int:
    """Bytes in a piece."""
    return piece.length if isinstance(piece, FileSlice) else len(piece)


@dataclass(frozen=True, slots=True)
class Instance:
    """One SOP instance: its identity, its transfer syntax, and the encoded data set as pieces in order.

    As fetched it is one slice of a spool file (the data set only: no preamble, no group 0002). Rewritten it is head
    bytes, the untouched slice of the pixel value, and trailer bytes (`split` in adit.transfer.split makes them).
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    pieces: tuple[Piece, ...]

    @property
    def length(self) -> int:
        """Bytes of the encoded data set."""
        return sum(piece_length(piece) for piece in self.pieces)

    def chunks(self, size: int = READ_SIZE) -> Iterator[bytes]:
        """The encoded data set in order, never more than `size` bytes (or one in-memory piece) at a time."""
        for piece in self.pieces:
            if isinstance(piece, FileSlice):
                yield from piece.chunks(size)
            elif piece:
                yield piece
