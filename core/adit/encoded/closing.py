"""Looks for the delimiter that ends a value or an item of undefined length, which only a walk through it can find."""

import mmap
from typing import NamedTuple

from adit.encoded.dictionary import vr_of
from adit.encoded.encoding import IMPLICIT_LITTLE, Encoding
from adit.encoded.layout import (
    HEADER_BYTES,
    ITEM,
    ITEM_DELIMITER,
    ITEM_GROUP,
    LONG,
    LONG_VRS,
    MAX_DEPTH,
    SEQUENCE_DELIMITER,
    SEQUENCE_VRS,
    SHORT_VRS,
    TAG_LENGTH,
    TAG_VR_LENGTH,
    UNDEFINED_LENGTH,
    VR_LENGTH,
    Malformed,
    is_vr,
)
from adit.encoded.mapped import RELEASE_BYTES, MappedFile

Buffer = bytes | bytearray | mmap.mmap | memoryview


class _Open(NamedTuple):
    """A sequence or one of its items that is not closed yet; `encoding` is that of the items."""

    is_item: bool
    vr: bytes
    encoding: Encoding


def items_encoding(vr: bytes, encoding: Encoding) -> Encoding:
    """The encoding inside a sequence; one of VR UN is Implicit VR Little Endian everywhere (PS3.5 §6.2.2)."""
    return IMPLICIT_LITTLE if vr == b"UN" else encoding


def end_of_sequence(buffer: Buffer, position: int, end: int, vr: bytes, encoding: Encoding) -> int:
    """Where the delimiter of a value lies that begins at `position`; `encoding` is its element's. Raises Malformed."""
    return _closing(buffer, position, end, [_Open(is_item=False, vr=vr, encoding=items_encoding(vr, encoding))])


def end_of_item(buffer: Buffer, position: int, end: int, vr: bytes, encoding: Encoding) -> int:
    """Where the delimiter of an item lies whose value begins at `position`, in its own encoding. Raises Malformed."""
    return _closing(buffer, position, end, [_Open(is_item=True, vr=vr, encoding=encoding)])


def _closing(buffer: Buffer, position: int, end: int, opened: list[_Open]) -> int:
    """Walk until all is closed. Whatever states its length is stepped over, what does not lies on a stack of ours."""
    release_at = position + RELEASE_BYTES
    while end - position >= HEADER_BYTES:
        if position > release_at and isinstance(buffer, MappedFile):
            buffer.release()
            release_at = position + RELEASE_BYTES
        if opened[-1].is_item:
            position = _in_item(buffer, position, end, opened)
        else:
            position = _between_items(buffer, position, opened)
        if not opened:
            return position - HEADER_BYTES
    raise Malformed("ElementTooLong" if position > end else "ElementTruncated")


def _between_items(buffer: Buffer, position: int, opened: list[_Open]) -> int:
    """Step over an item, into one, or out of the sequence; the next position."""
    sequence = opened[-1]
    group, number, length = TAG_LENGTH[sequence.encoding.little_endian].unpack_from(buffer, position)
    tag = group << 16 | number
    if tag == SEQUENCE_DELIMITER:
        opened.pop()
        return position + HEADER_BYTES
    if tag != ITEM:
        raise Malformed("NotADataSet")
    if length != UNDEFINED_LENGTH:
        return int(position + HEADER_BYTES + length)
    if sequence.vr not in SEQUENCE_VRS:
        raise Malformed("NotADataSet")  # a fragment has a length
    opened.append(sequence._replace(is_item=True))
    return position + HEADER_BYTES


def _in_item(buffer: Buffer, position: int, end: int, opened: list[_Open]) -> int:
    """Step over elements until one has no length, the item ends, or there is something to give back; what is next."""
    encoding = opened[-1].encoding
    unpack = TAG_VR_LENGTH[encoding.little_endian].unpack_from
    explicit = not encoding.implicit_vr
    last = min(end - HEADER_BYTES, position + RELEASE_BYTES)
    while position <= last:
        if explicit:
            group, _, vr, length = unpack(buffer, position)
            if vr in SHORT_VRS and group != ITEM_GROUP:
                position += HEADER_BYTES + length  # nearly all of them, in half the time
                continue
        tag, vr, value, length = _header(buffer, position, end, encoding)
        if length == UNDEFINED_LENGTH or tag >> 16 == ITEM_GROUP:
            return _into_or_out(tag, vr, value, opened)
        position = value + length
    return position


def _into_or_out(tag: int, vr: bytes, value: int, opened: list[_Open]) -> int:
    """Into a value without length, or out of the item."""
    if tag == ITEM_DELIMITER:
        opened.pop()
    elif tag >> 16 == ITEM_GROUP:
        raise Malformed("NotADataSet")
    elif len(opened) >= 2 * MAX_DEPTH:
        raise Malformed("NestedTooDeep")
    else:
        vr = vr or vr_of(tag)
        opened.append(_Open(is_item=False, vr=vr, encoding=items_encoding(vr, opened[-1].encoding)))
    return value


def _header(buffer: Buffer, position: int, end: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """Tag, VR (empty where it is not said), first byte and length of the value of an element or a delimiter."""
    group, number, length = TAG_LENGTH[encoding.little_endian].unpack_from(buffer, position)
    tag, value = group << 16 | number, position + HEADER_BYTES
    if encoding.implicit_vr or group == ITEM_GROUP:
        return tag, b"", value, length
    vr, short_length = VR_LENGTH[encoding.little_endian].unpack_from(buffer, position + 4)
    if vr in SHORT_VRS:
        return tag, vr, value, short_length
    if vr in LONG_VRS:
        if value + 4 > end:
            raise Malformed("ElementTruncated")
        return tag, vr, value + 4, LONG[encoding.little_endian].unpack_from(buffer, value)[0]
    return (tag, vr, value, short_length) if is_vr(vr) else (tag, b"", value, length)
