"""Real peers start on free ports, answer, and are gone afterwards."""

import base64
import os
import urllib.request
from pathlib import Path

import httpx
import pytest

from adit.testing import patients
from adit.testing.client import client, store
from adit.testing.datasets import ct_study
from adit.testing.orthanc import Orthanc
from adit.testing.part10 import data_set_bytes
from adit.testing.programs import Dcmqrscp, MissingProgram, Program, ProgramFailed, Storescp, require_program
from adit.testing.pytest_plugin import skip_or_fail

CT = ct_study(patients.PLAIN, instances=2)


def test_a_missing_program_names_its_debian_package() -> None:
    with pytest.raises(MissingProgram, match="is not installed; on Debian: apt-get install no-such-program"):
        require_program("no-such-program")


def test_a_missing_program_skips_for_a_person_and_fails_in_ci() -> None:
    outcome = pytest.fail.Exception if os.environ.get("CI") == "true" else pytest.skip.Exception
    with pytest.raises(outcome, match="no-such-program is not installed"):
        skip_or_fail("no-such-program")


def test_a_program_that_ends_at_once_is_reported_with_its_output(tmp_path: Path) -> None:
    class Failing(Program):
        def command(self) -> list[str]:
            return ["/bin/sh", "-c", "echo out of luck; exit 3"]

        def ready(self) -> bool:
            return False

    with (
        pytest.raises(ProgramFailed, match=r"sh ended with 3: out of luck"),
        Failing(tmp_path / "failing", tcp_nodelay=False),
    ):
        pass


@pytest.mark.peer
def test_storescp_receives(storescp: Storescp, tmp_path: Path) -> None:
    paths = CT.write(tmp_path / "ct")
    assert set(store((storescp.host, storescp.port), storescp.ae_title, paths).values()) == {0}
    assert {data_set_bytes(path) for path in storescp.files()} == {data_set_bytes(path) for path in paths}


@pytest.mark.peer
def test_dcmqrscp_stores_and_finds(dcmqrscp: Dcmqrscp, tmp_path: Path) -> None:
    store((dcmqrscp.host, dcmqrscp.port), dcmqrscp.ae_title, CT.write(tmp_path / "ct"))
    with client((dcmqrscp.host, dcmqrscp.port), dcmqrscp.ae_title) as one:
        found = one.find("STUDY", {"StudyInstanceUID": "", "PatientID": "SYN-0001"})
    assert found.column("StudyInstanceUID") == [CT.study_instance_uid]


@pytest.mark.peer
def test_orthanc_answers_dicom_and_dicomweb(orthanc: Orthanc, tmp_path: Path) -> None:
    paths = CT.write(tmp_path / "ct")
    store((orthanc.host, orthanc.port), orthanc.ae_title, paths)
    with client((orthanc.host, orthanc.port), orthanc.ae_title) as one:
        assert one.find("STUDY", {"StudyInstanceUID": ""}).column("StudyInstanceUID") == [CT.study_instance_uid]
    [study] = httpx.get(f"{orthanc.dicomweb_url}/studies").json()
    assert study["0020000D"]["Value"] == [CT.study_instance_uid]
    assert orthanc.sop_instance_uids() == {path.stem for path in paths}


@pytest.mark.peer
def test_orthanc_gives_back_what_was_uploaded_until_it_is_cleared(orthanc: Orthanc, tmp_path: Path) -> None:
    [path, *_] = CT.write(tmp_path / "ct")
    orthanc.upload([path])
    assert orthanc.file(path.stem).endswith(data_set_bytes(path))
    orthanc.clear()
    assert orthanc.sop_instance_uids() == set()


@pytest.mark.peer
def test_orthanc_can_ask_for_a_password(tmp_path: Path) -> None:
    skip_or_fail("Orthanc")
    with Orthanc(tmp_path / "orthanc", users={"reader": "secret"}) as peer:
        studies = f"{peer.dicomweb_url}/studies"
        assert httpx.get(studies).status_code == 401
        assert httpx.get(studies, auth=("reader", "wrong")).status_code == 401
        token = base64.b64encode(b"reader:secret").decode()
        assert httpx.get(studies, headers={"Authorization": f"Basic {token}"}).json() == []


@pytest.mark.peer
@pytest.mark.parametrize("tcp_nodelay", [True, False])
def test_tcp_nodelay_reaches_the_process_only_when_asked(tcp_nodelay: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    skip_or_fail("Orthanc")
    with Orthanc(tmp_path / "orthanc", tcp_nodelay=tcp_nodelay) as peer:
        environment = Path(f"/proc/{peer.pid}/environ").read_bytes().split(b"\0")
    assert (b"TCP_NODELAY=1" in environment) is tcp_nodelay


@pytest.mark.peer
def test_a_program_is_gone_afterwards(tmp_path: Path) -> None:
    skip_or_fail("Orthanc")
    with Orthanc(tmp_path / "orthanc") as peer:
        pid, url = peer.pid, peer.url
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=2)
