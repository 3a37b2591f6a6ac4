"""C-FIND against real peers: levels and models, what peers ignore or leave out, names of three scripts, limits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydicom import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from adit.api.dicom_server import Implementation
from adit.connectors.dimse import DimseConnector
from adit.connectors.dimse.association import Message
from adit.connectors.dimse.find import answers, find_model
from adit.connectors.target import Target
from adit.dimse.commands import Element, Field
from adit.errors import PermanentError, RetryableError
from adit.query import Level, Query
from adit.testing.counted_openings import CountedOpenings
from adit.testing.datasets import ct_study, mr_study, sr_study
from adit.testing.faults import Faults
from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import CYRILLIC, GREEK, JAPANESE, PLAIN, UMLAUT, UTF8, Patient
from adit.testing.programs import Dcmqrscp
from adit.testing.pytest_plugin import skip_or_fail
from adit.transfer.instance import Instance
from adit.transfer.placement import Placement

Connect = Callable[..., DimseConnector]
CT, MR = ct_study(PLAIN, instances=3, report=True), mr_study(PLAIN, instances=2)
OTHER = ct_study(UMLAUT, instances=1)


@pytest.fixture
def implementation() -> Implementation:
    """Our own, where nothing else is said: test_same_results.py holds pynetdicom's answers to ours."""
    return "Native"


@pytest.fixture
def filled(loopback_pacs: LoopbackPacs, tmp_path: Path) -> LoopbackPacs:
    for study in (CT, MR, OTHER):
        loopback_pacs.load(study.write(tmp_path / "files"))
    return loopback_pacs


def uids(connector: DimseConnector, query: Query) -> list[str]:
    return [str(answer.StudyInstanceUID) for answer in connector.find(query)]


def test_studies_of_a_patient_are_found_with_their_counts(filled: LoopbackPacs, connect: Connect) -> None:
    answers = {
        str(one.StudyInstanceUID): one for one in connect(filled).find(Query(Level.STUDY, patient_id="SYN-0001"))
    }
    assert set(answers) == {CT.study_instance_uid, MR.study_instance_uid}
    found = answers[CT.study_instance_uid]
    assert (found.NumberOfStudyRelatedInstances, found.NumberOfStudyRelatedSeries) == (4, 2)
    assert sorted(found.ModalitiesInStudy) == ["CT", "SR"]
    assert found.StudyDescription == "CT Thorax"


def test_series_and_images_are_found_below_their_study(filled: LoopbackPacs, connect: Connect) -> None:
    connector = connect(filled)
    study = Query(Level.SERIES, study_instance_uid=CT.study_instance_uid)
    [series] = connector.find(replace(study, modalities=("CT",)))
    assert [one.Modality for one in connector.find(study)] == ["CT", "SR"]
    assert [one.Modality for one in connector.find(replace(study, series_number="099"))] == ["SR"]
    images = list(connector.find(replace(study, level=Level.IMAGE, series_instance_uid=str(series.SeriesInstanceUID))))
    assert len(images) == 3
    assert {str(image.SOPClassUID) for image in images} == {"1.2.840.10008.5.1.4.1.1.2"}


@pytest.mark.parametrize("models", [("PatientRoot",), ("StudyRoot",), ("PatientRoot", "StudyRoot")])
def test_patients_are_found_once_whatever_the_model(
    filled: LoopbackPacs, connect: Connect, models: tuple[str, ...]
) -> None:
    patients = list(connect(filled, find=models).find(Query(Level.PATIENT, patient_id="SYN-000*")))
    assert sorted(str(one.PatientID) for one in patients) == ["SYN-0001", "SYN-0002"]
    assert all(one.QueryRetrieveLevel == "PATIENT" and "StudyInstanceUID" not in one for one in patients)


