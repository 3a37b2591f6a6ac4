"""The keyring: valid new UIDs, one patient under many spellings, and the same answers wherever the key is."""

import os
import re
import subprocess
import sys
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.api.pseudonymization_profile import DateShift
from adit.pseudonymization import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import PatientIdentity, keyed, normalised_name

KEY = ProjectKey(bytes(range(32)))
RING = Keyring(KEY)
OTHER = Keyring(ProjectKey(bytes(32)))
STUDY = "1.2.826.0.1.3680043.8.498.7.1"
UID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")  # PS3.5 9.1
UUID_UID = re.compile(r"2\.25\.[1-9][0-9]*")  # PS3.5 B.2

uids = st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,8})){1,5}", fullmatch=True).filter(
    lambda uid: not uid.startswith("1.2.840.10008")
)
roots = st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,6})){1,3}", fullmatch=True).filter(lambda root: root != "2.25")
fields = st.text(max_size=6)

EVERYTHING = """
from adit.pseudonymization import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import PatientIdentity
ring = Keyring(ProjectKey(bytes(range(32))))
patient = ring.patient(PatientIdentity("CLINIC", "4711", "Smith^John", "19700203"))
print(ring.uid("1.2.826.0.1.3680043.8.498.7.1"))
print(Keyring(ProjectKey(bytes(range(32))), uid_root="1.2.276.0.7230010").uid("1.2.826.0.1.3680043.8.498.7.1"))
print(patient.key.hex(), patient.days)
print(patient.replacements.dummy(0x00100010, b"PN", "Smith^John"))
print(patient.replacements.dummy(0x00080080, b"LO", "General Hospital"))
print(ring.derived_pseudonym("CLINIC", "4711"), ring.derived_pseudonym("CLINIC", "4711", "job"))
"""


def in_another_process(hash_seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    run = subprocess.run(
        [sys.executable, "-c", EVERYTHING], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    return run.stdout.splitlines()


def test_two_processes_with_one_key_agree_on_everything_and_always_did() -> None:
    answers = in_another_process("1")
    assert answers == in_another_process("4242")
    # Data that left is matched by these values for years: another answer is another ENGINE of the profile.
    assert answers == [
        "2.25.213984633386919950803871681404737868518",
        "1.2.276.0.7230010.2948921378212353342965283217666601395889752260",
        "777f229ddc463ccec3156e3c083be79071add0dc4b3319ac73897de94785611c -1372",
        "COFFEY^KARL^MARGERY",
        "XI'AN'S CREEKSIDE DRIVE CLINIC",
        "466D2IS45N2E NHFKNQZF6FYB",
    ]


@settings(deadline=None)
@given(uids)
def test_a_new_uid_is_a_uuid_of_its_own_kind(original: str) -> None:
    new = RING.uid(original)
    assert UUID_UID.fullmatch(new)
    assert len(new) <= 64
    assert new != original
    number = uuid.UUID(int=int(new.removeprefix("2.25.")))
    assert (number.version, number.variant) == (8, uuid.RFC_4122)


@settings(deadline=None)
@given(st.text())
def test_whatever_stands_for_a_uid_becomes_a_valid_one_or_stays_empty(original: str) -> None:
    new = RING.uid(original)
    assert UID.fullmatch(new) if original.strip("\0 ") else new == ""


@settings(deadline=None)
@given(roots, uids)
def test_below_an_own_root_a_uid_is_as_long_as_it_may_be(root: str, original: str) -> None:
    new = Keyring(KEY, uid_root=root).uid(original)
    assert new.startswith(f"{root}.")
    assert UID.fullmatch(new)
    assert 58 <= len(new) <= 64  # a leading zero is left out, and six are rarer than one in a million


def test_the_same_uid_becomes_the_same_whatever_its_padding() -> None:
    assert RING.uid(STUDY) == RING.uid(STUDY + "\0") == RING.uid(f"{STUDY} ") == Keyring(KEY).uid(STUDY)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.4.50\0"])
def test_uids_of_the_standard_stay(uid: str) -> None:
    assert RING.uid(uid) == uid.rstrip("\0")


@pytest.mark.parametrize(
    "uid", ["1.2.840.10008.Smith", "1.2.840.100081.5", "1.2.840.10008." + "9" * 60, "1.2.840.10008.\u0661"]
)
def test_what_only_looks_like_a_uid_of_the_standard_does_not_stay(uid: str) -> None:
    assert UUID_UID.fullmatch(RING.uid(uid))


def test_ten_thousand_uids_become_ten_thousand_others_and_others_again_under_another_key() -> None:
    originals = [f"{STUDY}.{number}" for number in range(10_000)]
    assert len({ring.uid(original) for ring in (RING, OTHER) for original in originals}) == 20_000


@settings(deadline=None)
@given(st.lists(fields, max_size=4), st.lists(fields, max_size=4))
def test_fields_never_run_into_each_other(some: list[str], others: list[str]) -> None:
    assert (keyed(KEY.secret, *some) == keyed(KEY.secret, *others)) is (some == others)


def test_what_is_made_for_one_purpose_tells_nothing_of_another() -> None:
    identity = PatientIdentity("CLINIC", "4711")
    patient = RING.patient(identity)
    made = {patient.key, keyed(patient.key, "shift"), keyed(patient.key, "replacements"), KEY.derive("id")}
    made |= {KEY.derive(purpose) for purpose in ("uid", "patient", "pseudonym")}
    assert len(made) == 7
    assert patient.key != OTHER.patient(identity).key


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (PatientIdentity(patient_id="AB12"), PatientIdentity(patient_id="  ab12\0")),
        (PatientIdentity("Clinic ", "AB12"), PatientIdentity("CLINIC", "ab12 ")),
        (PatientIdentity("", "AB12", "Smith^John"), PatientIdentity("", "AB12", "Miller^John", "19700101")),
        (PatientIdentity(name="Smith^John"), PatientIdentity(name="SMITH^JOHN^^^", birth_date=" ")),
        (PatientIdentity(name="Yamada^Tarou"), PatientIdentity(name="YAMADA^TAROU=山田^太郎=やまだ^たろう")),
    ],
    ids=["padding and case", "of the issuer too", "an ID is enough", "a name in capitals", "an ideographic group"],
)
def test_one_patient_is_one_however_written(one: PatientIdentity, same: PatientIdentity) -> None:
    assert RING.patient(one) == RING.patient(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PatientIdentity("A", "1"), PatientIdentity("B", "1")),
        (PatientIdentity("A", "1"), PatientIdentity("", "A1")),
        (PatientIdentity("", "Smith"), PatientIdentity(name="Smith")),
        (PatientIdentity(name="Smith^John"), PatientIdentity(name="Smith John")),
        (PatientIdentity(name="Smith", birth_date="19700101"), PatientIdentity(name="Smith", birth_date="19700102")),
    ],
    ids=["another issuer", "an issuer is no part of an ID", "an ID is no name", "components", "another day of birth"],
)
def test_two_patients_are_two(one: PatientIdentity, other: PatientIdentity) -> None:
    assert RING.patient(one).key != RING.patient(other).key


