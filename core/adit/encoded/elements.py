"""Finds the elements of an encoded data set, one after another, and the items inside them; no value is looked at.

A damaged or hostile data set raises Malformed: nothing beyond the given end is read, and every loop goes forward.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from adit.encoded.closing import Buffer, end_of_item, end_of_sequence, items_encoding
from adit.encoded.dictionary import VRS, vr_of
from adit.encoded.encoding import Encoding
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
    Malformed,
    is_vr,
)

__all__ = [
    "ITEM",
    "ITEM_DELIMITER",
    "LONG_VRS",
    "MAX_DEPTH",
    "SEQUENCE_DELIMITER",
    "SHORT_VRS",
    "UNDEFINED_LENGTH",
    "Buffer",
    "Element",
    "Item",
    "Malformed",
    "Until",
    "elements",
    "holds_items",
    "items",
    "looks_like_items",
    "nested_encoding",
]

# A named tuple out of a tuple, in a third of the time that calling its class takes.
_new: Callable[..., "Element"] = tuple.__new__


class Element(NamedTuple):
    """Where one element lies: its header from `start`, its value from `value` to `stop`, the next element from `end`.

    `stop` differs from `end` only where the length is undefined: the sequence delimiter lies between the two.
    """

    tag: int
    vr: bytes
    start: int
    value: int
    stop: int
    end: int

    @property
    def undefined(self) -> bool:
        """Whether a delimiter, and not a length, ends the value."""
        return self.stop != self.end


class Item(NamedTuple):
    """Where one item of a sequence (or one fragment) lies; as for Element."""

    start: int
    value: int
    stop: int
    end: int


Until = Callable[[int], bool] | frozenset[int] | None


def elements(buffer: Buffer, start: int, end: int, encoding: Encoding, *, until: Until = None) -> Iterator[Element]:
    """The elements between two positions, in their order; ends before the first tag that is in `until`.

    In explicit VR the VR is what the element says, in implicit VR what the dictionary says. An element without a VR
    inside explicit VR is read as implicit, which some writers of sequences do. Raises Malformed.
    """
    if not 0 <= start <= end <= len(buffer):
        raise Malformed("ElementTruncated")
    stops = until.__contains__ if isinstance(until, frozenset) else until
    walk = _implicit_elements if encoding.implicit_vr else _explicit_elements
    return walk(buffer, start, end, encoding, stops)


def items(buffer: Buffer, element: Element, encoding: Encoding) -> Iterator[Item]:
    """The items of an element's value, in their order; `encoding` is the element's own. Raises Malformed."""
    inner = nested_encoding(element, encoding)
    unpack = TAG_LENGTH[inner.little_endian].unpack_from
    position, stop = element.value, element.stop
    if not 0 <= position <= stop <= len(buffer):
        raise Malformed("ElementTruncated")
    while position < stop:
        if stop - position < HEADER_BYTES:
            raise Malformed("ElementTruncated")
        group, number, length = unpack(buffer, position)
        if group << 16 | number != ITEM:
            raise Malformed("NotADataSet")
        value = position + 8
        if length != UNDEFINED_LENGTH:
            end = value + length
            if end > stop:
                raise Malformed("ElementTooLong")
            yield Item(position, value, end, end)
        elif element.vr in SEQUENCE_VRS:
            delimiter = end_of_item(buffer, value, stop, element.vr, inner)
            end = delimiter + 8
            yield Item(position, value, delimiter, end)
        else:
            raise Malformed("NotADataSet")
        position = end


def holds_items(element: Element) -> bool:
    """Whether the header says that the value is a sequence of data sets.

    It does by VR SQ, by VR UN with undefined length (PS3.5 §6.2.2), or by VR UN where the dictionary says SQ.
    """
    vr = element.vr
    return vr == b"SQ" or (vr == b"UN" and (element.stop != element.end or vr_of(element.tag) == b"SQ"))


def looks_like_items(buffer: Buffer, element: Element, encoding: Encoding) -> bool:
    """Whether a value that is of no known kind consists of items to its last byte, as private sequences do.

    Nobody says so in implicit VR where the sequence has a length; a value with a single byte besides is none.
    """
    try:
        return sum(1 for _ in items(buffer, element, encoding)) > 0
    except Malformed:
        return False


def nested_encoding(element: Element, encoding: Encoding) -> Encoding:
    """The encoding of the items: a sequence of VR UN is Implicit VR Little Endian everywhere (PS3.5 §6.2.2)."""
    return items_encoding(element.vr, encoding)


def _implicit_elements(
    buffer: Buffer, position: int, end: int, encoding: Encoding, stops: Callable[[int], bool] | None
) -> Iterator[Element]:
    unpack, known, new = TAG_LENGTH[encoding.little_endian].unpack_from, VRS.get, _new
    last = end - 8
    while position <= last:
        group, number, length = unpack(buffer, position)
        tag = group << 16 | number
        if stops is not None and stops(tag):
            return
        if group == ITEM_GROUP:
            raise Malformed("NotADataSet")
        vr = known(tag) or vr_of(tag)
        value = position + 8
        if length == UNDEFINED_LENGTH:
            stop = end_of_sequence(buffer, value, end, vr, encoding)
            after = stop + 8
        else:
            stop = after = value + length
            if stop > end:
                raise Malformed("ElementTooLong")
        yield new(Element, (tag, vr, position, value, stop, after))
        position = after
    if position != end:
        raise Malformed("ElementTruncated")


def _explicit_elements(  # noqa: C901  # one flat loop: a call for each element would double its time
    buffer: Buffer, position: int, end: int, encoding: Encoding, stops: Callable[[int], bool] | None
) -> Iterator[Element]:
    unpack, unpack_long = TAG_VR_LENGTH[encoding.little_endian].unpack_from, LONG[encoding.little_endian].unpack_from
    short, new = SHORT_VRS, _new
    last = end - 8
    while position <= last:
        group, number, vr, length = unpack(buffer, position)
        tag = group << 16 | number
        if stops is not None and stops(tag):
            return
        if group == ITEM_GROUP:
            raise Malformed("NotADataSet")
        value = position + 8
        if vr not in short:
            if vr in LONG_VRS:
                value = position + 12
                if value > end:
                    raise Malformed("ElementTruncated")
                (length,) = unpack_long(buffer, position + 8)
            elif not is_vr(vr):
                vr = vr_of(tag)
                (length,) = unpack_long(buffer, position + 4)
        if length == UNDEFINED_LENGTH:
            stop = end_of_sequence(buffer, value, end, vr, encoding)
            after = stop + 8
        else:
            stop = after = value + length
            if stop > end:
                raise Malformed("ElementTooLong")
        yield new(Element, (tag, vr, position, value, stop, after))
        position = after
    if position != end:
        raise Malformed("ElementTruncated")
