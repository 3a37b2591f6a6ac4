"""What the source says it has, also where it says little."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydicom import Dataset

from adit.errors import AccessDenied, PermanentError, RetryableError
from adit.query import Query
from adit.testing.connectors import FakeConnector, FakeFaults, fake_study
from adit.testing.transfers import transfer_job_task
from adit.transfer.listing import ListedSeries, list_study

REFUSED = PermanentError("C-FIND at IMAGE level refused", reason="FindRefused")


def source(**faults: object) -> FakeConnector:
    return FakeConnector("a", fake_study(3, series=2, modalities=("CT", "SR")), replace(FakeFaults(), **faults))  # type: ignore[arg-type]  # each test gives one fault of its type


def test_every_instance_is_listed_with_its_class_series_and_modality() -> None:
    listing = list_study(source(), transfer_job_task())
    assert (listing.method, listing.patient_id, listing.patient_id_mismatch) == ("Instances", "P1", False)
    assert [(one.series_instance_uid, one.modality, one.expected) for one in listing.series] == [
        ("1.2.3.1", "CT", 3),
        ("1.2.3.2", "SR", 3),
    ]
    assert listing.series[0].instances == dict.fromkeys(
        ("1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3"), "1.2.840.10008.5.1.4.1.1.2"
    )


class MatchesByStudyAlone(FakeConnector):
    """Ignores the PatientID that it is asked for."""

    def find(self, query: Query) -> Iterator[Dataset]:
        return super().find(replace(query, patient_id=""))


@pytest.mark.parametrize("kind", [FakeConnector, MatchesByStudyAlone])
def test_another_patient_id_at_the_source_is_told_and_refused_for_a_pseudonym(kind: type[FakeConnector]) -> None:
    asked = kind("a", fake_study(2, patient_id="Q77"))
    assert list_study(asked, transfer_job_task()).patient_id_mismatch
    with pytest.raises(PermanentError) as refusal:
        list_study(asked, transfer_job_task(), pseudonymized=True)
    assert refusal.value.reason == "PatientIdMismatch"


def test_a_source_that_leaves_the_patient_id_out_is_believed() -> None:
    asked = source(omit_keys=frozenset({"PatientID"}))
    assert not list_study(asked, transfer_job_task(), pseudonymized=True).patient_id_mismatch


def test_the_series_are_asked_for_once_and_the_instances_once_per_wanted_series() -> None:
    asked = source()
    list_study(asked, transfer_job_task(series=("1.2.3.2",)))
    assert asked.log == ["find STUDY", "find SERIES", "find IMAGE"]


@pytest.mark.parametrize("faults", [{"no_image_level": REFUSED}, {"image_level_empty": True}])
def test_a_source_that_cannot_name_its_instances_is_listed_by_number(faults: dict[str, object]) -> None:
    listing = list_study(source(**faults), transfer_job_task())
    assert listing.method == "Counts"
    assert listing.series[0] == ListedSeries("1.2.3.1", "CT", None, 3)


def test_a_source_that_refuses_the_image_level_is_asked_only_once() -> None:
    asked = source(no_image_level=REFUSED)
    list_study(asked, transfer_job_task())
    assert asked.log.count("find IMAGE") == 1


def test_a_source_that_gives_neither_names_nor_numbers_fails_instead_of_guessing() -> None:
    asked = source(no_image_level=REFUSED, omit_keys=frozenset({"NumberOfSeriesRelatedInstances"}))
    with pytest.raises(PermanentError, match="neither which instances") as refusal:
        list_study(asked, transfer_job_task())
    assert refusal.value.reason == "ListingImpossible"


@pytest.mark.parametrize("error", [AccessDenied("who are you"), RetryableError("busy")])
def test_other_errors_at_the_image_level_are_no_reason_to_count(error: PermanentError | RetryableError) -> None:
    with pytest.raises(type(error)):
        list_study(source(no_image_level=error), transfer_job_task())


@pytest.mark.parametrize(
    "key", ["PatientID", "StudyInstanceUID", "Modality", "SOPClassUID", "NumberOfSeriesRelatedInstances"]
)
def test_a_missing_return_key_is_survived(key: str) -> None:
    listing = list_study(source(omit_keys=frozenset({key})), transfer_job_task())
    assert (sum(one.expected for one in listing.series), listing.patient_id) == (6, "P1")


def test_an_instance_without_uid_makes_the_list_a_number() -> None:
    assert list_study(source(omit_keys=frozenset({"SOPInstanceUID"})), transfer_job_task()).method == "Counts"


def test_a_series_without_uid_cannot_be_listed() -> None:
    with pytest.raises(PermanentError, match="without its UID"):
        list_study(source(omit_keys=frozenset({"SeriesInstanceUID"})), transfer_job_task())
