"""C-FIND of the loopback PACS, at every level and with every kind of matching."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE

from adit.testing import patients
from adit.testing.client import PATIENT_ROOT, STUDY_ROOT, Client, client
from adit.testing.datasets import Study, ct_study, mr_study, us_study
from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import require_program
from adit.testing.pytest_plugin import skip_or_fail

CT = ct_study(patients.UMLAUT, instances=3, report=True)
LATER_CT = ct_study(patients.UMLAUT, instances=2, label="later", date="20240716")
MR = mr_study(patients.JAPANESE, series=2, instances=2)
US = us_study(patients.GREEK, frames=2)
STUDIES = (CT, LATER_CT, MR, US)


@pytest.fixture
def filled(loopback_pacs: LoopbackPacs, tmp_path: Path) -> LoopbackPacs:
    for study in STUDIES:
        loopback_pacs.load(study.write(tmp_path / "source"))
    return loopback_pacs


@contextmanager
def asking(pacs: LoopbackPacs, root: str = STUDY_ROOT) -> Iterator[Client]:
    with client((pacs.host, pacs.port), "PACS", root=root) as one:
        yield one


def uids(*studies: Study) -> set[str]:
    return {study.study_instance_uid for study in studies}


def studies_for(pacs: LoopbackPacs, **wanted: str | bytes) -> set[str]:
    with asking(pacs) as one:
        answers = one.find("STUDY", {"StudyInstanceUID": "", **wanted})
    assert answers.status == 0
    return set(answers.column("StudyInstanceUID"))


def test_an_open_query_lists_every_study_once(filled: LoopbackPacs) -> None:
    assert studies_for(filled) == uids(*STUDIES)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"PatientID": "SYN-0002"}, (CT, LATER_CT)),
        ({"PatientID": "SYN-000?"}, STUDIES),
        ({"PatientID": "*4"}, (MR,)),
        ({"StudyDate": "20240115"}, (CT,)),
        ({"StudyDate": "20240116-20240310"}, (MR, US)),
        ({"StudyDate": "20240310-"}, (LATER_CT, US)),
        ({"StudyDate": "-20240115"}, (CT,)),
        ({"StudyTime": "10-11"}, STUDIES),
        ({"StudyTime": "1101-"}, ()),
        ({"ModalitiesInStudy": "SR"}, (CT,)),
        ({"ModalitiesInStudy": "SR\\US"}, (CT, US)),
        ({"StudyDescription": "CT*"}, (CT, LATER_CT)),
        ({"StudyDescription": "ct*"}, ()),
        ({"AccessionNumber": "Aus3"}, (US,)),
        ({"StudyInstanceUID": f"{CT.study_instance_uid}\\{US.study_instance_uid}"}, (CT, US)),
        ({"PatientName": "mihon*"}, (MR,)),
        ({"PatientName": "*^tarou"}, (MR,)),
        ({"PatientID": "SYN-0002", "StudyDate": "20240716"}, (LATER_CT,)),
        ({"Modality": "XX"}, STUDIES),
    ],
)
def test_a_key_matches_as_the_standard_says(
    wanted: dict[str, str], expected: tuple[Study, ...], filled: LoopbackPacs
) -> None:
    assert studies_for(filled, **wanted) == uids(*expected)


@pytest.mark.parametrize(
    ("name", "charset", "encoding", "expected"),
    [
        ("müßterfräu*", "ISO_IR 100", "latin-1", (CT, LATER_CT)),
        ("Müßter*", "ISO_IR 192", "utf-8", (CT, LATER_CT)),
        ("Δοκιμή^*", "ISO_IR 126", "iso8859-7", (US,)),
        ("見本*", "ISO_IR 192", "utf-8", (MR,)),
    ],
)
def test_a_name_matches_across_character_sets(
    name: str, charset: str, encoding: str, expected: tuple[Study, ...], filled: LoopbackPacs
) -> None:
    found = studies_for(filled, SpecificCharacterSet=charset, PatientName=name.encode(encoding))
    assert found == uids(*expected)


def test_an_answer_carries_the_name_in_the_character_set_of_the_instance(filled: LoopbackPacs) -> None:
    with asking(filled) as one:
        [answer] = one.find("STUDY", {"PatientID": "SYN-0003", "PatientName": ""}).found
    assert answer[0x00080005].strip() == b"ISO_IR 126"
    assert answer[0x00100010].decode("iso8859-7").strip() == patients.GREEK.name


def test_counts_are_computed_for_each_level(filled: LoopbackPacs) -> None:
    of_patient = ("NumberOfPatientRelatedStudies", "NumberOfPatientRelatedSeries", "NumberOfPatientRelatedInstances")
    of_study = ("ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
    study_key = {"StudyInstanceUID": CT.study_instance_uid}
    with asking(filled, PATIENT_ROOT) as one:
        patient = one.find("PATIENT", {"PatientID": "SYN-0002", **dict.fromkeys(of_patient, "")})
        study = one.find("STUDY", {**study_key, **dict.fromkeys(of_study, "")})
        series = one.find("SERIES", {**study_key, "NumberOfSeriesRelatedInstances": ""})
    assert [patient.column(keyword) for keyword in of_patient] == [["2"], ["3"], ["6"]]
    assert [study.column(keyword) for keyword in of_study] == [["CT\\SR"], ["2"], ["4"]]
    assert sorted(series.column("NumberOfSeriesRelatedInstances")) == ["1", "3"]


def test_series_and_instances_are_found_below_their_study(filled: LoopbackPacs) -> None:
    study_key = {"StudyInstanceUID": CT.study_instance_uid}
    with asking(filled) as one:
        series = one.find("SERIES", {**study_key, "Modality": "CT", "SeriesInstanceUID": ""})
        [series_uid] = series.column("SeriesInstanceUID")
        series_key = {**study_key, "SeriesInstanceUID": series_uid}
        images = one.find("IMAGE", {**series_key, "SOPInstanceUID": "", "InstanceNumber": "2"})
    assert images.column("SOPInstanceUID") == [list(CT.datasets())[1].SOPInstanceUID]


def test_study_root_has_no_patient_level(filled: LoopbackPacs) -> None:
    with asking(filled) as one:
        assert one.find("PATIENT", {"PatientID": ""}).status == 0xA900


def test_an_unknown_level_is_refused(filled: LoopbackPacs) -> None:
    with asking(filled) as one:
        assert one.find("FRAME", {"PatientID": ""}).status == 0xA900


def test_a_canceled_query_ends_early(filled: LoopbackPacs) -> None:
    filled.faults = Faults(delay_per_instance=0.2)
    with asking(filled) as one:
        answers = one.find("STUDY", {"StudyInstanceUID": ""}, cancel_after=1)
    assert answers.status == 0xFE00
    assert len(answers.found) == 1


@pytest.mark.peer
def test_dcmtk_reads_the_answers(filled: LoopbackPacs, tmp_path: Path) -> None:
    skip_or_fail("findscu")
    answers = tmp_path / "answers"
    answers.mkdir()
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=SYN-0004", "-k", "PatientName", "-k", "StudyInstanceUID")
    command = [str(require_program("findscu")), "-S", "-aec", "PACS", *keys, "-X", "-od", str(answers)]
    subprocess.run([*command, filled.host, str(filled.port)], check=True, timeout=20)
    [answer] = answers.iterdir()
    assert dcmread(answer, force=True).PatientName == patients.JAPANESE.name


def test_pynetdicom_reads_the_answers(filled: LoopbackPacs) -> None:
    model = "1.2.840.10008.5.1.4.1.2.2.1"
    entity = AE()
    entity.add_requested_context(model)
    association = entity.associate(filled.host, filled.port, ae_title="PACS")
    query = Dataset()
    query.QueryRetrieveLevel, query.PatientID, query.PatientName = "STUDY", "SYN-0003", ""
    answers = list(association.send_c_find(query, model))
    association.release()
    assert [status.Status for status, _ in answers] == [0xFF00, 0x0000]
    assert [answer.PatientName for _, answer in answers if answer is not None] == [patients.GREEK.name]
