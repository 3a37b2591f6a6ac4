"""Finds the frames of an encapsulated pixel value (PS3.5 A.4): items in a file, each frame in one or several."""

from collections.abc import Sequence
from itertools import pairwise
from typing import BinaryIO

from adit.pseudonymization.pixels.raster import Unblankable
from adit.transfer.instance import FileSlice

MAX_FRAGMENTS = 100_000
_ITEM, _SEQUENCE_DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_HEADER_BYTES = 8
_OFFSET_BYTES = 4
_START_OF_IMAGE = b"\xff\xd8\xff"

Frame = Sequence[FileSlice]


def frames_of(pixel: FileSlice, frames: int) -> list[Frame]:
    """The fragments of each frame. Raises Unblankable where it is not clear which belong to which."""
    if frames > MAX_FRAGMENTS:
        raise Unblankable("PixelDataTooLarge")
    with pixel.path.open("rb") as file:
        table, fragments = _items(file, pixel)
        if len(fragments) == frames == 1:
            return [fragments]
        if table.length:
            return _by_offsets(_offsets(file, table, frames), fragments)
        if len(fragments) == frames:
            return [[fragment] for fragment in fragments]
        starts = [index for index, fragment in enumerate(fragments) if _begins_image(file, fragment)]
    if len(starts) != frames or starts[0] != 0:
        raise Unblankable("FramesUnclear")
    return [fragments[start:stop] for start, stop in pairwise([*starts, len(fragments)])]


def _items(file: BinaryIO, pixel: FileSlice) -> tuple[FileSlice, list[FileSlice]]:
    """The basic offset table, and the fragments behind it."""
    position, end = pixel.start, pixel.start + pixel.length
    items: list[FileSlice] = []
    while position + _HEADER_BYTES <= end:
        file.seek(position)
        header = file.read(_HEADER_BYTES)
        position += _HEADER_BYTES
        length = int.from_bytes(header[4:], "little")
        if header[:4] == _SEQUENCE_DELIMITER and position == end and len(items) > 1:
            return items[0], items[1:]
        if header[:4] != _ITEM or length > end - position:
            break
        if len(items) > MAX_FRAGMENTS:
            raise Unblankable("PixelDataTooLarge")
        items.append(FileSlice(pixel.path, position, length))
        position += length
    raise Unblankable("FramesUnclear")


def _offsets(file: BinaryIO, table: FileSlice, frames: int) -> list[int]:
    if table.length != frames * _OFFSET_BYTES:
        raise Unblankable("FramesUnclear")
    file.seek(table.start)
    raw = file.read(table.length)
    return [int.from_bytes(raw[at : at + _OFFSET_BYTES], "little") for at in range(0, len(raw), _OFFSET_BYTES)]


def _by_offsets(offsets: list[int], fragments: list[FileSlice]) -> list[Frame]:
    """Each offset is that of an item's tag, counted from the first fragment's."""
    base = fragments[0].start
    index_of = {fragment.start - base: index for index, fragment in enumerate(fragments)}
    starts = [index_of.get(offset, -1) for offset in offsets]
    if starts[0] != 0 or any(start >= following for start, following in pairwise(starts)):
        raise Unblankable("FramesUnclear")
    return [fragments[start:stop] for start, stop in pairwise([*starts, len(fragments)])]


def _begins_image(file: BinaryIO, fragment: FileSlice) -> bool:
    file.seek(fragment.start)
    return fragment.length >= len(_START_OF_IMAGE) and file.read(len(_START_OF_IMAGE)) == _START_OF_IMAGE
