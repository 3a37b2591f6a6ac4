"""The matching rules of C-FIND as properties, against simpler ways to say the same."""

from fnmatch import fnmatchcase
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adit.testing import query_keys as keys
from adit.testing.character_sets import decode
from adit.testing.pacs_index import StoredInstance
from adit.testing.pacs_query import Overview, Query, find
from adit.testing.patients import GREEK, JAPANESE

DATES = st.dates().map(lambda day: day.strftime("%Y%m%d").rjust(8, "0"))
STUDY_DESCRIPTION = 0x00081030
PATIENT_NAME = 0x00100010


def matches(tag: int, wanted: str, stored: bytes, character_set: bytes = b"") -> bool:
    attributes = {tag: stored, keys.STUDY_UID: b"1.2", keys.CHARACTER_SET: character_set}
    instance = StoredInstance("P", "1.2", "1.3", "1.4", "1.5", "1.6", Path("x"), 1, 0, attributes)
    query = Query("STUDY", {tag: wanted.encode()}, "ISO_IR 192")
    return [[instance]] == list(find(query, Overview([instance])))


@given(st.text("abA*?.+", min_size=1, max_size=6), st.text("abA.+", min_size=1, max_size=6))
def test_wildcards_match_as_in_a_shell(wanted: str, stored: str) -> None:
    assert matches(STUDY_DESCRIPTION, wanted, stored.encode()) == fnmatchcase(stored, wanted)


@given(DATES, DATES, DATES)
def test_a_range_holds_its_ends(low: str, high: str, stored: str) -> None:
    assert matches(keys.STUDY_DATE, f"{low}-{high}", stored.encode()) == (low <= stored <= high)
    assert matches(keys.STUDY_DATE, f"{low}-", stored.encode()) == (low <= stored)
    assert matches(keys.STUDY_DATE, f"-{high}", stored.encode()) == (stored <= high)


def test_an_absent_value_matches_no_range() -> None:
    assert not matches(keys.STUDY_DATE, "-20240101", b"")


def test_a_name_matches_without_case_and_by_its_groups() -> None:
    stored = JAPANESE.name.encode()
    assert matches(PATIENT_NAME, "mihon^TAROU", stored, b"ISO_IR 192")
    assert matches(PATIENT_NAME, "見本^太郎", stored, b"ISO_IR 192")
    assert matches(PATIENT_NAME, "*太*", stored, b"ISO_IR 192")
    assert not matches(PATIENT_NAME, "mihon", stored, b"ISO_IR 192")


def test_empty_components_at_the_end_of_a_name_do_not_count() -> None:
    assert matches(PATIENT_NAME, "Sample^Paul^^", b"Sample^Paul")


def test_escape_sequences_are_decoded() -> None:
    value = b"Mihon^Tarou=" + "見本^太郎".encode("iso2022_jp")
    assert decode(value, "\\ISO 2022 IR 87") == "Mihon^Tarou=見本^太郎"


def test_single_byte_sets_are_decoded() -> None:
    assert decode(GREEK.name.encode("iso8859-7") + b" ", "ISO_IR 126") == GREEK.name


@given(st.binary(max_size=40), st.sampled_from(["", "ISO_IR 192", "\\ISO 2022 IR 87", "ISO 2022 IR 149", "NONSENSE"]))
def test_no_bytes_stop_the_decoding(value: bytes, character_set: str) -> None:
    assert isinstance(decode(value, character_set), str)
