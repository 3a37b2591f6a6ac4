"""What searches told of a study is proposed when it is fetched, and nothing is made of half of the story."""

from pydicom import Dataset

from adit.connectors.dimse.holdings import Holdings
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
