"""Walks the data elements of an encoded data set without decoding a value: what a PACS needs to index and to answer."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
LONG_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
MAX_DEPTH = 32
MAX_INFLATED = 256 << 20

Buffer = bytes | bytearray | memoryview


class UnreadableDataSet(ValueError):
    """The bytes are not a data set of the transfer syntax that they claim."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where one top-level element lies; `length` counts its value, the delimiters of undefined length included."""

    tag: int
    vr: str
    start: int
    length: int
    undefined: bool


def inflated(data: Buffer, transfer_syntax: str) -> Buffer:
    """The data set as it can be walked; only a deflated one is copied."""
    if transfer_syntax != DEFLATED_LITTLE:
        return data
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, MAX_INFLATED)
    except zlib.error as error:
        raise UnreadableDataSet("the deflated data set cannot be inflated") from error


def spans(data: Buffer, transfer_syntax: str, *, before: int = 1 << 32) -> Iterator[Span]:
    """The top-level elements whose tag is below `before`, in the order of the file."""
    walk = _Walk(data, little=transfer_syntax != EXPLICIT_BIG)
    explicit = transfer_syntax != IMPLICIT_LITTLE
    position = 0
    while position < len(data):
        tag, vr, start, length = walk.header(position, explicit=explicit)
        if tag >= before:
            return
        if length == UNDEFINED:
            position = walk.skip_items(start, explicit=explicit and vr != "UN", depth=0)
            yield Span(tag, vr, start, position - start, undefined=True)
            continue
        position = start + length
        if position > len(data):
            raise UnreadableDataSet(f"element {tag:08X} is longer than its data set")
        yield Span(tag, vr, start, length, undefined=False)


def encode_elements(elements: Iterable[tuple[int, str, bytes]], transfer_syntax: str) -> bytes:
    """Encode (tag, VR, value) in little endian, implicit or explicit as the syntax says, padded to even length."""
    explicit = transfer_syntax != IMPLICIT_LITTLE
    parts: list[bytes] = []
    for tag, vr, raw in elements:
        value = raw if len(raw) % 2 == 0 else raw + (b"\0" if vr in ("UI", "OB", "UN") else b" ")
        group_element = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
        if not explicit:
            parts += (group_element, struct.pack("<I", len(value)), value)
        elif vr in LONG_VRS:
            parts += (group_element, vr.encode(), struct.pack("<HI", 0, len(value)), value)
        else:
            parts += (group_element, vr.encode(), struct.pack("<H", len(value)), value)
    return b"".join(parts)


class _Walk:
    """Reads element headers of one buffer in one byte order."""

    def __init__(self, data: Buffer, *, little: bool) -> None:
        self._data = data
        order = "<" if little else ">"
        self._tag_length = struct.Struct(order + "HHI")
        self._short = struct.Struct(order + "H")
        self._long = struct.Struct(order + "I")

    def header(self, position: int, *, explicit: bool) -> tuple[int, str, int, int]:
        """Tag, VR ("" where the syntax has none), first byte of the value, length of the value."""
        try:
            group, element, length = self._tag_length.unpack_from(self._data, position)
            tag = group << 16 | element
            if not explicit or group == ITEM >> 16:
                return tag, "", position + 8, length
            vr = bytes(self._data[position + 4 : position + 6]).decode("latin-1")
            if vr in LONG_VRS:
                return tag, vr, position + 12, self._long.unpack_from(self._data, position + 8)[0]
            return tag, vr, position + 8, self._short.unpack_from(self._data, position + 6)[0]
        except struct.error as error:
            raise UnreadableDataSet("the data set ends inside an element") from error

    def skip_items(self, position: int, *, explicit: bool, depth: int) -> int:
        """The position after the sequence delimiter of a value of undefined length."""
        while True:
            tag, _, start, length = self.header(position, explicit=explicit)
            if tag == SEQUENCE_END:
                return start
            if tag != ITEM:
                raise UnreadableDataSet(f"a sequence holds element {tag:08X} instead of an item")
            position = start + length if length != UNDEFINED else self._skip_item(start, explicit=explicit, depth=depth)

    def _skip_item(self, position: int, *, explicit: bool, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise UnreadableDataSet(f"sequences are nested deeper than {MAX_DEPTH}")
        while True:
            tag, vr, start, length = self.header(position, explicit=explicit)
            if tag == ITEM_END:
                return start
            if length == UNDEFINED:
                position = self.skip_items(start, explicit=explicit and vr != "UN", depth=depth + 1)
            else:
                position = start + length
