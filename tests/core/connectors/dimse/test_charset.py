"""Queries are written in the character set that the server is configured for, and answers are read in their own."""

import pytest
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
