"""What searches told of a study is proposed when it is fetched, and nothing is made of half of the story."""

from dataclasses import replace

import pytest
from pydicom import Dataset

from adit.connectors.dimse.holdings import MAX_NAMES, Holdings
from adit.query import Level, Query, Selection

CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11"
WHOLE = Selection("P", "1.2")


def answer(**keys: str) -> Dataset:
    found = Dataset()
    for keyword, value in keys.items():
        setattr(found, keyword, value)
    return found


def searched(images: dict[str, list[str]], *, study: str = "1.2") -> Holdings:
    """Holdings after a search of the study's series, and of the instances of those with classes."""
    holdings = Holdings()
    for series, classes in images.items():
        holdings.note(Query(Level.SERIES, study_instance_uid=study), answer(SeriesInstanceUID=series))
        for sop_class in classes:
            query = Query(Level.IMAGE, study_instance_uid=study, series_instance_uid=series)
            holdings.note(query, answer(SOPClassUID=sop_class))
    return holdings


def test_the_classes_of_all_series_are_known_once_their_instances_were_named() -> None:
    assert searched({"1.2.1": [CT, CT], "1.2.2": [SR]}).classes(WHOLE) == (CT, SR)


def test_the_classes_of_one_series_are_known_alone() -> None:
    holdings = searched({"1.2.1": [CT], "1.2.2": [SR], "1.2.3": []})
    assert holdings.classes(Selection("P", "1.2", ("1.2.1",))) == (CT,)
    assert holdings.classes(Selection("P", "1.2", (), (("1.2.2", ("1.2.2.1",)),))) == (SR,)


def test_a_series_that_was_not_looked_into_leaves_the_study_unknown() -> None:
    assert searched({"1.2.1": [CT], "1.2.2": []}).classes(WHOLE) == ()
    assert searched({"1.2.1": [CT]}).classes(Selection("P", "1.2", ("1.2.9",))) == ()


def test_an_instance_without_its_class_leaves_the_study_unknown() -> None:
    assert searched({"1.2.1": [CT, ""]}).classes(WHOLE) == ()


def test_another_study_makes_the_first_forgotten() -> None:
    holdings = searched({"1.2.1": [CT]})
    holdings.note(Query(Level.SERIES, study_instance_uid="1.3"), answer(SeriesInstanceUID="1.3.1"))
    assert holdings.classes(WHOLE) == ()
    assert Holdings().classes(WHOLE) == ()


def listed(holdings: Holdings, series: dict[str, list[str]], *, patient: str = "P", cut: bool = False) -> Holdings:
    """After a whole search of the study and of each series, as a listing makes them; `cut`: the last broke off."""
    study = Query(Level.SERIES, patient_id=patient, study_instance_uid="1.2")
    holdings.begin(study)
    for uid in series:
        holdings.note(study, answer(SeriesInstanceUID=uid))
    holdings.end(study)
    for uid, names in series.items():
        query = replace(study, level=Level.IMAGE, series_instance_uid=uid)
        holdings.begin(query)
        for name in names:
            holdings.note(query, answer(SOPInstanceUID=name, SOPClassUID=CT))
        if not cut or uid != list(series)[-1]:
            holdings.end(query)
    return holdings


TWO = {"1.2.1": ["1.2.1.1", "1.2.1.2"], "1.2.2": ["1.2.2.1"]}


def test_a_listing_names_the_instances_of_the_study_and_of_each_series() -> None:
    holdings = listed(Holdings(), TWO)
    assert holdings.names(WHOLE) == {"1.2.1.1": "1.2.1", "1.2.1.2": "1.2.1", "1.2.2.1": "1.2.2"}
    assert holdings.names(Selection("P", "1.2", ("1.2.2",))) == {"1.2.2.1": "1.2.2"}


def test_a_newer_listing_takes_the_place_of_an_older_one() -> None:
    holdings = listed(listed(Holdings(), TWO), {"1.2.1": ["1.2.1.9"]})
    assert holdings.names(WHOLE) == {"1.2.1.9": "1.2.1"}


@pytest.mark.parametrize(
    ("holdings", "selection"),
    [
        (Holdings(), WHOLE),
        (listed(Holdings(), TWO), Selection("P", "1.3")),
        (listed(Holdings(), TWO), Selection("Q", "1.2")),
        (listed(Holdings(), TWO), Selection("P", "1.2", ("1.2.9",))),
        (listed(Holdings(), TWO, cut=True), WHOLE),
        (listed(listed(Holdings(), TWO), TWO, cut=True), WHOLE),
        (listed(Holdings(), {"1.2.1": ["1.2.1.1", ""]}), WHOLE),
    ],
    ids=["nothing", "other study", "other patient", "other series", "cut", "cut the second time", "nameless"],
)
def test_what_was_not_listed_whole_is_not_known_by_name(holdings: Holdings, selection: Selection) -> None:
    assert holdings.names(selection) == {}


def test_of_a_narrower_search_no_names_are_kept() -> None:
    holdings = listed(Holdings(), TWO)
    query = Query(Level.IMAGE, "P", study_instance_uid="1.2", series_instance_uid="1.2.1", sop_instance_uid="1.2.1.1")
    holdings.begin(query)
    holdings.note(query, answer(SOPInstanceUID="1.2.1.1", SOPClassUID=CT))
    holdings.end(query)
    assert holdings.names(WHOLE) == {}


def test_more_names_than_the_limit_are_not_kept() -> None:
    many = [f"1.2.1.{number}" for number in range(MAX_NAMES + 1)]
    holdings = Holdings()
    query = Query(Level.IMAGE, "P", study_instance_uid="1.2", series_instance_uid="1.2.1")
    listed(holdings, {"1.2.1": []})
    holdings.begin(query)
    one = answer(SOPInstanceUID="", SOPClassUID=CT)
    for name in many:
        one.SOPInstanceUID = name
        holdings.note(query, one)
    holdings.end(query)
    assert holdings.names(WHOLE) == {}
