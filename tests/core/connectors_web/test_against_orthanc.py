"""Everything that a DICOMweb connector does, against a real server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from adit.connectors.web import DicomWebConnector
from adit.errors import AccessDenied, NotFound, PermanentError
from adit.query import Level, Query, Selection
from adit.testing.odd_files import STUDY_UID, odd_files
from adit.testing.orthanc import Orthanc
from adit.testing.part10 import data_set_bytes, read_meta
from adit.testing.pydicom_files import BY_ENCODING, pydicom_file
from adit.testing.pytest_plugin import skip_or_fail
from adit.transfer.instance import Instance
from adit.transfer.part10 import open_part10
from adit.transfer.placement import Placement

Open = Callable[..., DicomWebConnector]
pytestmark = pytest.mark.peer
PLACEMENT = Placement("job")


def test_every_data_set_arrives_byte_for_byte_through_wado_and_stow(
    two_orthancs: tuple[Orthanc, Orthanc], opened: Open, tmp_path: Path, spool: Path
) -> None:
    source, destination = two_orthancs
    originals = list(odd_files(tmp_path / "odd").values())
    source.upload(originals)
    with opened(source.dicomweb_url) as sender, opened(destination.dicomweb_url) as receiver:
        outcomes = list(receiver.store(sender.fetch(Selection("", STUDY_UID), spool), PLACEMENT))
    assert [one for one in outcomes if not one.stored] == []
    for path in originals:
        uid = read_meta(path).sop_instance_uid
        assert data_set_of(destination, uid, tmp_path) == data_set_bytes(path), path.name


def test_every_encoding_arrives_as_it_is_stored(orthanc: Orthanc, opened: Open, spool: Path) -> None:
    web = opened(orthanc.dicomweb_url)
    for encoding, name in BY_ENCODING.items():
        path = pydicom_file(name)
        orthanc.upload([path])
        [study] = web.find(Query(Level.STUDY))
        [instance] = web.fetch(Selection("", str(study.StudyInstanceUID)), spool)
        assert instance.transfer_syntax_uid == read_meta(path).transfer_syntax_uid
        assert b"".join(instance.chunks()) == data_set_bytes(path), encoding
        orthanc.clear()


def test_a_series_and_named_instances_can_be_fetched_alone(
    orthanc: Orthanc, opened: Open, tmp_path: Path, spool: Path
) -> None:
    orthanc.upload(odd_files(tmp_path / "odd").values())
    web = opened(orthanc.dicomweb_url)
    members: dict[str, list[str]] = {}
    for one in web.find(Query(Level.IMAGE, study_instance_uid=STUDY_UID)):
        members.setdefault(str(one.SeriesInstanceUID), []).append(str(one.SOPInstanceUID))
    assert len(members) == 2
    for series, uids in members.items():
        fetched = web.fetch(Selection("", STUDY_UID, (series,)), spool)
        assert sorted(instance.sop_instance_uid for instance in fetched) == sorted(uids)
    series = max(members, key=lambda uid: len(members[uid]))
    wanted = members[series][:2]
    named = Selection("", STUDY_UID, (series,), ((series, tuple(wanted)),))
    assert [one.sop_instance_uid for one in web.fetch(named, spool)] == wanted


def test_a_study_that_is_not_there_is_not_found(orthanc: Orthanc, opened: Open, spool: Path) -> None:
    web = opened(orthanc.dicomweb_url)
    with pytest.raises(NotFound, match="does not have the study"):
        list(web.fetch(Selection("", "1.2.3"), spool))
    assert list(web.find(Query(Level.STUDY, study_instance_uid="1.2.3"))) == []
    assert list(web.find(Query(Level.IMAGE, study_instance_uid="1.2.3", series_instance_uid="1.2.4"))) == []
    assert list(spool.iterdir()) == []


@pytest.fixture
def patients(tmp_path: Path) -> Iterator[Orthanc]:
    """An Orthanc that answers in UTF-8, with names that a URL cannot hold as they are."""
    skip_or_fail("Orthanc")
    with Orthanc(tmp_path / "orthanc", options={"DefaultEncoding": "Utf8"}) as orthanc:
        orthanc.upload(written_patients(tmp_path))
        yield orthanc


def written_patients(tmp_path: Path) -> Iterator[Path]:
    for number, (charset, name, description) in enumerate([
        ("ISO_IR 100", "Müller^Hans Peter", "Kopf CT (nativ)"),
        ("ISO_IR 100", "Mueller^Hans", "Kopf CT mit KM"),
        ("ISO_IR 192", "Δοκιμή^Άννα", "100% & mehr + x=1"),
    ]):  # fmt: skip
        dataset = dcmread(pydicom_file("CT_small.dcm"))
        dataset.SpecificCharacterSet, dataset.PatientName = charset, name
        dataset.PatientID, dataset.StudyDescription = f"P {number}", description
        dataset.StudyDate = f"2024010{number + 1}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.{number}", f"1.3.{number}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"1.4.{number}")
        dataset.save_as(tmp_path / f"{number}.dcm")
        yield tmp_path / f"{number}.dcm"


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        (Query(Level.STUDY), {"1.2.0", "1.2.1", "1.2.2"}),
        (Query(Level.STUDY, patient_name="M*"), {"1.2.0", "1.2.1"}),
        (Query(Level.STUDY, patient_name="*Hans*"), {"1.2.0", "1.2.1"}),
        (Query(Level.STUDY, patient_name="müller^hans peter"), {"1.2.0"}),
        (Query(Level.STUDY, patient_name="Müller*"), {"1.2.0"}),
        (Query(Level.STUDY, patient_name="Δοκιμή*"), {"1.2.2"}),
        (Query(Level.STUDY, patient_id="P 1"), {"1.2.1"}),
        (Query(Level.STUDY, patient_id="P?2"), {"1.2.2"}),
        (Query(Level.STUDY, study_description="Kopf CT (nativ)"), {"1.2.0"}),
        (Query(Level.STUDY, study_description="100% & mehr + x=1"), {"1.2.2"}),
        (Query(Level.STUDY, study_date="20240102-"), {"1.2.1", "1.2.2"}),
        (Query(Level.STUDY, study_date="20240102-20240102"), {"1.2.1"}),
        (Query(Level.STUDY, modalities=("MR", "CT")), {"1.2.0", "1.2.1", "1.2.2"}),
        (Query(Level.STUDY, modalities=("MR",)), set()),
        (Query(Level.STUDY, study_instance_uid="1.2.0\\1.2.2"), {"1.2.0", "1.2.2"}),
        (Query(Level.SERIES, study_instance_uid="1.2.1", modalities=("CT",)), {"1.2.1"}),
        (Query(Level.IMAGE, sop_instance_uid="1.4.2"), {"1.2.2"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_query_finds_what_it_names(patients: Orthanc, opened: Open, query: Query, studies: set[str]) -> None:
    assert {str(one.StudyInstanceUID) for one in opened(patients.dicomweb_url).find(query)} == studies


def test_patients_are_found_by_their_studies_and_each_once(orthanc: Orthanc, opened: Open, tmp_path: Path) -> None:
    orthanc.upload(odd_files(tmp_path / "odd").values())
    [patient] = opened(orthanc.dicomweb_url).find(Query(Level.PATIENT, patient_name="Sample*"))
    assert patient.PatientID == "SYN-0001"


def test_the_limit_ends_a_search(patients: Orthanc, opened: Open) -> None:
    assert len(list(opened(patients.dicomweb_url).find(Query(Level.STUDY, limit=2)))) == 2


def test_a_credential_opens_the_server(guarded_orthanc: Orthanc, opened: Open, spool: Path) -> None:
    web = opened(guarded_orthanc.dicomweb_url, "Basic YWRpdDpzZWNyZXQ=")
    web.echo()
    assert list(web.find(Query(Level.STUDY))) == []
    with pytest.raises(NotFound):
        list(web.fetch(Selection("", "1.2.3"), spool))


@pytest.mark.parametrize("wrong", [None, "Basic YWRpdDp3cm9uZw=="])
def test_a_wrong_credential_is_said_to_be_wrong(
    guarded_orthanc: Orthanc, opened: Open, spool: Path, tmp_path: Path, wrong: str | None
) -> None:
    web = opened(guarded_orthanc.dicomweb_url, wrong)
    odd = instances_of(tmp_path)
    for attempt in (
        web.echo,
        lambda: list(web.find(Query(Level.STUDY))),
        lambda: list(web.fetch(Selection("", "1.2.3"), spool)),
        lambda: list(web.store(odd, PLACEMENT)),
    ):
        with pytest.raises(AccessDenied, match=r"check the Secret of dicomweb\.authorization") as caught:
            attempt()
        assert "YWRpdDp3cm9uZw" not in caught.value.message


@pytest.mark.parametrize(("spec", "field"), [({}, "qidoPrefix"), ({"qidoPrefix": "nothing/here"}, "qidoPrefix")])
def test_a_wrong_path_is_named_with_its_field(orthanc: Orthanc, opened: Open, spec: dict[str, str], field: str) -> None:
    url = orthanc.dicomweb_url if spec else f"{orthanc.url}/dicomweb"
    with pytest.raises(PermanentError, match=field) as caught:
        opened(url, **spec).echo()
    assert caught.value.reason == "WrongUrl"
    assert orthanc.url in caught.value.message


def instances_of(tmp_path: Path) -> list[Instance]:
    return [open_part10(path) for path in odd_files(tmp_path / "odd").values()]


def data_set_of(peer: Orthanc, uid: str, tmp_path: Path) -> bytes:
    path = tmp_path / "kept.dcm"
    path.write_bytes(peer.file(uid))
    return data_set_bytes(path)
