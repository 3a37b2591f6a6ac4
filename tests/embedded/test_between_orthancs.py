"""Orthanc to Orthanc and to a folder: C-GET and C-STORE, WADO and STOW, and one of each, as jobs of one `adit run`."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit.testing.orthanc import Orthanc
from adit.testing.pytest_plugin import skip_or_fail
from adit_cli.testing import manifests
from adit_cli.testing.program import Adit, Result, Told

pytestmark = pytest.mark.peer

STUDIES = (ct_study(patients.JAPANESE, instances=6, rows=32, report=True),)
# By name of the job: the source, how it gives, how the destination takes.
WAYS = {
    "get-store": ("quick", "dimse", "dimse"),
    "get-store-as-installed": ("as-installed", "dimse", "dimse"),
    "wado-stow": ("quick", "web", "web"),
    "get-stow": ("quick", "dimse", "web"),
    "wado-store": ("quick", "web", "dimse"),
}


@dataclass(frozen=True)
class Exchange:
    """All jobs have been run; the peers are still there."""

    sources: dict[str, Orthanc]
    destinations: dict[str, Orthanc]
    folder: Path
    result: Result
    told: dict[str, Told]


def servers(name: str, peer: Orthanc) -> list[manifests.Manifest]:
    """The Orthanc twice, by each of its ways."""
    return [
        manifests.server(f"{name}-dimse", peer),
        manifests.web_server(f"{name}-web", peer.dicomweb_url),
    ]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    skip_or_fail("Orthanc")
    folder = tmp_path_factory.mktemp("exchange")
    adit = Adit(folder / "data")
    with contextlib.ExitStack() as stack:
        sources = {
            name: stack.enter_context(Orthanc(folder / name, ae_title="SOURCE", tcp_nodelay=name == "quick"))
            for name in ("quick", "as-installed")
        }
        destinations = {
            name: stack.enter_context(
                Orthanc(folder / name, ae_title="DESTINATION", tcp_nodelay="installed" not in name)
            )
            for name in WAYS
        }
        files = [path for study in STUDIES for path in study.write(folder / "files" / study.label)]
        for source in sources.values():
            source.upload(files)
        documents = [one for name, peer in {**sources, **destinations}.items() for one in servers(name, peer)]
        for name, (source_name, fetch, store) in WAYS.items():
            ends = {"source": f"{source_name}-{fetch}", "destination": f"{name}-{store}"}
            documents.append(manifests.job(name, STUDIES, parallelism=1, **ends))
        into = {"kind": "DicomFolder", "name": "archive"}
        documents.append(manifests.folder("archive", "images"))
        documents.append(
            manifests.job("to-folder", STUDIES, source="as-installed-dimse", destination=into, parallelism=1)
        )
        result = adit.run("run", manifests.write(folder / "night.yaml", documents))
        yield Exchange(sources, destinations, adit.data / "folders" / "images", result, adit.told())


def test_all_jobs_succeed_and_say_how_they_were_verified(exchange: Exchange) -> None:
    assert exchange.result.code == 0, exchange.result.err
    for name, told in exchange.told.items():
        assert told.job.status.instances.verified == 7, name
        assert {line.method for line in told.lines} == {"Instances"}, name


@pytest.mark.parametrize("way", WAYS)
def test_every_way_brings_each_instance_byte_for_byte(exchange: Exchange, way: str) -> None:
    source, destination = exchange.sources[WAYS[way][0]], exchange.destinations[way]
    assert destination.sop_instance_uids() == source.sop_instance_uids()
    for uid in source.sop_instance_uids():
        assert data_set(destination.file(uid)) == data_set(source.file(uid)), uid


def test_a_folder_gets_every_instance_below_its_patient(exchange: Exchange) -> None:
    found = {path: dcmread(path) for path in exchange.folder.rglob("*") if path.is_file()}
    assert {str(one.SOPInstanceUID) for one in found.values()} == exchange.sources["quick"].sop_instance_uids()
    for path, instance in found.items():
        assert str(instance.PatientID) in path.relative_to(exchange.folder).parts


def data_set(file: bytes) -> bytes:
    """A Part-10 file without its meta information, in which each archive names itself."""
    length = int.from_bytes(file[140:144], "little")  # (0002,0000) UL, the first element
    return file[144 + length :]
