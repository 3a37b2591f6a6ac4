"""Splits an encoded data set into head, pixel value and trailer, so that only the two small parts are looked at.

The pixel value is that of (7FE0,0008), (7FE0,0009) or (7FE0,0010) at the top level (PS3.5 Annex A): native bytes, or
the encapsulated fragments up to and including the sequence delimiter.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adit.encoded.closing import end_of_sequence
from adit.encoded.elements import UNDEFINED_LENGTH, Buffer, Malformed, elements
from adit.encoded.encoding import Encoding, encoding_of
from adit.encoded.layout import HEADER_BYTES
from adit.encoded.mapped import RELEASE_BYTES, MappedFile, mapped
from adit.transfer.instance import READ_SIZE, FileSlice

_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
_DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
PIXEL_TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
# A head or trailer may be this large: no value in one is longer than 32 bits say, and whoever rewrites one streams it.
MAX_PART_BYTES: Final = 2 << 30
# An inflated data set may be this large; a smaller file that claims more is a bomb.
MAX_INFLATED_BYTES: Final = 2 << 30
# A pixel value leaves unread, so that its VR must be one of numbers: a text or a sequence could hold anything.
_PIXEL_VR = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"UN"})


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts lie: `pixel_header` is tag, VR and length field of the pixel element; None without one."""

    encoding: Encoding
    head: FileSlice
    pixel_header: FileSlice | None
    pixel: FileSlice | None
    trailer: FileSlice | None


def split(data_set: FileSlice, transfer_syntax_uid: str, *, max_part_bytes: int = MAX_PART_BYTES) -> Parts:
    """Find the parts without keeping a value. Raises Malformed where the elements do not add up to the data set."""
    encoding = encoding_of(transfer_syntax_uid)
    path, begin, end = data_set.path, data_set.start, data_set.start + data_set.length
    with mapped(path) as buffer:
        start = _end_of_head(buffer, begin, end, encoding)
        value, stop = _pixel(buffer, start, end, encoding) if start < end else (end, end)
    if max(start - begin, end - stop) > max_part_bytes:
        raise Malformed("HeaderTooLarge")
    if start == end:
        return Parts(encoding, data_set, None, None, None)
    return Parts(
        encoding,
        head=FileSlice(path, begin, start - begin),
        pixel_header=FileSlice(path, start, value - start),
        pixel=FileSlice(path, value, stop - value),
        trailer=FileSlice(path, stop, end - stop) if stop < end else None,
    )


def inflated(data_set: FileSlice, target: Path) -> tuple[FileSlice, str]:
    """Inflate a deflated data set into `target`; it is then Explicit VR Little Endian (PS3.5 Annex A.5)."""
    try:
        written = _inflate(data_set, target)
    except zlib.error as error:
        raise Malformed("DeflatedCorrupt") from error
    return FileSlice(target, 0, written), _EXPLICIT_VR_LITTLE_ENDIAN


def is_deflated(transfer_syntax_uid: str) -> bool:
    """Whether the whole data set is one deflated stream."""
    return transfer_syntax_uid == _DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN


def _inflate(data_set: FileSlice, target: Path) -> int:
    """Bytes written; never more than one read's worth of them is held."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    written = 0
    with target.open("wb") as out:
        for chunk in data_set.chunks():
            pending = chunk
            while pending:
                piece = inflater.decompress(pending, READ_SIZE)
                pending = inflater.unconsumed_tail
                written += len(piece)
                if written > MAX_INFLATED_BYTES:
                    raise Malformed("InflatedTooLarge")
                out.write(piece)
            if inflater.eof:
                break  # what stands behind the stream is padding
        written += out.write(inflater.flush())
    if not inflater.eof:
        raise Malformed("DeflatedTruncated")
    return written


def _end_of_head(buffer: Buffer, begin: int, end: int, encoding: Encoding) -> int:
    """Walk the top level; the position of the pixel element, or `end` where there is none."""
    position, release_at = begin, begin + RELEASE_BYTES
    for element in elements(buffer, begin, end, encoding, until=PIXEL_TAGS):
        position = element.end
        if position > release_at and isinstance(buffer, MappedFile):
            buffer.release()
            release_at = position + RELEASE_BYTES
    return position


def _pixel(buffer: Buffer, start: int, end: int, encoding: Encoding) -> tuple[int, int]:
    """Where the value of the pixel element begins, and where what follows it does."""
    value, vr = start + 8, b"OW"
    if not encoding.implicit_vr:
        value, vr = start + 12, bytes(buffer[start + 4 : start + 6])
    if vr not in _PIXEL_VR:
        raise Malformed("PixelDataVr")
    if value > end:
        raise Malformed("PixelDataTruncated")
    length = encoding.number(bytes(buffer[value - 4 : value]))
    if length == UNDEFINED_LENGTH:
        return value, _end_of_fragments(buffer, value, end, encoding)
    if value + length > end:
        raise Malformed("PixelDataTruncated")
    return value, value + length


def _end_of_fragments(buffer: Buffer, value: int, end: int, encoding: Encoding) -> int:
    """Walk the items of an encapsulated value; the position after its sequence delimiter."""
    try:
        return end_of_sequence(buffer, value, end, b"OB", encoding) + HEADER_BYTES
    except Malformed as error:
        raise Malformed("PixelDataTruncated") from error