def test_a_patient_root_server_is_asked_for_studies_with_the_patient(filled: LoopbackPacs, connect: Connect) -> None:
    connector = connect(filled, find=("PatientRoot",))
    assert len(uids(connector, Query(Level.STUDY, patient_id="SYN-0001"))) == 2
    with pytest.raises(PermanentError, match="STUDY query of pacs in PatientRoot needs patient_id without wildcards"):
        uids(connector, Query(Level.STUDY, patient_name="Sample*"))


def test_a_query_that_lacks_the_keys_above_it_is_not_sent() -> None:
    with pytest.raises(PermanentError, match="needs study_instance_uid and series_instance_uid") as error:
        find_model(("StudyRoot",), Query(Level.IMAGE), "pacs")
    assert error.value.reason == "QueryIncomplete"
    with pytest.raises(PermanentError, match=r"spec\.dimse\.find is empty"):
        find_model((), Query(Level.STUDY), "pacs")


def test_what_the_server_ignores_is_filtered_here(filled: LoopbackPacs, connect: Connect) -> None:
    filled.faults = Faults(ignore_optional_keys=True)
    connector = connect(filled)
    assert uids(connector, Query(Level.STUDY, patient_name="sample*", modalities=("MR",))) == [MR.study_instance_uid]
    assert uids(connector, Query(Level.STUDY, modalities=("MR", "SR"))) == [
        CT.study_instance_uid,
        MR.study_instance_uid,
    ]
    assert uids(connector, Query(Level.STUDY, patient_birth_date=UMLAUT.birth_date)) == [OTHER.study_instance_uid]


def test_keys_that_the_server_leaves_out_exclude_nothing(filled: LoopbackPacs, connect: Connect) -> None:
    filled.faults = Faults(omit_return_keys=True)
    query = Query(Level.STUDY, patient_id="SYN-0001", patient_birth_date=PLAIN.birth_date, modalities=("CT",))
    assert uids(connect(filled), query) == [CT.study_instance_uid]


@pytest.mark.parametrize("implementation", ["Native", "Pynetdicom"])
def test_the_limit_cancels_the_search_and_the_association_serves_the_next_one(
    filled: LoopbackPacs, target_of: Callable[..., Target], implementation: Implementation
) -> None:
    filled.faults = Faults(delay_per_instance=0.02)  # so that there is something to cancel
    opened = CountedOpenings()
    with DimseConnector(replace(target_of(filled, implementation=implementation), openings=opened)) as connector:
        for limit in (1, 2, 3):
            assert len(uids(connector, Query(Level.STUDY, limit=limit))) == limit
        assert len(uids(connector, Query(Level.STUDY))) == 3
    assert (len(opened.seconds), filled.peak_associations) == (1, 1)


def test_a_server_that_goes_on_after_the_limit_is_left_and_asked_anew(
    filled: LoopbackPacs, target_of: Callable[..., Target]
) -> None:
    filled.faults = Faults(delay_per_instance=1.2)
    opened = CountedOpenings()
    with DimseConnector(replace(target_of(filled), openings=opened)) as connector:
        assert len(uids(connector, Query(Level.STUDY, limit=1))) == 1
        filled.faults = Faults()
        assert len(uids(connector, Query(Level.STUDY))) == 3
    assert len(opened.seconds) == 2


def test_a_search_that_is_left_early_does_not_disturb_the_next(filled: LoopbackPacs, connect: Connect) -> None:
    connector = connect(filled)
    left = connector.find(Query(Level.STUDY))
    next(left)
    assert len(uids(connector, Query(Level.STUDY))) == 3
    with pytest.raises(RetryableError):
        list(left)
    assert len(uids(connector, Query(Level.STUDY))) == 3


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [(0xA700, RetryableError, "OutOfResources"), (0xC001, RetryableError, "UnableToProcess")],
)
def test_a_search_that_the_server_refuses_is_an_error(
    filled: LoopbackPacs, connect: Connect, status: int, kind: type[RetryableError], reason: str
) -> None:
    filled.faults = Faults(find_status=status)
    with pytest.raises(kind, match=f"C-FIND status {status:#06x}") as error:
        uids(connect(filled), Query(Level.STUDY))
    assert error.value.reason == reason


