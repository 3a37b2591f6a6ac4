"""The re-filter after C-FIND and QIDO: what is asked for is what comes out, whatever the peer ignores."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset, config
from pydicom.datadict import dictionary_VR, tag_for_keyword

from adit.connectors.matching import matches
from adit.query import Level, Query

STUDY = Level.STUDY


def answer(**keys: object) -> Dataset:
    """An answer as it is read from a sloppy peer: values are not validated."""
    dataset = Dataset()
    for keyword, value in keys.items():
        tag = tag_for_keyword(keyword)
        assert tag is not None
        dataset.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=config.IGNORE))
    return dataset


def test_an_empty_query_matches_everything() -> None:
    assert matches(Query(STUDY), answer(PatientID="1", PatientName="A^B"))


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("sample^paul", "Sample^Paul"),
        ("SAMPLE*", "Sample^Paul"),
        ("*paul", "Sample^Paul"),
        ("S?mple^*", "Sample^Paul"),
        ("Sample^Paul", "Sample^Paul^^^"),
        ("Sample^Paul^^", "Sample^Paul"),
        ("müßterfräu^*", "Müßterfräu^Jördis^Änne"),
        ("Mu\u0308ller^*", "M\u00fcller^Eva"),
        ("見本^太郎", "Mihon^Tarou=見本^太郎=みほん^たろう"),
        ("mihon*", "Mihon^Tarou=見本^太郎=みほん^たろう"),
        ("*", ""),
    ],
)
def test_a_name_matches_by_wildcard_without_regard_to_case(wanted: str, name: str) -> None:
    assert matches(Query(STUDY, patient_name=wanted), answer(PatientName=name))


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("Sample", "Sample^Paul"), ("?", ""), ("Samp[l]e*", "Sample^Paul"), ("S.mple^Paul", "Sample^Paul")],
)
def test_another_name_does_not_match(wanted: str, name: str) -> None:
    assert not matches(Query(STUDY, patient_name=wanted), answer(PatientName=name))


@pytest.mark.parametrize(
    ("wanted", "date", "expected"),
    [
        ("20240115", "20240115", True),
        ("20240115", "2024.01.15", True),
        ("20240115", "20240116", False),
        ("20240101-20240131", "20240115", True),
        ("20240101-20240131", "20240201", False),
        ("20240101-", "20991231", True),
        ("-20240101", "20991231", False),
        ("20240115", "", False),
    ],
)
def test_a_date_matches_exactly_or_within_a_range(wanted: str, date: str, *, expected: bool) -> None:
    assert matches(Query(STUDY, patient_birth_date=wanted), answer(PatientBirthDate=date)) is expected
    assert matches(Query(STUDY, study_date=wanted), answer(StudyDate=date)) is expected


@pytest.mark.parametrize(
    ("present", "expected"), [(["CT", "SR"], True), ("CT", True), (["MR", "SR"], False), ("MR", False), ("", True)]
)
def test_one_of_the_modalities_in_the_study_is_enough(present: list[str] | str, *, expected: bool) -> None:
    assert matches(Query(STUDY, modalities=("CT", "PT")), answer(ModalitiesInStudy=present)) is expected


def test_a_series_is_of_one_modality() -> None:
    query = Query(Level.SERIES, modalities=("CT",))
    assert matches(query, answer(Modality="CT"))
    assert not matches(query, answer(Modality="MR"))
    assert not matches(query, answer(Modality=""))


@pytest.mark.parametrize(
    ("number", "expected"), [("1", True), ("01", True), (" 1 ", True), ("2", False), (None, False)]
)
def test_a_series_number_is_compared_as_a_number(number: str | None, *, expected: bool) -> None:
    assert matches(Query(Level.SERIES, series_number="1"), answer(SeriesNumber=number)) is expected


def test_a_description_is_compared_with_its_case() -> None:
    query = Query(STUDY, study_description="CT Thor*")
    assert matches(query, answer(StudyDescription="CT Thorax"))
    assert not matches(query, answer(StudyDescription="ct thorax"))


def test_ids_and_uids_are_compared_whole() -> None:
    assert not matches(Query(STUDY, patient_id="1"), answer(PatientID="12"))
    assert not matches(Query(STUDY, study_instance_uid="1.2"), answer(StudyInstanceUID="1.2.3"))
    assert matches(Query(STUDY, study_instance_uid="1.2\\1.3"), answer(StudyInstanceUID="1.3"))
    assert not matches(Query(STUDY, accession_number="A1"), answer(AccessionNumber=""))


def test_many_stars_are_matched_in_no_time() -> None:
    assert not matches(Query(STUDY, patient_id="*" * 60 + "b"), answer(PatientID="a" * 64))


TEXTS = {
    one.name: st.text("ab*?^=12-\\.ä", max_size=8)
    for one in fields(Query)
    if one.name not in {"level", "modalities", "limit"}
}
QUERIES = st.builds(
    Query,
    level=st.sampled_from(Level),
    modalities=st.lists(st.sampled_from(["CT", "MR", "*"]), max_size=2).map(tuple),
    **TEXTS,
)
TEXT_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        keyword: st.text("ab12^=ä. ", max_size=8)
        for keyword in (
            "PatientID",
            "PatientName",
            "StudyDescription",
            "SeriesDescription",
            "AccessionNumber",
            "Modality",
        )
    },
)


@given(QUERIES)
def test_missing_keys_exclude_nothing(query: Query) -> None:
    assert matches(query, Dataset())


@given(QUERIES, TEXT_ANSWERS)
def test_every_query_and_answer_can_be_compared_and_fewer_keys_never_exclude(
    query: Query, keys: dict[str, str]
) -> None:
    found = answer(**keys)
    if matches(query, found):
        for keyword in keys:
            fewer = Dataset(found)
            delattr(fewer, keyword)
            assert matches(query, fewer)


@given(st.text("abc^123 ", min_size=1, max_size=12).map(str.strip).filter(bool))
def test_a_value_matches_itself_and_a_star(value: str) -> None:
    found = answer(PatientID=value, StudyDescription=value)
    for wanted in (value, "*", value[:1] + "*", "*" + value[-1:]):
        assert matches(Query(STUDY, patient_id=wanted, study_description=wanted), found)
