"""The elements of the bytes that are about to leave, those inside sequences too; only values without items."""

from collections.abc import Iterator

from adit.encoded.elements import MAX_DEPTH, Buffer, Element, Malformed, elements, holds_items, items, nested_encoding
from adit.encoded.encoding import Encoding


def leaves(buffer: Buffer, start: int, end: int, encoding: Encoding, depth: int = 0) -> Iterator[Element]:
    """Every element that holds a value. Raises Malformed."""
    if depth > MAX_DEPTH:
        raise Malformed("NestedTooDeep")
    for element in elements(buffer, start, end, encoding):
        if not holds_items(element):
            yield element
            continue
        inner = nested_encoding(element, encoding)
        for item in items(buffer, element, encoding):
            yield from leaves(buffer, item.value, item.stop, inner, depth + 1)