def test_names_are_compared_without_case_padding_and_empty_components() -> None:
    assert normalised_name("SMITH^JOHN^") == normalised_name("Smith^John") == normalised_name(" Smith ^ John ^^\0")
    assert normalised_name("=山田^太郎") == "山田^太郎"
    assert normalised_name("^^=^") == ""


def shifts(shift: DateShift, patients: int = 100) -> list[int]:
    ring = Keyring(KEY, date_shift=shift)
    return [ring.patient(PatientIdentity(patient_id=f"P{number}")).days for number in range(patients)]


def test_a_hundred_patients_move_by_their_own_days() -> None:
    days = shifts(DateShift())
    assert all(-1826 <= one <= -31 for one in days)
    assert len(set(days)) >= 90  # of 1,796 numbers a hundred draw about three twice
    assert days == shifts(DateShift())
    assert sum(one >= -928 for one in days) in range(30, 71)  # neither half of the range is preferred


def test_a_range_is_used_from_end_to_end() -> None:
    assert set(shifts(DateShift(min_days=5, max_days=7))) == {-5, -6, -7}
    assert set(shifts(DateShift(min_days=9, max_days=9))) == {-9}


def test_whole_weeks_keep_the_day_of_the_week() -> None:
    assert set(shifts(DateShift(min_days=8, max_days=29, whole_weeks=True))) == {-14, -21, -28}


def test_a_derived_pseudonym_follows_issuer_and_patient_and_if_asked_the_job() -> None:
    pseudonym = RING.derived_pseudonym("CLINIC", "AB12")
    assert re.fullmatch(r"[A-Z2-7]{12}", pseudonym)
    assert pseudonym == RING.derived_pseudonym("clinic ", " ab12\0")
    others = [
        OTHER.derived_pseudonym("CLINIC", "AB12"),
        RING.derived_pseudonym("", "AB12"),
        RING.derived_pseudonym("CLINIC", "AB13"),
        RING.derived_pseudonym("CLINIC", "AB12", "one job"),
        RING.derived_pseudonym("CLINIC", "AB12", "another job"),
    ]
    assert len({pseudonym, *others}) == 6


def test_nobody_has_no_pseudonym() -> None:
    with pytest.raises(ValueError, match="empty"):
        RING.derived_pseudonym("CLINIC", " \0")


def test_neither_patient_nor_identity_shows_itself() -> None:
    identity = PatientIdentity("CLINIC", "4711", "Smith^John", "19700203")
    shown = f"{identity!r} {RING.patient(identity)!r}"
    assert not any(secret in shown for secret in ("CLINIC", "4711", "Smith", "1970", str(RING.patient(identity).days)))
