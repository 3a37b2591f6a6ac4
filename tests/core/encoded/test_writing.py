"""Elements as they are written: padding, lengths, and what the length field cannot hold."""

import pytest

from adit.encoded import writing
from adit.encoded.elements import Malformed
from adit.encoded.encoding import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding, encoding_of


def test_the_encoding_of_a_transfer_syntax_is_explicit_little_unless_it_is_one_of_two() -> None:
    assert encoding_of("1.2.840.10008.1.2") == Encoding(implicit_vr=True, little_endian=True)
    assert encoding_of("1.2.840.10008.1.2.2") == Encoding(implicit_vr=False, little_endian=False)
    assert encoding_of("1.2.840.10008.1.2.4.90") == EXPLICIT_LITTLE


def test_an_encoding_reads_its_own_numbers() -> None:
    assert EXPLICIT_BIG.number(b"\x01\x02") == 0x0102
    assert EXPLICIT_LITTLE.tag(b"\x10\x00\x20\x00") == EXPLICIT_BIG.tag(b"\x00\x10\x00\x20") == 0x00100020


@pytest.mark.parametrize(
    ("vr", "encoding", "written"),
    [
        (b"LO", EXPLICIT_LITTLE, b"\x10\x00\x20\x00LO\x04\x00abc "),
        (b"LO", EXPLICIT_BIG, b"\x00\x10\x00\x20LO\x00\x04abc "),
        (b"LO", IMPLICIT_LITTLE, b"\x10\x00\x20\x00\x04\x00\x00\x00abc "),
        (b"UI", EXPLICIT_LITTLE, b"\x10\x00\x20\x00UI\x04\x00abc\0"),
        (b"OB", EXPLICIT_LITTLE, b"\x10\x00\x20\x00OB\0\0\x04\x00\x00\x00abc\0"),
        (b"UN", EXPLICIT_BIG, b"\x00\x10\x00\x20UN\0\0\x00\x00\x00\x04abc\0"),
        (b"UT", IMPLICIT_LITTLE, b"\x10\x00\x20\x00\x04\x00\x00\x00abc "),
    ],
)
def test_an_element_is_padded_by_its_vr(vr: bytes, encoding: Encoding, written: bytes) -> None:
    assert writing.element(0x00100020, vr, b"abc", encoding) == written


def test_a_value_of_64_kib_fits_only_where_the_length_has_32_bits() -> None:
    assert len(writing.element(0x00104000, b"LT", bytes(0xFFFE), EXPLICIT_LITTLE)) == 8 + 0xFFFE
    assert len(writing.element(0x00104000, b"LT", bytes(0x10000), IMPLICIT_LITTLE)) == 8 + 0x10000
    assert len(writing.element(0x00104000, b"UT", bytes(0x10000), EXPLICIT_LITTLE)) == 12 + 0x10000
    with pytest.raises(Malformed, match="ValueTooLong"):
        writing.element(0x00104000, b"LT", bytes(0xFFFF), EXPLICIT_LITTLE)


def test_a_header_holds_no_length_beyond_32_bits() -> None:
    with pytest.raises(Malformed, match="ValueTooLong"):
        writing.element_header(0x7FE00010, b"OW", 1 << 32, EXPLICIT_LITTLE)


def test_a_sequence_states_every_length() -> None:
    written = writing.sequence(0x00081140, b"SQ", [b"abcd", b""], EXPLICIT_BIG)
    assert written == (
        b"\x00\x08\x11\x40SQ\0\0\x00\x00\x00\x14"
        + (b"\xff\xfe\xe0\x00\x00\x00\x00\x04abcd" + b"\xff\xfe\xe0\x00\x00\x00\x00\x00")
    )


def test_the_items_of_an_unknown_vr_are_little_endian_everywhere() -> None:
    written = writing.sequence(0x00091010, b"UN", [b"ab"], EXPLICIT_BIG)
    assert written == b"\x00\x09\x10\x10UN\0\0\x00\x00\x00\x0a" + b"\xfe\xff\x00\xe0\x02\x00\x00\x00ab"
    assert writing.items_encoding(b"UN", EXPLICIT_BIG) == IMPLICIT_LITTLE


def test_what_has_no_length_is_opened_and_closed() -> None:
    parts = (
        writing.open_sequence(0x00081140, b"SQ", EXPLICIT_LITTLE),
        writing.open_item(EXPLICIT_LITTLE),
        writing.close_item(EXPLICIT_LITTLE),
        writing.close_sequence(EXPLICIT_LITTLE),
    )
    assert b"".join(parts) == (
        b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"
        + (b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0")
    )
