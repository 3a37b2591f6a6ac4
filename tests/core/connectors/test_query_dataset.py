"""What a Query becomes when it is asked: matching keys of its level, and the keys to return."""

from adit.connectors.query_dataset import RETURN_KEYS, matching_keys, query_dataset
from adit.query import Level, Query


def test_return_keys_are_asked_for_empty_and_matching_keys_with_their_value() -> None:
    identifier = query_dataset(Query(Level.STUDY, patient_id="SYN-0001", study_date="20240101-"))
    assert identifier.QueryRetrieveLevel == "STUDY"
    assert identifier.PatientID == "SYN-0001"
    assert identifier.StudyDate == "20240101-"
    assert all(keyword in identifier for keyword in RETURN_KEYS[Level.STUDY])
    assert identifier["StudyDescription"].is_empty


def test_a_key_of_a_lower_level_is_not_asked_for() -> None:
    assert matching_keys(Query(Level.STUDY, series_description="axial", study_description="CT")) == {
        "StudyDescription": "CT"
    }


def test_one_modality_is_asked_for_and_several_are_filtered_afterwards() -> None:
    assert matching_keys(Query(Level.STUDY, modalities=("CT",))) == {"ModalitiesInStudy": "CT"}
    assert matching_keys(Query(Level.SERIES, modalities=("CT",))) == {"Modality": "CT"}
    assert matching_keys(Query(Level.STUDY, modalities=("CT", "MR"))) == {}


def test_a_series_number_is_left_to_the_filter() -> None:
    assert matching_keys(Query(Level.SERIES, series_number="1")) == {}


def test_an_image_query_asks_for_the_sop_class() -> None:
    assert "SOPClassUID" in query_dataset(Query(Level.IMAGE))


def test_patients_may_be_asked_for_by_their_studies() -> None:
    identifier = query_dataset(Query(Level.PATIENT, patient_name="Sample*"), Level.STUDY)
    assert identifier.QueryRetrieveLevel == "STUDY"
    assert str(identifier.PatientName) == "Sample*"
    assert "StudyInstanceUID" in identifier
