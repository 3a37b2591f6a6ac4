"""Both upper layers bring the same from the same server: the same answers, the same instances, byte for byte."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adit.connectors.dimse import DimseConnector
from adit.connectors.target import Target
from adit.query import Level, Query, Selection
from adit.testing.datasets import ct_study, mr_study, us_study
from adit.testing.odd_files import STUDY_UID, odd_files
from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import PLAIN, UMLAUT
from adit.testing.programs import Dcmqrscp
from adit.transfer.instance import Instance
from adit.transfer.placement import Placement

TargetOf = Callable[..., Target]
STUDIES = (ct_study(PLAIN, instances=4, report=True), mr_study(PLAIN, instances=3), us_study(UMLAUT))


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    written = [path for study in STUDIES for path in study.write(tmp_path / "files")]
    return [*written, *odd_files(tmp_path / "odd").values()]


def everything(pacs: DimseConnector, spool: Path) -> Iterator[tuple[str, ...]]:
    """What is found at every level, and what is fetched of each study, in no order."""
    for patient in pacs.find(Query(Level.PATIENT)):
        yield "patient", patient.to_json()
    for study in list(pacs.find(Query(Level.STUDY, patient_name="*"))):
        yield "study", study.to_json()
        of_study = Query(Level.SERIES, str(study.PatientID), study_instance_uid=str(study.StudyInstanceUID))
        for series in list(pacs.find(of_study)):
            yield "series", series.to_json()
            uid = str(series.SeriesInstanceUID)
            for image in pacs.find(replace(of_study, level=Level.IMAGE, series_instance_uid=uid)):
                yield "image", image.to_json()
    for study_uid in (*(study.study_instance_uid for study in STUDIES), STUDY_UID):
        for instance in pacs.fetch(Selection("", study_uid), spool):
            yield _described(instance)


def _described(instance: Instance) -> tuple[str, ...]:
    data = b"".join(instance.chunks()).hex()
    return "instance", instance.sop_class_uid, instance.sop_instance_uid, instance.transfer_syntax_uid, data


def both(target_of: TargetOf, peer: object, tmp_path: Path) -> list[list[tuple[str, ...]]]:
    results = []
    for implementation in ("Native", "Pynetdicom"):
        spool = tmp_path / f"spool-{implementation}"
        spool.mkdir()
        with DimseConnector(target_of(peer, implementation=implementation, find=("StudyRoot",))) as pacs:
            results.append(sorted(everything(pacs, spool)))
    return results


def test_from_the_loopback_pacs(
    loopback_pacs: LoopbackPacs, target_of: TargetOf, files: list[Path], tmp_path: Path
) -> None:
    loopback_pacs.load(files)
    native, pynetdicom = both(target_of, loopback_pacs, tmp_path)
    assert native == pynetdicom
    assert sum(kind == "instance" for kind, *_ in native) == len(files)


@pytest.mark.peer
def test_from_orthanc(orthanc: Orthanc, target_of: TargetOf, files: list[Path], tmp_path: Path) -> None:
    orthanc.upload(files)
    native, pynetdicom = both(target_of, orthanc, tmp_path)
    assert native == pynetdicom
    assert sum(kind == "instance" for kind, *_ in native) == len(files)


@pytest.mark.peer
def test_from_dcmqrscp(
    dcmqrscp: Dcmqrscp,
    target_of: TargetOf,
    files: list[Path],
    tmp_path: Path,
    instance_of: Callable[[Path], Instance],
) -> None:
    with DimseConnector(target_of(dcmqrscp)) as archive:
        stored = [one.stored for one in archive.store(map(instance_of, files), Placement("job"))]
    native, pynetdicom = both(target_of, dcmqrscp, tmp_path)
    assert native == pynetdicom
    assert sum(kind == "instance" for kind, *_ in native) == sum(stored)
