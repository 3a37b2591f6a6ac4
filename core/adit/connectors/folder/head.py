"""Reads the few values that name folders from the head of an encoded data set, and looks at nothing behind them.

A forward walk over the elements (PS3.5 §7): whatever is not wanted is skipped, every length has a limit.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from adit.transfer.instance import Instance

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

CHARACTER_SET = 0x00080005
# Files exist whose elements are out of order: look a little further than the last wanted one.
_END = 0x00280000
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_CHUNK = 1 << 16
_MAX_VALUE = 1 << 12
_MAX_HEAD = 256 << 20
_MAX_DEPTH = 32


class UnreadableHead(ValueError):
    """The bytes are no data set of the transfer syntax that they claim."""


def head_values(instance: Instance, wanted: frozenset[int]) -> dict[int, bytes]:
    """The raw values of those wanted elements (below group 0028) that are there.

    Raises UnreadableHead, and OSError or EOFError where its file cannot be read.
    """
    syntax = instance.transfer_syntax_uid
    chunks = instance.chunks(_CHUNK)
    stream = _Stream(_inflated(chunks) if syntax == DEFLATED else chunks)
    walk = _Walk(stream, explicit=syntax != IMPLICIT_LITTLE, little=syntax != EXPLICIT_BIG)
    values: dict[int, bytes] = {}
    while wanted - values.keys():
        header = walk.header()
        if header is None or header.tag >= _END:
            break
        if header.tag in wanted and header.length <= _MAX_VALUE:
            values[header.tag] = stream.take(header.length)
        else:
            walk.skip(header)
    return values


@dataclass(frozen=True, slots=True)
class _Header:
    tag: int
    vr: bytes
    length: int


class _Walk:
    """Reads element after element of one encoding."""

    def __init__(self, stream: "_Stream", *, explicit: bool, little: bool) -> None:
        self._stream = stream
        self._explicit = explicit
        self._little = little

    def header(self, *, explicit: bool | None = None) -> _Header | None:
        """The next element's header; None where the data set ends."""
        first = self._stream.take(8, may_end=True)
        if not first:
            return None
        tag = self._number(first[:2]) << 16 | self._number(first[2:4])
        if not (self._explicit if explicit is None else explicit) or tag >> 16 == _ITEM >> 16:
            return _Header(tag, b"", self._number(first[4:]))
        vr = first[4:6]
        if vr in _LONG_VRS:
            return _Header(tag, vr, self._number(self._stream.take(4)))
        return _Header(tag, vr, self._number(first[6:]))

    def skip(self, header: _Header, depth: int = 0, *, explicit: bool | None = None) -> None:
        """Go behind the element, through the items of a value of undefined length."""
        if header.length != _UNDEFINED:
            self._stream.skip(header.length)
            return
        if depth > _MAX_DEPTH:
            raise UnreadableHead(f"sequences are nested deeper than {_MAX_DEPTH}")
        # UN of undefined length holds implicit little endian, whatever stands around it (PS3.5 §6.2.2).
        inside = False if header.vr == b"UN" else explicit
        while (item := self._inner(explicit=inside)).tag != _SEQUENCE_END:
            if item.tag != _ITEM:
                raise UnreadableHead("a sequence holds something else than items")
            if item.length != _UNDEFINED:
                self._stream.skip(item.length)
                continue
            while (element := self._inner(explicit=inside)).tag != _ITEM_END:
                self.skip(element, depth + 1, explicit=inside)

    def _inner(self, *, explicit: bool | None) -> _Header:
        header = self.header(explicit=explicit)
        if header is None:
            raise UnreadableHead("the data set ends inside a sequence")
        return header

    def _number(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little" if self._little else "big")


class _Stream:
    """Bytes that can be taken or skipped, in order."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._left = _MAX_HEAD

    def take(self, count: int, *, may_end: bool = False) -> bytes:
        """Exactly `count` bytes, or none at all at the end where that is allowed."""
        while len(self._buffer) < count:
            more = next(self._chunks, b"")
            if not more:
                if may_end and not self._buffer:
                    return b""
                raise UnreadableHead("the data set ends inside an element")
            self._buffer += more
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        self._count(count)
        return taken

    def skip(self, count: int) -> None:
        self._count(count)
        while count > len(self._buffer):
            count -= len(self._buffer)
            self._buffer = next(self._chunks, b"")
            if not self._buffer:
                raise UnreadableHead("the data set ends inside an element")
        self._buffer = self._buffer[count:]

    def _count(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise UnreadableHead(f"the head is larger than {_MAX_HEAD >> 20} MiB")


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for chunk in chunks:
        pending = chunk
        while pending:
            try:
                piece = inflater.decompress(pending, _CHUNK)
            except zlib.error as error:
                raise UnreadableHead("the deflated data set cannot be inflated") from error
            if piece:
                yield piece
            pending = b"" if inflater.eof else inflater.unconsumed_tail
