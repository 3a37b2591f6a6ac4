"""What of a value names somebody."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.pseudonymization.identifiers import NOTHING, Identifiers, Kind, identifiers_in, kind_of


def words(kind: Kind, value: str) -> set[str]:
    return set(identifiers_in(kind, value).words)


def test_every_person_name_is_a_name_whatever_its_tag() -> None:
    assert kind_of(0x0040A123, b"PN") is Kind.NAME
    assert kind_of(0x00091001, b"PN") is Kind.NAME


@pytest.mark.parametrize(
    ("tag", "vr", "kind"),
    [
        (0x00100020, b"LO", Kind.IDENTIFIER),
        (0x00080050, b"SH", Kind.NUMBER),
        (0x00101040, b"LO", Kind.ADDRESS),
        (0x00100030, b"DA", Kind.BIRTH_DATE),
        (0x00080020, b"DA", None),
        (0x00080060, b"CS", None),
    ],
)
def test_an_attribute_is_known_by_its_tag(tag: int, vr: bytes, kind: Kind | None) -> None:
    assert kind_of(tag, vr) is kind


def test_a_name_is_told_by_its_parts() -> None:
    assert words(Kind.NAME, "Smith^John Henry^^Prof. Dr.\\Meyer-Lüdenscheid^Anna=山田^太郎=やまだ^たろう") == {
        "smith",
        "john",
        "henry",
        "meyer-lüdenscheid",
        "meyer",
        "lüdenscheid",
        "anna",
        "山田",
        "太郎",
        "やまだ",
        "たろう",
    }


def test_a_short_part_is_left_to_the_cleaning_of_texts() -> None:
    assert identifiers_in(Kind.NAME, "Smith^Jo").short == {"jo"}


def test_a_short_family_name_is_told_beside_the_given_one() -> None:
    assert {"li^wei", "li wei", "wei li", "li, wei"} <= words(Kind.NAME, "Li^Wei")
    assert {"洪吉洞", "洪^吉洞", "吉洞"} <= words(Kind.NAME, "Hong^Gildong=洪^吉洞")


@pytest.mark.parametrize("value", ["", "UNKNOWN", "XXXX", "----", "0000", "Anonymous", "^", "=^=", "\\\\"])
def test_a_stand_in_names_nobody(value: str) -> None:
    assert words(Kind.NAME, value) == set()
    assert words(Kind.NAME, f"{value}^Patient") == set()
    assert words(Kind.IDENTIFIER, value) == set()


def test_a_padded_number_is_also_known_without_its_padding() -> None:
    assert words(Kind.IDENTIFIER, " 000123456 \\AB-7\0") == {"000123456", "123456", "ab-7"}


def test_the_number_of_an_order_has_a_digit() -> None:
    assert words(Kind.NUMBER, "HEAD\\A1234") == {"a1234"}
    assert words(Kind.IDENTIFIER, "HEAD") == {"head"}


def test_of_an_address_a_town_alone_names_nobody() -> None:
    assert words(Kind.ADDRESS, "Im Feld 42^^Heidelberg^^69120 Heidelberg") == {
        "im feld 42^^heidelberg^^69120 heidelberg",
        "im feld 42",
        "69120 heidelberg",
    }


@pytest.mark.parametrize("value", ["19620304", "1962.03.04", " 19620304 ", "19620304\0"])
def test_a_date_of_birth_is_read_in_both_forms(value: str) -> None:
    assert identifiers_in(Kind.BIRTH_DATE, value).dates == {dt.date(1962, 3, 4)}


@pytest.mark.parametrize("value", ["", "1962", "19621304", "19000101", "00010101", "0000000x", "unknown"])
def test_what_is_no_date_of_birth_gives_none(value: str) -> None:
    assert identifiers_in(Kind.BIRTH_DATE, value) is NOTHING


def test_identifiers_add_up() -> None:
    both = identifiers_in(Kind.NAME, "Smith") | identifiers_in(Kind.IDENTIFIER, "A1234") | NOTHING
    assert both == Identifiers(words=frozenset({"smith", "a1234"}))
    assert both
    assert not NOTHING


@given(st.sampled_from(Kind), st.text(max_size=200))
def test_no_value_is_too_strange(kind: Kind, value: str) -> None:
    found = identifiers_in(kind, value)
    assert all(2 <= len(word) <= 64 and word == word.lower() for word in found.words)


def test_a_name_in_undeclared_utf_8_is_known_as_it_is_meant() -> None:
    assert "müller" in words(Kind.NAME, "Müller^A".encode().decode("latin-1"))


def test_of_a_name_that_could_not_be_decoded_the_rest_is_known() -> None:
    assert words(Kind.NAME, "Bj\ufffdrnsson^A") == {"rnsson"}


@pytest.mark.parametrize("name", ["-^-", ".^.", "^", "--^*"])
def test_dashes_in_the_place_of_a_name_are_no_identifier(name: str) -> None:
    assert not identifiers_in(Kind.NAME, name)


@pytest.mark.parametrize("vr", [b"PN", b"LO", b"UN", b"OB"])
def test_a_name_under_another_vr_is_a_name(vr: bytes) -> None:
    assert kind_of(0x00100010, vr) is Kind.NAME
