"""Splits an encoded data set into head, pixel value and trailer, so that only the two small parts are ever decoded.

The pixel value is that of (7FE0,0008), (7FE0,0009) or (7FE0,0010) at the top level (PS3.5 Annex A): native bytes, or
the encapsulated fragments up to and including the sequence delimiter.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.filereader import data_element_generator
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
)

from adit.encoded.elements import Malformed
from adit.encoded.encoding import Encoding, encoding_of
from adit.transfer.instance import READ_SIZE, FileSlice

PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
ITEM, SEQUENCE_DELIMITER = 0xFFFEE000, 0xFFFEE0DD
UNDEFINED_LENGTH = 0xFFFFFFFF
# What is decoded is held in memory: an object whose head is larger than this cannot be rewritten by this engine.
MAX_PART_BYTES = 32 << 20
# An inflated data set may be this large; a smaller file that claims more is a bomb.
MAX_INFLATED_BYTES = 2 << 30
# A pixel value leaves unread, so that its VR must be one of numbers: a text or a sequence could hold anything.
_PIXEL_VR = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"UN"})


class Unsplittable(Malformed):
    """The data set cannot be told apart into head, pixel value and trailer; `reason` is a code."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts lie: `pixel_header` is tag, VR and length field of the pixel element; None without one."""

    encoding: Encoding
    head: FileSlice
    pixel_header: FileSlice | None
    pixel: FileSlice | None
    trailer: FileSlice | None


def split(data_set: FileSlice, transfer_syntax_uid: str) -> Parts:
    """Find the parts without keeping a value. Raises Unsplittable where the elements do not add up to the data set."""
    encoding = encoding_of(transfer_syntax_uid)
    end = data_set.start + data_set.length
    with data_set.path.open("rb") as file:
        file.seek(data_set.start)
        start = _seek_pixel(file, encoding, end)
        if start == end:
            _require_small(data_set.length)
            return Parts(encoding, data_set, None, None, None)
        value, length = _pixel_header(file, start, encoding)
        stop = value + length if length != UNDEFINED_LENGTH else _end_of_fragments(file, value, end, encoding)
    if stop > end:
        raise Unsplittable("PixelDataTruncated")
    _require_small(start - data_set.start)
    _require_small(end - stop)
    path = data_set.path
    return Parts(
        encoding,
        head=FileSlice(path, data_set.start, start - data_set.start),
        pixel_header=FileSlice(path, start, value - start),
        pixel=FileSlice(path, value, stop - value),
        trailer=FileSlice(path, stop, end - stop) if stop < end else None,
    )


def inflated(data_set: FileSlice, target: Path) -> tuple[FileSlice, str]:
    """Inflate a deflated data set into `target`; it is then Explicit VR Little Endian (PS3.5 Annex A.5)."""
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
                    raise Unsplittable("InflatedTooLarge")
                out.write(piece)
        written += out.write(inflater.flush())
    if not inflater.eof:
        raise Unsplittable("DeflatedTruncated")
    return FileSlice(target, 0, written), str(ExplicitVRLittleEndian)


def is_deflated(transfer_syntax_uid: str) -> bool:
    """Whether the whole data set is one deflated stream."""
    return transfer_syntax_uid == DeflatedExplicitVRLittleEndian


def _require_small(length: int) -> None:
    if length > MAX_PART_BYTES:
        raise Unsplittable("HeaderTooLarge")


def _seek_pixel(file: BinaryIO, encoding: Encoding, end: int) -> int:
    """Walk the top level; the position of the pixel element, or `end` where there is none."""
    elements = data_element_generator(
        file,
        encoding.implicit_vr,
        encoding.little_endian,
        stop_when=lambda tag, _vr, _length: int(tag) in PIXEL_TAGS,
        defer_size=1024,
    )
    try:
        for _ in elements:
            if file.tell() > end:
                raise Unsplittable("ElementTooLong")
    except (EOFError, ValueError, NotImplementedError, OSError) as error:
        # An OSError with a number is the machine's; pydicom's, about the data set, have none.
        if isinstance(error, Unsplittable) or (isinstance(error, OSError) and error.errno is not None):
            raise
        raise Unsplittable("NotADataSet") from error
    return _position_after_walk(file, encoding, end)


def _position_after_walk(file: BinaryIO, encoding: Encoding, end: int) -> int:
    """The walk stops at the pixel element, at the end, or where it cannot go on: only the first two are a data set."""
    position = file.tell()
    if position == end:
        return end
    if position > end:
        raise Unsplittable("ElementTooLong")
    if encoding.tag(file.read(4)) not in PIXEL_TAGS:
        raise Unsplittable("NotADataSet")
    return position


def _pixel_header(file: BinaryIO, start: int, encoding: Encoding) -> tuple[int, int]:
    """Where the pixel value begins, and its length field."""
    file.seek(start + 4)
    if encoding.implicit_vr:
        return start + 8, encoding.number(file.read(4))
    vr = file.read(2)
    if vr not in _PIXEL_VR:
        raise Unsplittable("PixelDataVr")
    file.read(2)
    return start + 12, encoding.number(file.read(4))


def _end_of_fragments(file: BinaryIO, position: int, end: int, encoding: Encoding) -> int:
    """Walk the items of an encapsulated value; the position after its sequence delimiter."""
    while position + 8 <= end:
        file.seek(position)
        header = file.read(8)
        tag, length = encoding.tag(header), encoding.number(header[4:])
        position += 8
        if tag == SEQUENCE_DELIMITER:
            return position
        if tag != ITEM or length == UNDEFINED_LENGTH:
            break
        position += length
    raise Unsplittable("PixelDataTruncated")
