"""What holds for any bytes: nothing but Malformed, always forward, never beyond the end; what is written is found."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from adit.encoded import writing
from adit.encoded.elements import (
    LONG_VRS,
    SHORT_VRS,
    Buffer,
    Element,
    Malformed,
    elements,
    holds_items,
    items,
    looks_like_items,
    nested_encoding,
)
from adit.encoded.encoding import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding

ENCODINGS = st.sampled_from([EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG])
# The bytes that mean something, so that more than the first header is reached.
WORDS = st.one_of(
    st.sampled_from([b"\xfe\xff", b"\xff\xfe", b"\x00\xe0", b"\xe0\x00", b"\x0d\xe0", b"\xdd\xe0"]),
    st.sampled_from([b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0", b"\x04\0", b"\x08\0\0\0"]),
    st.sampled_from([b"\x08\0", b"\x40\x11", b"\x09\0\x10\0", b"SQ", b"UN", b"OB", b"LO"]),
)
ANY_BYTES = st.one_of(st.binary(max_size=200), st.lists(WORDS, max_size=60).map(b"".join))


@dataclass(frozen=True)
class Sequence:
    """A sequence to be written: each item with its elements, lengths stated or not."""

    undefined: bool
    items: tuple[tuple[bool, "DataSet"], ...]


DataSet = tuple[tuple[int, bytes, "bytes | Sequence"], ...]
TAGS = st.sampled_from([0x00080005, 0x00091010, 0x00100010, 0x00104000, 0x60003000, 0x7FE00010, 0xFFFCFFFC])
PLAIN_VRS = st.sampled_from(sorted((SHORT_VRS | LONG_VRS) - {b"SQ", b"UN"}))
PLAIN = st.tuples(TAGS, PLAIN_VRS, st.binary(max_size=20).map(lambda value: value[: len(value) & ~1]))


def nested(data_sets: st.SearchStrategy[DataSet]) -> st.SearchStrategy[DataSet]:
    sequences = st.builds(Sequence, st.booleans(), st.lists(st.tuples(st.booleans(), data_sets), max_size=3).map(tuple))
    inner = st.tuples(st.sampled_from([0x00081140, 0x00082112]), st.sampled_from([b"SQ", b"UN"]), sequences)
    return st.lists(st.one_of(PLAIN, inner), max_size=4).map(tuple)


DATA_SETS = st.recursive(st.lists(PLAIN, max_size=4).map(tuple), nested, max_leaves=12)


def encoded(data_set: DataSet, encoding: Encoding) -> bytes:
    return b"".join(encoded_element(tag, vr, value, encoding) for tag, vr, value in data_set)


def encoded_element(tag: int, vr: bytes, value: "bytes | Sequence", encoding: Encoding) -> bytes:
    if isinstance(value, bytes):
        return writing.element(tag, vr, value, encoding)
    vr = b"SQ" if encoding.implicit_vr else vr
    inner = writing.items_encoding(vr, encoding)
    pieces = [(undefined, encoded(data_set, inner)) for undefined, data_set in value.items]
    if not value.undefined and not any(undefined for undefined, _ in pieces):
        return writing.sequence(tag, vr, [piece for _, piece in pieces], encoding)
    content = b"".join(
        writing.open_item(inner) + piece + writing.close_item(inner)
        if undefined
        else writing.sequence(tag, b"SQ", [piece], inner)[-8 - len(piece) :]
        for undefined, piece in pieces
    )
    if value.undefined:
        return writing.open_sequence(tag, vr, encoding) + content + writing.close_sequence(inner)
    return writing.element_header(tag, vr, len(content), encoding) + content


def found(buffer: Buffer, start: int, end: int, encoding: Encoding) -> DataSet:
    """What the walk finds, in the form that it was written from."""
    return tuple(
        (element.tag, element.vr, found_value(buffer, element, encoding))
        for element in elements(buffer, start, end, encoding)
    )


def found_value(buffer: Buffer, element: Element, encoding: Encoding) -> "bytes | Sequence":
    if not holds_items(element):
        return bytes(buffer[element.value : element.stop])
    inner = nested_encoding(element, encoding)
    return Sequence(
        element.undefined,
        tuple(
            (item.stop != item.end, found(buffer, item.value, item.stop, inner))
            for item in items(buffer, element, encoding)
        ),
    )


def as_read(data_set: DataSet, encoding: Encoding) -> DataSet:
    """The VRs that are left of it where implicit VR does not write them."""
    return tuple((tag, read_vr(tag, vr, encoding), read_value(vr, value, encoding)) for tag, vr, value in data_set)


def read_vr(tag: int, vr: bytes, encoding: Encoding) -> bytes:
    return next(elements(writing.element(tag, vr, b"", encoding), 0, 8, encoding)).vr if encoding.implicit_vr else vr


def read_value(vr: bytes, value: "bytes | Sequence", encoding: Encoding) -> "bytes | Sequence":
    if isinstance(value, bytes):
        return value
    inner = writing.items_encoding(b"SQ" if encoding.implicit_vr else vr, encoding)
    return Sequence(value.undefined, tuple((undefined, as_read(inside, inner)) for undefined, inside in value.items))


def visit(buffer: Buffer, start: int, end: int, encoding: Encoding, depth: int = 0) -> int:
    """Walk all there is; every step must be forward and inside."""
    steps, position = 0, start
    for element in elements(buffer, start, end, encoding):
        assert element.start == position < element.value <= element.stop <= element.end <= end
        position, steps = element.end, steps + 1
        looks_like_items(buffer, element, encoding)
        if holds_items(element) or element.undefined:
            at = element.value
            for item in items(buffer, element, encoding):
                assert item.start == at < item.value <= item.stop <= item.end <= element.stop
                at, steps = item.end, steps + 1
                if holds_items(element) and depth < 100:
                    steps += visit(buffer, item.value, item.stop, nested_encoding(element, encoding), depth + 1)
            assert at == element.stop
    assert position == end
    return steps


def outcome(buffer: Buffer, start: int, end: int, encoding: Encoding) -> int | str:
    try:
        return visit(buffer, start, end, encoding)
    except Malformed as error:
        return error.reason


@settings(deadline=None, max_examples=400)
@given(ANY_BYTES, ENCODINGS)
def test_no_bytes_raise_anything_but_malformed_and_every_step_is_forward(data: bytes, encoding: Encoding) -> None:
    assert isinstance(outcome(data, 0, len(data), encoding), int | str)


@settings(deadline=None, max_examples=200)
@given(ANY_BYTES, st.binary(max_size=30), st.binary(max_size=30), ENCODINGS)
def test_what_lies_around_a_data_set_makes_no_difference(
    data: bytes, before: bytes, behind: bytes, encoding: Encoding
) -> None:
    around = before + data + behind
    assert outcome(around, len(before), len(before) + len(data), encoding) == outcome(data, 0, len(data), encoding)


@settings(deadline=None, max_examples=200)
@given(DATA_SETS, ENCODINGS)
def test_what_was_written_is_found(data_set: DataSet, encoding: Encoding) -> None:
    data = encoded(data_set, encoding)
    assert found(data, 0, len(data), encoding) == as_read(data_set, encoding)
    assert isinstance(outcome(data, 0, len(data), encoding), int)


@settings(deadline=None, max_examples=200)
@given(DATA_SETS, ENCODINGS, st.data())
def test_a_data_set_that_was_damaged_is_malformed_or_another_one(
    data_set: DataSet, encoding: Encoding, data: st.DataObject
) -> None:
    whole = bytearray(encoded(data_set, encoding))
    for _ in range(data.draw(st.integers(1, 3))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(
                st.sampled_from([0, 1, 0xE0, 0xFE, 0xFF, 0x53])
            )
    assert isinstance(outcome(whole, 0, len(whole), encoding), int | str)


@settings(deadline=None, max_examples=200)
@given(DATA_SETS, ENCODINGS, st.data())
def test_a_data_set_that_was_cut_inside_an_element_is_malformed(
    data_set: DataSet, encoding: Encoding, data: st.DataObject
) -> None:
    whole = encoded(data_set, encoding)
    cuts = {0, *(element.end for element in elements(whole, 0, len(whole), encoding))}
    inside = [position for position in range(len(whole)) if position not in cuts]
    if inside:
        cut = data.draw(st.sampled_from(inside))
        assert outcome(whole[:cut], 0, cut, encoding) in ("ElementTooLong", "ElementTruncated")
