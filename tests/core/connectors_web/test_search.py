"""What a query asks of QIDO-RS, as pure values."""

import pytest

from adit.connectors.web.answers import dataset_of
from adit.connectors.web.search import searches_for, wire_query
from adit.errors import BadInput
from adit.query import Level, Query


def test_wildcards_are_sent_as_they_are() -> None:
    assert wire_query("PatientName=M%2A%3Fr%5EA+B&limit=10") == "PatientName=M*?r%5EA%20B&limit=10"


def test_what_parts_a_query_stays_encoded() -> None:
    assert wire_query("StudyDescription=a%26b%3Dc%2Bd%23e%25") == "StudyDescription=a%26b%3Dc%2Bd%23e%25"


def test_several_modalities_are_several_searches() -> None:
    searches = searches_for(Query(Level.STUDY, modalities=("CT", "MR")))
    assert [one.filters for one in searches] == [{"ModalitiesInStudy": "CT"}, {"ModalitiesInStudy": "MR"}]


def test_below_a_study_only_keys_of_the_level_are_sent() -> None:
    [search] = searches_for(
        Query(Level.SERIES, patient_id="P1", study_instance_uid="1.2", series_description="Thorax*")
    )
    assert (search.study_uid, search.filters) == ("1.2", {"SeriesDescription": "Thorax*"})


def test_one_instance_is_searched_below_its_series() -> None:
    query = Query(Level.IMAGE, study_instance_uid="1.2", series_instance_uid="1.3", sop_instance_uid="1.4")
    [search] = searches_for(query)
    assert (search.study_uid, search.series_uid, search.filters) == ("1.2", "1.3", {"SOPInstanceUID": "1.4"})
    assert search.single


def test_a_loosened_search_has_wildcards_for_what_a_url_cannot_hold() -> None:
    [search] = searches_for(Query(Level.STUDY, patient_name="Müller*^Hans", patient_id="P1"))
    loosened = search.loosened()
    assert loosened is not None
    assert loosened.filters == {"PatientName": "M*ller*Hans", "PatientID": "P1"}
    assert loosened.loosened() is None


@pytest.mark.parametrize("uid", ["1.2*", "../..", "1.2\\x"])
def test_what_is_no_uid_is_refused(uid: str) -> None:
    with pytest.raises(BadInput):
        searches_for(Query(Level.SERIES, study_instance_uid=uid))


def test_an_answer_is_read_in_every_kind_of_value() -> None:
    answer = dataset_of({
        "00080005": {"vr": "CS", "Value": ["ISO_IR 100"]},
        "00080061": {"vr": "CS", "Value": ["CT", "SR"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
        "00100030": {"vr": "DA"},
        "00201208": {"vr": "IS", "Value": [12]},
        "00280010": {"vr": "US", "Value": [512]},
        "00081140": {"vr": "SQ", "Value": [{}]},
        "00080060": {"vr": "CS", "Value": [None]},
    })  # fmt: skip
    assert answer.SpecificCharacterSet == "ISO_IR 192"
    assert list(answer.ModalitiesInStudy) == ["CT", "SR"]
    assert str(answer.PatientName) == "Yamada^Tarou=山田^太郎"
    assert (answer.PatientBirthDate, answer.Modality) == (None, "")
    assert (answer.NumberOfStudyRelatedInstances, answer.Rows) == (12, 512)
    assert "ReferencedImageSequence" not in answer
