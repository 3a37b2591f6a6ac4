"""Data sets that hide an identifier where nobody looks, or look like something that may stay: it goes, or is held."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from adit.api.pseudonymization_profile import PseudonymizationProfileSpec
from adit.encoded.encoding import EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from adit.encoded.writing import element, sequence
from adit.pseudonymization import Profile, ProjectKey
from adit.pseudonymization.cleaning import cleaned
from adit.pseudonymization.identifiers import Identifiers
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.pseudonymization.residue import ResidueSearch
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import Quarantined, RewriteOutcome, Rewritten
from adit.transfer.rewriter import Subject

UID = "1.2.826.0.1.3680043.8.498.11"
SAFE = {"options": ["RetainSafePrivate"], "privateAttributes": {"policy": "SafeList"}}
SIEMENS = element(0x00190010, b"LO", b"SIEMENS MR HEADER", EXPLICIT_LITTLE)
FULL_DATES = {"options": ["RetainLongitudinalFullDates"]}


def text(tag: int, vr: bytes, value: str) -> bytes:
    return element(tag, vr, value.encode(), EXPLICIT_LITTLE)


def outcome(
    folder: Path,
    *more: bytes,
    name: str = "Mueller^Jutta",
    patient_id: str = "4711-0815",
    spec: dict[str, Any] | None = None,
    encoding: Encoding = EXPLICIT_LITTLE,
) -> RewriteOutcome:
    """What becomes of a small CT header with these elements too, in the order of their tags."""
    usual: list[bytes] = [
        element(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.2", encoding),
        element(0x00080018, b"UI", UID.encode(), encoding),
        element(0x00080060, b"CS", b"CT", encoding),
        element(0x00100010, b"PN", name.encode(), encoding),
        element(0x00100020, b"LO", patient_id.encode(), encoding),
        element(0x00100030, b"DA", b"19701231", encoding),
    ]
    every: list[bytes] = [*usual, *more]
    every.sort(key=_tag)
    raw = b"".join(every)
    path = folder / "hostile"
    path.write_bytes(raw)
    syntax = "1.2.840.10008.1.2" if encoding.implicit_vr else "1.2.840.10008.1.2.1"
    profile = Profile("hostile", PseudonymizationProfileSpec.of(spec or {}))
    instance = Instance("1.2.840.10008.5.1.4.1.1.2", UID, syntax, (FileSlice(path, 0, len(raw)),))
    return Pseudonymizer(profile, ProjectKey(bytes(32))).rewrite(instance, Subject("P-17"))


def _tag(encoded: bytes) -> bytes:
    return bytes((encoded[1], encoded[0], encoded[3], encoded[2]))


def left(result: RewriteOutcome) -> bytes:
    assert isinstance(result, Rewritten), result
    return b"".join(result.instance.chunks())


def held(result: RewriteOutcome) -> str:
    assert isinstance(result, Quarantined), result
    return result.reason


def test_an_attribute_that_stands_twice_is_held(tmp_path: Path) -> None:
    assert held(outcome(tmp_path, text(0x00100010, b"PN", "Other^Person"))) == "ElementTwice"


def test_what_stands_behind_a_long_name_is_sought(tmp_path: Path) -> None:
    long = "\\".join(["Mueller^Jutta"] * 400 + ["Habicht^Jutta"])
    assert held(outcome(tmp_path, text(0x00080008, b"CS", "HABICHT"), name=long)) == "IdentifierLeft"


def test_a_name_in_items_is_sought_as_well(tmp_path: Path) -> None:
    hidden = sequence(0x00100021, b"SQ", [text(0x00100010, b"PN", "Habicht^Jutta")], EXPLICIT_LITTLE)
    assert held(outcome(tmp_path, hidden, text(0x00080008, b"CS", "HABICHT"))) == "IdentifierLeft"


def test_a_uid_in_the_place_of_a_class_is_no_excuse(tmp_path: Path) -> None:
    swapped = text(0x00081150, b"UI", UID) + text(0x00081155, b"UI", "1.2.840.10008.5.1.4.1.1.2")
    assert held(outcome(tmp_path, sequence(0x00081140, b"SQ", [swapped], EXPLICIT_LITTLE))) == "IdentifierLeft"


@pytest.mark.parametrize("odd", ["1.2.276.33.A77", "1.2.276.33-77", ".1.2.276.33", "1.2.840.10008.X1"])
def test_a_uid_that_is_none_is_sought_as_it_stands(tmp_path: Path, odd: str) -> None:
    result = outcome(tmp_path, text(0x00200052, b"UI", odd), text(0x00180024, b"LO", f"x{odd}"))
    assert held(result) == "IdentifierLeft"


@pytest.mark.parametrize(
    ("name", "patient_id", "written"),
    [
        ("A^B", "1234567", "0001234567"),
        ("A^B", "4711-0815", "47110815"),
        ("Müller^X", "77", "MUELLER"),
        ("Li^Wei", "77", "LiWei"),
        ("Li^Wei", "77", "wei_li"),
        ("Hand^Long", "77", "HAND LONG"),
    ],
)
def test_an_identifier_in_another_spelling_is_found(tmp_path: Path, name: str, patient_id: str, written: str) -> None:
    utf8 = text(0x00080005, b"CS", "ISO_IR 192")
    kept = text(0x00180015, b"CS", written)
    assert held(outcome(tmp_path, utf8, kept, name=name, patient_id=patient_id)) == "IdentifierLeft"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Smith^Norm", text(0x00080008, b"CS", "ORIGINAL\\PRIMARY\\M\\NORM")),
        ("Loss^Anna", text(0x00080008, b"CS", "DERIVED\\LOSSY")),
        ("Zeiss^Carla", text(0x00080070, b"LO", "Carl Zeiss")),
        ("A^B", text(0x00280030, b"DS", "0.1234567")),
    ],
)
def test_a_term_or_a_measure_is_nobody(tmp_path: Path, name: str, kept: bytes) -> None:
    left(outcome(tmp_path, kept, name=name, patient_id="1234567"))


@pytest.mark.parametrize(
    "private",
    [
        [text(0x00190010, b"LO", "SIEMENS MR HEADER".ljust(64) + "neighbour of Kowalski")],
        [SIEMENS, SIEMENS],
    ],
)
def test_a_creator_that_is_more_than_a_creator_vouches_for_nothing(tmp_path: Path, private: Sequence[bytes]) -> None:
    item = b"".join((*private, text(0x0019100C, b"IS", "1000")))
    raw = left(outcome(tmp_path, sequence(0x00081140, b"SQ", [item], EXPLICIT_LITTLE), spec=SAFE))
    assert b"SIEMENS" not in raw
    assert b"Kowalski" not in raw


@pytest.mark.parametrize(
    ("vr", "value", "stays"), [(b"IS", "1000", True), (b"UN", "1000", True), (b"LT", "Kowalski", False)]
)
def test_a_safe_element_is_what_the_list_says(tmp_path: Path, vr: bytes, value: str, *, stays: bool) -> None:
    raw = left(outcome(tmp_path, SIEMENS, text(0x0019100C, vr, value), spec=SAFE))
    assert (value.encode() in raw) is stays


def test_a_safe_element_without_a_vr_is_known_by_its_value(tmp_path: Path) -> None:
    for value, stays in (("1000", True), ("Kowalski", False)):
        private = [
            element(tag, b"UN", one.encode(), IMPLICIT_LITTLE)
            for tag, one in ((0x00190010, "SIEMENS MR HEADER"), (0x0019100C, value))
        ]
        raw = left(outcome(tmp_path, *private, spec=SAFE, encoding=IMPLICIT_LITTLE))
        assert (value.encode() in raw) is stays


@pytest.mark.parametrize(
    ("tag", "vr", "value", "stays"),
    [
        (0x00080020, b"DA", "20240115", True),
        (0x00080020, b"DA", "19000101", True),
        (0x00080020, b"DA", "Kowalski", False),
        (0x00080020, b"LO", "Kowalski tel 0171", False),
        (0x00080030, b"TM", "101500.25", True),
        (0x00080030, b"TM", "Kowalski", False),
        (0x00080201, b"SH", "+0100", True),
        (0x00080201, b"SH", "Kowalski", False),
    ],
)
def test_a_date_that_stays_is_one(tmp_path: Path, tag: int, vr: bytes, value: str, *, stays: bool) -> None:
    raw = left(outcome(tmp_path, text(tag, vr, value), spec=FULL_DATES))
    assert (value.encode() in raw) is stays


def test_an_item_keeps_its_character_set_and_is_read_by_it_wherever_it_stands(tmp_path: Path) -> None:
    person = element(0x0040A123, b"PN", "Иванов^Иван".encode(), EXPLICIT_LITTLE)
    item = person + text(0x00080005, b"CS", "ISO_IR 192")
    report = sequence(0x0040A730, b"SQ", [item], EXPLICIT_LITTLE)
    assert b"ISO_IR 192" in left(outcome(tmp_path, report))
    elsewhere = element(0x00180024, b"SH", "Иванов".encode(), EXPLICIT_LITTLE)
    assert held(outcome(tmp_path, report, elsewhere)) == "IdentifierLeft"


def test_cleaning_a_number_leaves_it(tmp_path: Path) -> None:
    rows = element(0x00280010, b"US", b"\0\1", EXPLICIT_LITTLE)
    spec = {"overrides": [{"tag": "00280010", "action": "Clean"}]}
    assert rows in left(outcome(tmp_path, rows, spec=spec))


def test_an_image_inside_a_sequence_goes(tmp_path: Path) -> None:
    item = element(0x7FE00010, b"OW", b"burned in text!!", EXPLICIT_LITTLE)
    raw = left(outcome(tmp_path, sequence(0x00081140, b"SQ", [item], EXPLICIT_LITTLE)))
    assert b"burned" not in raw


def seconds(work: Iterable[object]) -> float:
    begin = time.process_time()
    for _ in work:
        pass
    return time.process_time() - begin


def test_a_name_written_again_and_again_takes_no_longer_than_its_length() -> None:
    known = Identifiers(words=frozenset({"mueller"}))
    assert seconds(cleaned("mueller" * count, known) for count in (20_000,)) < 5


def test_thousands_of_names_take_no_longer_than_their_number() -> None:
    known = Identifiers(words=frozenset(f"name{number:05}x" for number in range(10_000)))
    part = text(0x00180024, b"SH", "nobody")
    assert seconds(ResidueSearch(known).find([part], encoding=EXPLICIT_LITTLE) for _ in range(1)) < 10
