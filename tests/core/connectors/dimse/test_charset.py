"""Queries are written in the character set that the server is configured for, and answers are read in their own."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from adit.connectors.dimse.charset import decode_identifier, encode_identifier
from adit.errors import PermanentError
from adit.testing.patients import CYRILLIC, GREEK, JAPANESE, PATIENTS, PLAIN, UMLAUT, Patient

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def named(name: str) -> Dataset:
    identifier = Dataset()
    identifier.PatientName = name
    return identifier


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient.patient_id)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_every_name_is_sent_and_read_back_in_utf_8(patient: Patient, syntax: str) -> None:
    read = decode_identifier(encode_identifier(named(patient.name), "ISO_IR 192", syntax, "pacs"), syntax)
    assert read.SpecificCharacterSet == "ISO_IR 192"
    assert str(read.PatientName) == patient.name


@pytest.mark.parametrize(
    ("patient", "character_set", "expected"),
    [
        (UMLAUT, "ISO_IR 100", "Müßterfräu".encode("latin-1")),
        (GREEK, "ISO_IR 126", "Δοκιμή".encode("iso8859-7")),
        (CYRILLIC, "ISO_IR 144", "Образцова".encode("iso8859-5")),
        (JAPANESE, "\\ISO 2022 IR 87", b"\x1b$B"),
        (PLAIN, "", b"Sample^Paul"),
    ],
)
def test_a_configured_character_set_is_used(patient: Patient, character_set: str, expected: bytes) -> None:
    encoded = encode_identifier(named(patient.name), character_set, EXPLICIT, "pacs")
    assert expected in encoded
    assert str(decode_identifier(encoded, EXPLICIT).PatientName) == patient.name


@pytest.mark.parametrize(
    ("patient", "character_set"), [(GREEK, "ISO_IR 100"), (UMLAUT, ""), (UMLAUT, "ISO_IR 6"), (JAPANESE, "ISO_IR 100")]
)
def test_a_name_that_does_not_fit_is_refused_without_telling_it(patient: Patient, character_set: str) -> None:
    with pytest.raises(PermanentError, match=r"PatientName .* spec\.dimse\.specificCharacterSet of pacs") as error:
        encode_identifier(named(patient.name), character_set, EXPLICIT, "pacs")
    assert error.value.reason == "CharacterSet"
    assert patient.name not in error.value.message


def test_a_value_outside_the_texts_is_ascii_whatever_the_character_set() -> None:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STÜDY"
    with pytest.raises(PermanentError, match="QueryRetrieveLevel"):
        encode_identifier(identifier, "ISO_IR 192", EXPLICIT, "pacs")


TEXTS = ("AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT")
CHARACTER_SETS = (b"", b"ISO_IR 192", b"ISO 2022 IR 87", b"\xff")
TAGS = {
    "AE": 0x00080054,
    "AS": 0x00101010,
    "CS": 0x00080061,
    "DA": 0x00080020,
    "DT": 0x0008002A,
    "LO": 0x00081030,
    "LT": 0x00104000,
    "PN": 0x00100010,
    "SH": 0x00080050,
    "ST": 0x00080081,
    "TM": 0x00080030,
    "UC": 0x00080119,
    "UI": 0x0020000D,
    "UR": 0x00081190,
    "UT": 0x0040A160,
    "IS": 0x00201206,
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # of pydicom, about characters that are none
@given(st.sampled_from(TEXTS), st.binary(max_size=40), st.sampled_from(CHARACTER_SETS))
def test_whatever_bytes_a_text_has_it_can_be_read_later(vr: str, value: bytes, character_set: bytes) -> None:
    named = struct.pack("<HHI", 0x0008, 0x0005, len(character_set)) + character_set
    element = struct.pack("<HHI", TAGS[vr] >> 16, TAGS[vr] & 0xFFFF, len(value)) + value
    answer = decode_identifier(named + element, IMPLICIT)
    assert vr == answer[TAGS[vr]].VR
    assert str(answer[TAGS[vr]].value) is not None


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_name_that_cannot_be_read_is_left_out() -> None:
    japanese = struct.pack("<HHI", 0x0008, 0x0005, 14) + b"ISO 2022 IR 87"
    name = struct.pack("<HHI", 0x0010, 0x0010, 2) + b"^ "
    assert "PatientName" not in decode_identifier(japanese + name, IMPLICIT)
