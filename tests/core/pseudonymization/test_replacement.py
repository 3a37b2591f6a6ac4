"""Stand-ins: valid for their VR, the same for the same original, and never anything of the original."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adit.pseudonymization import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import PatientIdentity
from adit.pseudonymization.replacement import Replacements

RING = Keyring(ProjectKey(bytes(range(32))))
PATIENT_NAME = 0x00100010
INSTITUTION_NAME, INSTITUTION_ADDRESS, DEPARTMENT = 0x00080080, 0x00080081, 0x00081040
ADDRESS, COUNTRY, REGION = 0x00101040, 0x00102150, 0x00102152
STATION_NAME, PROTOCOL_NAME = 0x00081010, 0x00181030

# PS3.5 6.2: what a value of the VR is made of, without its padding.
VALID = {
    b"AE": r"[ -\[\]-~]{1,16}",
    b"AS": r"[0-9]{3}[DWMY]",
    b"CS": r"[A-Z0-9 _]{1,16}",
    b"DA": r"[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9])",
    b"DS": r"[0-9]{1,16}",
    b"DT": r"[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9])([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]",
    b"IS": r"[0-9]{1,12}",
    b"LO": r"[ -\[\]-~]{1,64}",
    b"LT": r"[ -~]{1,10240}",
    b"PN": r"[A-Z^]{1,64}",
    b"SH": r"[ -\[\]-~]{1,16}",
    b"ST": r"[ -~]{1,1024}",
    b"TM": r"([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]",
    b"UC": r"[ -\[\]-~]+",
    b"UR": r"[!-~]+",
    b"UT": r"[ -~]+",
}
TAGS = (PATIENT_NAME, INSTITUTION_NAME, INSTITUTION_ADDRESS, DEPARTMENT, ADDRESS, COUNTRY, REGION, PROTOCOL_NAME)


def replacements(patient_id: str = "4711") -> Replacements:
    return RING.patient(PatientIdentity(patient_id=patient_id)).replacements


OURS = replacements()


@settings(deadline=None)
@given(st.sampled_from(TAGS), st.sampled_from(sorted(VALID)), st.text(max_size=80))
@example(PATIENT_NAME, b"PN", "A")
@example(PATIENT_NAME, b"PN", "^")
@example(COUNTRY, b"LO", "e")
@example(PROTOCOL_NAME, b"CS", "removed")
@example(PROTOCOL_NAME, b"DA", "19000101")
@example(PROTOCOL_NAME, b"DA", "1")
@example(PROTOCOL_NAME, b"DT", "9")
@example(PROTOCOL_NAME, b"UR", "https://removed.invalid")
def test_a_dummy_is_valid_and_does_not_contain_its_original(tag: int, vr: bytes, original: str) -> None:
    dummy = OURS.dummy(tag, vr, original)
    assert dummy is not None
    assert re.fullmatch(VALID[vr], dummy)
    hidden = original.strip("\0 ").casefold()
    assert not hidden or hidden not in dummy.casefold()


@settings(deadline=None)
@given(st.sampled_from(sorted(VALID)), st.data())
def test_a_dummy_replaced_again_does_not_contain_itself(vr: bytes, data: st.DataObject) -> None:
    dummy = OURS.dummy(PROTOCOL_NAME, vr, "") or ""
    start = data.draw(st.integers(0, len(dummy) - 1))
    part = dummy[start : data.draw(st.integers(start + 1, len(dummy)))]
    again = OURS.dummy(PROTOCOL_NAME, vr, part)
    assert again is not None
    assert part.casefold() not in again.casefold()


def test_nobody_is_replaced_by_a_namesake() -> None:
    for number in range(200):
        name = OURS.dummy(PATIENT_NAME, b"PN", f"Smith^John{number}") or ""  # a name that dicognito knows
        dummy = OURS.dummy(PATIENT_NAME, b"PN", name.title()) or ""
        assert not set(dummy.split("^")) & set(name.split("^"))


def test_a_name_becomes_the_same_name_however_written() -> None:
    names = {
        OURS.dummy(tag, b"PN", name) for tag in (PATIENT_NAME, 0x00080090) for name in ("Smith^John", "SMITH^JOHN^")
    }
    names.add(replacements().dummy(PATIENT_NAME, b"PN", " smith^john"))
    assert len(names) == 1
    assert re.fullmatch(r"[A-Z]+\^[A-Z]+\^[A-Z]+", names.pop() or "")


def test_another_name_and_another_patient_have_another() -> None:
    names = {replacements(f"P{number}").dummy(PATIENT_NAME, b"PN", "Smith^John") for number in range(20)}
    names |= {OURS.dummy(PATIENT_NAME, b"PN", f"Smith^John{number}") for number in range(20)}
    assert len(names) == 40


def test_institutions_and_addresses_look_like_such() -> None:
    clinic = OURS.dummy(INSTITUTION_NAME, b"LO", "General Hospital")
    assert clinic is not None
    assert clinic.endswith("CLINIC")
    assert clinic == OURS.dummy(INSTITUTION_NAME, b"LO", "GENERAL  HOSPITAL ")
    assert re.fullmatch(r"\d+ .+, .+, .+", OURS.dummy(INSTITUTION_ADDRESS, b"ST", "Main Street 1") or "")
    assert re.fullmatch(r"\d+ .+", OURS.dummy(ADDRESS, b"LO", "Hauptstr. 1") or "")
    assert {OURS.dummy(tag, b"LO", "Kassel") for tag in (COUNTRY, REGION)}.isdisjoint({"REMOVED", None})


def test_a_short_string_is_not_longer_than_sixteen_characters() -> None:
    dummies = [OURS.dummy(INSTITUTION_NAME, b"SH", f"Hospital {number}") or "" for number in range(20)]
    assert max(map(len, dummies)) <= 16


@pytest.mark.parametrize(
    ("vr", "dummy"),
    [
        (b"SH", "REMOVED"),
        (b"CS", "REMOVED"),
        (b"DA", "19000101"),
        (b"DT", "19000101000000"),
        (b"TM", "000000"),
        (b"AS", "000Y"),
        (b"IS", "0"),
        (b"DS", "0"),
        (b"UR", "https://removed.invalid"),
    ],
)
def test_other_values_become_one_of_their_kind(vr: bytes, dummy: str) -> None:
    assert OURS.dummy(STATION_NAME, vr, "X7") == dummy


@pytest.mark.parametrize("vr", [b"UI", b"OB", b"OW", b"FD", b"US", b"AT", b"UN", b"SQ"])
def test_uids_and_binary_values_are_replaced_by_others(vr: bytes) -> None:
    assert OURS.dummy(STATION_NAME, vr, "X7") is None


def test_a_value_without_end_is_replaced_like_any_other() -> None:
    assert OURS.dummy(PATIENT_NAME, b"PN", "Smith^" + "J" * 1_000_000) not in (None, "REMOVED")
