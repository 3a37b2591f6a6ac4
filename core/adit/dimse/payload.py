"""What is sent, cut to fragments (PS3.8 Annex E): headers beside views of the data, ready for one `sendmsg` per window.

Files are read into one buffer that is used again, not mapped, since a mapped file that somebody cuts short kills the
process (SIGBUS). It costs about the same: 200 MB over loopback took 0.040 s of CPU by preadv of 1 MiB windows, 0.032 s
mapped 32 MiB at a time, 0.045 s by sendfile for each PDU, and the same time by the clock within its noise. A window is
small so that the peer reads the first while we read the second, and that it stays in the processor's cache: 500
instances of 0.5 MB went a tenth faster in windows of 64 to 256 KiB than in windows of 1 MiB.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from adit.dimse.pdu import PduType
from adit.transfer.instance import FileSlice, Piece, piece_length

WINDOW_BYTES: Final = 256 << 10
MAX_FRAGMENT: Final = 1 << 20  # bytes, where the peer takes any
MIN_FRAGMENT: Final = 2
PDV_OVERHEAD: Final = 6  # the item's length, context and control byte, which count to the PDU's length
COMMAND, LAST = 1, 2
MAX_BUFFERS: Final = 512  # in one sendmsg; Linux takes 1024
_HEADER: Final = struct.Struct(">BBIIBB")

Buffer = bytes | memoryview


def fragment_size(max_pdu: int) -> int:
    """Bytes of data in one PDV for a peer that takes PDUs of `max_pdu` (0: any); even, as PS3.8 Annex E asks."""
    size = (max_pdu or MAX_FRAGMENT + PDV_OVERHEAD) - PDV_OVERHEAD
    return min(max(size, MIN_FRAGMENT), MAX_FRAGMENT) // 2 * 2


class Fragments:
    """Cuts `total` bytes, given in parts, into PDUs of one fragment of at most `size` bytes each."""

    def __init__(self, context_id: int, kind: int, total: int, size: int) -> None:
        self._context_id = context_id
        self._kind = kind
        self._size = size
        self._left = total  # of the bytes for which no header was given out yet
        self._in_fragment = 0

    def empty(self) -> bytes:
        """The one fragment of nothing."""
        return _header(self._context_id, self._kind | LAST, 0)

    def of(self, buffers: Iterable[Buffer]) -> list[Buffer]:
        """The next bytes, with the headers that belong before and between them."""
        framed: list[Buffer] = []
        for buffer in buffers:
            view, position = memoryview(buffer), 0
            while position < len(view):
                if not self._in_fragment:
                    self._in_fragment = min(self._size, self._left)
                    self._left -= self._in_fragment
                    last = 0 if self._left else LAST
                    framed.append(_header(self._context_id, self._kind | last, self._in_fragment))
                part = view[position : position + self._in_fragment]
                position += len(part)
                self._in_fragment -= len(part)
                framed.append(part)
        return framed


def _header(context_id: int, control: int, count: int) -> bytes:
    return _HEADER.pack(PduType.P_DATA_TF, 0, count + PDV_OVERHEAD, count + 2, context_id, control)


class Windows:
    """Reads pieces a window at a time; the buffer belongs to one association, and is used for every instance."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def read(self, pieces: Iterable[Piece]) -> Iterator[list[Buffer]]:
        """The bytes of the pieces in order, at most a window (or one in-memory piece) at a time.

        What is yielded is good until the next one. Raises OSError, and EOFError where a file is shorter than promised.
        """
        window: list[Buffer] = []
        room = 0
        for piece in pieces:
            if not isinstance(piece, FileSlice):
                if piece:
                    window.append(piece)
                continue
            if not self._buffer:
                self._buffer = bytearray(WINDOW_BYTES)
            whole = memoryview(self._buffer)
            descriptor = os.open(piece.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                position, end = piece.start, piece.start + piece.length
                while position < end:
                    if room == WINDOW_BYTES:
                        yield window
                        window, room = [], 0
                    view = whole[room : room + min(WINDOW_BYTES - room, end - position)]
                    count = os.preadv(descriptor, [view], position)
                    if not count:
                        raise EOFError(f"{_name(piece.path)} ends {end - position} bytes early")
                    window.append(view[:count])
                    position += count
                    room += count
            finally:
                os.close(descriptor)
        if window:
            yield window


def length_of(pieces: Iterable[Piece]) -> int:
    """Bytes in all of them."""
    return sum(piece_length(piece) for piece in pieces)


def _name(path: Path) -> str:
    return path.name