class Endless:
    """An association whose peer never stops answering."""

    peer = SimpleNamespace(name="pacs")

    def receive(self) -> Message:
        return Message(1, {Element.COMMAND_FIELD: Field.C_FIND_RSP, Element.STATUS: 0xFF00})

    def context_of(self, message: Message) -> SimpleNamespace:  # noqa: ARG002 - as an Association
        return SimpleNamespace(transfer_syntax=ImplicitVRLittleEndian)


def test_a_peer_that_never_stops_answering_is_left() -> None:
    association = Endless()
    given = answers(association, association.receive(), most=3)  # type: ignore[arg-type]  # as much of one as is used
    assert [next(given), next(given), next(given)] == [Dataset()] * 3
    with pytest.raises(PermanentError, match="pacs gives more than 3 answers") as error:
        next(given)
    assert error.value.reason == "AnswerTooLarge"


SCRIPTS = [(UMLAUT, "ISO_IR 192"), (UMLAUT, "ISO_IR 100"), (GREEK, "ISO_IR 192"), (GREEK, "ISO_IR 126")]
MORE_SCRIPTS = [
    (CYRILLIC, "ISO_IR 192"),
    (UTF8, "ISO_IR 192"),
    (JAPANESE, "ISO_IR 192"),
    (JAPANESE, "\\ISO 2022 IR 87"),
]


@pytest.mark.parametrize(("patient", "character_set"), [*SCRIPTS, *MORE_SCRIPTS])
def test_names_of_every_script_are_searched_and_read(
    loopback_pacs: LoopbackPacs, connect: Connect, tmp_path: Path, patient: Patient, character_set: str
) -> None:
    for one in (patient, PLAIN):
        loopback_pacs.load(sr_study(one).write(tmp_path / "files"))
    connector = connect(loopback_pacs, specific_character_set=character_set)
    beginning = patient.name.split("=")[-1][:3]
    for wanted in (f"*{beginning}*", patient.name):
        [found] = connector.find(Query(Level.STUDY, patient_name=wanted))
        assert str(found.PatientName) == patient.name


@pytest.mark.peer
@pytest.mark.parametrize("patient", [UMLAUT, GREEK, CYRILLIC], ids=lambda patient: patient.patient_id)
def test_orthanc_finds_and_returns_names_beyond_ascii(connect: Connect, tmp_path: Path, patient: Patient) -> None:
    skip_or_fail("Orthanc")
    with Orthanc(tmp_path / "orthanc", options={"DefaultEncoding": "Utf8"}) as orthanc:
        for one in (patient, PLAIN):
            orthanc.upload(sr_study(one).write(tmp_path / "files"))
        [found] = connect(orthanc).find(Query(Level.STUDY, patient_name=patient.name))
    assert str(found.PatientName) == patient.name


@pytest.mark.peer
def test_dcmqrscp_is_searched_at_every_level(
    dcmqrscp: Dcmqrscp, connect: Connect, instance_of: Callable[[Path], Instance], tmp_path: Path
) -> None:
    connector = connect(dcmqrscp)
    paths = CT.write(tmp_path / "ct")
    assert all(one.stored for one in connector.store(map(instance_of, paths), Placement("job")))
    assert [str(one.PatientID) for one in connector.find(Query(Level.PATIENT, patient_name="Sample*"))] == ["SYN-0001"]
    assert uids(connector, Query(Level.STUDY, patient_id="SYN-0001", modalities=("CT",))) == [CT.study_instance_uid]
    series = Query(Level.SERIES, study_instance_uid=CT.study_instance_uid)
    [axial] = connector.find(replace(series, series_number="1"))
    images = replace(series, level=Level.IMAGE, series_instance_uid=str(axial.SeriesInstanceUID))
    assert len(list(connector.find(images))) == 3
