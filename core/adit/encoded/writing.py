"""Writes elements, sequences and items as bytes; the counterpart of `adit.encoded.elements`."""

from collections.abc import Sequence
from struct import pack
from typing import Final

from adit.encoded.closing import items_encoding
from adit.encoded.encoding import Encoding
from adit.encoded.layout import (
    ITEM,
    ITEM_DELIMITER,
    LONG_VRS,
    SEQUENCE_DELIMITER,
    TEXT_VRS,
    UNDEFINED_LENGTH,
    Malformed,
)

__all__ = [
    "close_item",
    "close_sequence",
    "element",
    "element_header",
    "items_encoding",
    "open_item",
    "open_sequence",
    "sequence",
]

_MAX_SHORT: Final = 0xFFFF


def element(tag: int, vr: bytes, value: bytes, encoding: Encoding) -> bytes:
    """One element, padded to even length. Raises Malformed (ValueTooLong) where its length field cannot hold it."""
    if len(value) % 2:
        value += b" " if vr in TEXT_VRS else b"\0"
    return element_header(tag, vr, len(value), encoding) + value


def element_header(tag: int, vr: bytes, length: int, encoding: Encoding) -> bytes:
    """Tag, VR and length of a value that is written apart, in an even number of bytes or UNDEFINED_LENGTH."""
    order = "<" if encoding.little_endian else ">"
    if not 0 <= length <= UNDEFINED_LENGTH:
        raise Malformed("ValueTooLong")
    if encoding.implicit_vr:
        return pack(order + "HHI", tag >> 16, tag & 0xFFFF, length)
    if vr in LONG_VRS:
        return pack(order + "HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, length)
    if length > _MAX_SHORT:
        raise Malformed("ValueTooLong")
    return pack(order + "HH2sH", tag >> 16, tag & 0xFFFF, vr, length)


def sequence(tag: int, vr: bytes, items: Sequence[bytes], encoding: Encoding) -> bytes:
    """A sequence of encoded items, every length stated; `encoding` is the sequence's own, also where its VR is UN."""
    inner = items_encoding(vr, encoding)
    value = b"".join(_delimiter(ITEM, len(item), inner) + item for item in items)
    return element_header(tag, vr, len(value), encoding) + value


def open_sequence(tag: int, vr: bytes, encoding: Encoding) -> bytes:
    """The header of a sequence of undefined length; `encoding` is the sequence's own."""
    return element_header(tag, vr, UNDEFINED_LENGTH, encoding)


def close_sequence(encoding: Encoding) -> bytes:
    """What ends a sequence of undefined length, in the encoding of its items."""
    return _delimiter(SEQUENCE_DELIMITER, 0, encoding)


def open_item(encoding: Encoding) -> bytes:
    """What begins an item of undefined length, in the encoding of the items."""
    return _delimiter(ITEM, UNDEFINED_LENGTH, encoding)


def close_item(encoding: Encoding) -> bytes:
    """What ends an item of undefined length, in the encoding of the items."""
    return _delimiter(ITEM_DELIMITER, 0, encoding)


def _delimiter(tag: int, length: int, encoding: Encoding) -> bytes:
    return pack("<HHI" if encoding.little_endian else ">HHI", tag >> 16, tag & 0xFFFF, length)
