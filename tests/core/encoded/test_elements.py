"""The walk, case by case: every encoding, lengths that are not stated, and what is no data set."""

import mmap
from pathlib import Path

import pytest

from adit.encoded import writing
from adit.encoded.elements import MAX_DEPTH, Element, Malformed, elements, holds_items, items, looks_like_items
from adit.encoded.encoding import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding

ENCODINGS = [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG]


def walk(data: bytes, encoding: Encoding = EXPLICIT_LITTLE) -> list[Element]:
    return list(elements(data, 0, len(data), encoding))


def unclosed(encoding: Encoding = EXPLICIT_LITTLE, *, vr: bytes = b"SQ", depth: int = 1) -> bytes:
    inner = writing.items_encoding(vr, encoding)
    return (writing.open_sequence(0x00081140, vr, encoding) + writing.open_item(inner)) * depth


def closed(content: bytes, encoding: Encoding = EXPLICIT_LITTLE, *, vr: bytes = b"SQ") -> bytes:
    inner = writing.items_encoding(vr, encoding)
    return (
        unclosed(encoding, vr=vr)
        + content
        + writing.close_item(inner)
        + writing.open_item(inner)
        + (writing.close_item(inner) + writing.close_sequence(inner))
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_element_is_where_it_lies(encoding: Encoding) -> None:
    first = writing.element(0x00100010, b"PN", b"Doe^John", encoding)
    second = writing.element(0x00104000, b"LT", b"", encoding)
    assert walk(first + second, encoding) == [
        Element(0x00100010, b"PN", 0, 8, 16, 16),
        Element(0x00104000, b"LT", 16, 24, 24, 24),
    ]


def test_a_long_header_has_twelve_bytes() -> None:
    (element,) = walk(writing.element(0x00420011, b"OB", b"%PDF", EXPLICIT_LITTLE))
    assert (element.value, element.stop, element.undefined) == (12, 16, False)


def test_the_vr_is_the_dictionarys_only_where_the_element_says_none() -> None:
    assert [walk(writing.element(0x00100010, b"LO", b"", encoding), encoding)[0].vr for encoding in ENCODINGS] == [
        b"LO",
        b"PN",
        b"LO",
    ]


def test_an_implicit_element_inside_explicit_vr_is_read_as_what_it_is() -> None:
    data = writing.element(0x00100010, b"PN", b"Doe", IMPLICIT_LITTLE) + writing.element(
        0x00100020, b"LO", b"1", EXPLICIT_LITTLE
    )
    assert [(element.vr, data[element.value : element.stop]) for element in walk(data)] == [
        (b"PN", b"Doe "),
        (b"LO", b"1 "),
    ]


@pytest.mark.parametrize("vr", [b"SQ", b"UN"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_sequence_without_length_ends_at_its_own_delimiter(encoding: Encoding, vr: bytes) -> None:
    inner = writing.items_encoding(vr, encoding)
    name = writing.element(0x00100010, b"PN", b"Doe^John", inner)
    data = closed(name + closed(name, inner) + name, encoding, vr=vr)
    behind = writing.element(0x00200010, b"SH", b"1", encoding)

    found, last = walk(data + behind, encoding)

    assert (found.end, last.start, found.undefined, holds_items(found)) == (len(data), len(data), True, True)
    first, second = items(data, found, encoding)
    assert [element.tag for element in elements(data, first.value, first.stop, inner)] == [
        0x00100010,
        0x00081140,
        0x00100010,
    ]
    assert (second.value, second.end, found.stop) == (second.stop, found.stop, found.end - 8)


def test_a_fragment_is_not_looked_into() -> None:
    fragment = writing.close_sequence(EXPLICIT_LITTLE) + b"\xfe\xff\x00\xe0"
    data = (
        writing.open_sequence(0x00091010, b"OB", EXPLICIT_LITTLE)
        + (b"\xfe\xff\x00\xe0" + len(fragment).to_bytes(4, "little") + fragment)
        + writing.close_sequence(EXPLICIT_LITTLE)
    )
    (found,) = walk(data)
    assert (found.end, holds_items(found)) == (len(data), False)
    assert [data[item.value : item.stop] for item in items(data, found, EXPLICIT_LITTLE)] == [fragment]


def test_a_sequence_hides_in_an_unknown_vr_of_known_length() -> None:
    known, private, blob = (
        writing.sequence(0x00081140, b"UN", [b""], EXPLICIT_LITTLE),
        writing.sequence(0x00091040, b"UN", [b""], EXPLICIT_LITTLE),
        writing.element(0x00091040, b"UN", b"\xfe\xff\x00\xe0\0\0\0\0and more", EXPLICIT_LITTLE),
    )
    assert [holds_items(walk(data)[0]) for data in (known, private, blob)] == [True, False, False]
    assert [looks_like_items(data, walk(data)[0], EXPLICIT_LITTLE) for data in (known, private, blob)] == [
        True,
        True,
        False,
    ]


def test_an_empty_value_has_no_items_and_looks_like_none() -> None:
    data = writing.sequence(0x00081140, b"UN", [], EXPLICIT_LITTLE)
    (found,) = walk(data)
    assert (list(items(data, found, EXPLICIT_LITTLE)), looks_like_items(data, found, EXPLICIT_LITTLE)) == ([], False)


def test_the_walk_ends_before_the_tag_it_shall_end_at() -> None:
    data = b"".join(writing.element(tag, b"LO", b"ab", EXPLICIT_LITTLE) for tag in (0x00100020, 0x00100021, 0x00200010))
    assert [e.tag for e in elements(data, 0, len(data), EXPLICIT_LITTLE, until=frozenset({0x00200010}))] == [
        0x00100020,
        0x00100021,
    ]
    assert [e.end for e in elements(data, 0, len(data), EXPLICIT_LITTLE, until=lambda tag: tag > 0x00100020)] == [10]


def test_an_element_that_ends_the_walk_is_not_looked_at() -> None:
    data = writing.element(0x00100020, b"LO", b"ab", EXPLICIT_LITTLE) + b"\xe0\x7f\x10\x00OWxxyyyy"
    assert len(list(elements(data, 0, len(data), EXPLICIT_LITTLE, until=frozenset({0x7FE00010})))) == 1


def test_a_mapped_file_and_a_view_are_walked_like_bytes(tmp_path: Path) -> None:
    data = closed(writing.element(0x00100010, b"PN", b"Doe", EXPLICIT_LITTLE))
    (tmp_path / "data").write_bytes(data)
    with (tmp_path / "data").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert list(elements(mapped, 0, len(data), EXPLICIT_LITTLE)) == walk(data)
        assert type(next(elements(mapped, 0, len(data), EXPLICIT_LITTLE)).vr) is bytes
    assert list(elements(memoryview(data), 0, len(data), EXPLICIT_LITTLE)) == walk(data)


def test_a_header_far_over_64_kib_is_walked_to_its_end() -> None:
    item = writing.element(0x00081155, b"UI", b"1.2.3", EXPLICIT_LITTLE)
    data = writing.sequence(0x00081140, b"SQ", [item] * 20_000, EXPLICIT_LITTLE)
    (found,) = walk(data)
    assert found.end == len(data) > 400_000
    assert sum(1 for _ in items(data, found, EXPLICIT_LITTLE)) == 20_000


LONG_NAME = writing.element_header(0x00100010, b"PN", 10, EXPLICIT_LITTLE)
ITEM_OF_TEN = b"\xfe\xff\x00\xe0\x0a\0\0\0"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x10\x00\x10\x00PN\x08", "ElementTruncated"),
        (b"\x42\x00\x11\x00OB\0\0\x01\0", "ElementTruncated"),
        (LONG_NAME + b"Doe", "ElementTooLong"),
        (writing.open_item(EXPLICIT_LITTLE), "NotADataSet"),
        (b"\xfe\xff\x00\xe0CS\0\0", "NotADataSet"),
        (writing.close_sequence(EXPLICIT_LITTLE), "NotADataSet"),
        (unclosed(), "ElementTruncated"),
        (unclosed() + LONG_NAME + b"Doe", "ElementTooLong"),
        (unclosed() + b"\x42\x00\x11\x00OB\0\0", "ElementTruncated"),
        (unclosed() + ITEM_OF_TEN, "NotADataSet"),
        (unclosed()[:12] + LONG_NAME, "NotADataSet"),
        (unclosed()[:12] + ITEM_OF_TEN + b"Doe", "ElementTooLong"),
        (unclosed(vr=b"OB"), "NotADataSet"),
        (closed(b"")[:-1], "ElementTruncated"),
        (closed(unclosed()[:12] + writing.close_item(EXPLICIT_LITTLE)), "NotADataSet"),
    ],
)
def test_what_is_no_data_set_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as raised:
        walk(data)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xfe\xff\x00\xe0", "ElementTruncated"),
        (ITEM_OF_TEN + b"Doe", "ElementTooLong"),
        (b"no items", "NotADataSet"),
        (writing.open_item(EXPLICIT_LITTLE), "ElementTruncated"),
        (writing.close_sequence(EXPLICIT_LITTLE), "NotADataSet"),
    ],
)
def test_what_is_no_item_has_a_reason(value: bytes, reason: str) -> None:
    data = writing.element(0x00081140, b"SQ", value, EXPLICIT_LITTLE) + closed(b"")
    with pytest.raises(Malformed) as raised:
        list(items(data, walk(data)[0], EXPLICIT_LITTLE))
    assert raised.value.reason == reason


def test_a_fragment_without_length_is_no_item() -> None:
    data = writing.element(0x00091010, b"OB", writing.open_item(EXPLICIT_LITTLE), EXPLICIT_LITTLE)
    with pytest.raises(Malformed, match="NotADataSet"):
        list(items(data, walk(data)[0], EXPLICIT_LITTLE))


def test_sequences_nest_as_deep_as_the_limit_and_no_deeper() -> None:
    data = b""
    for _ in range(MAX_DEPTH):
        data = closed(data)
    assert walk(data)[0].end == len(data)
    with pytest.raises(Malformed, match="NestedTooDeep"):
        walk(closed(data))


def test_a_bomb_of_open_sequences_is_put_down_at_once() -> None:
    with pytest.raises(Malformed, match="NestedTooDeep"):
        walk(unclosed(depth=1_000_000))


@pytest.mark.parametrize(("start", "end"), [(0, 11), (-1, 4), (6, 4)])
def test_positions_that_are_not_in_the_buffer_are_refused(start: int, end: int) -> None:
    with pytest.raises(Malformed, match="ElementTruncated"):
        elements(bytes(10), start, end, EXPLICIT_LITTLE)
