"""`adit echo` and `adit find` against a PACS: what they print, what they refuse, and the slot that they take."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit.cluster.embedded.slots import EmbeddedSlots
from adit.testing import patients
from adit.testing.datasets import ct_study, mr_study
from adit.testing.http_peer import HttpPeer, Response
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import free_port
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine

CT, MR = ct_study(patients.UMLAUT, instances=3, rows=16), mr_study(patients.JAPANESE, series=2, instances=2, rows=16)


@pytest.fixture
def pacs_with_studies(adit: CommandLine, pacs: LoopbackPacs, tmp_path: Path) -> LoopbackPacs:
    """A PACS that the cluster knows as `pacs`, with a CT and an MR."""
    for study in (CT, MR):
        pacs.load(study.write(tmp_path / study.label))
    adit.put(manifests.server("pacs", pacs))
    return pacs


@pytest.mark.usefixtures("pacs_with_studies")
def test_echo_says_that_the_server_answers(adit: CommandLine) -> None:
    result = adit("echo", "pacs")
    assert result.code == 0, result.err
    assert result.out.startswith("pacs answers (")


def test_echo_of_a_server_that_is_down_exits_1_and_says_where_it_looked(adit: CommandLine) -> None:
    port = free_port()
    adit.put(manifests.server_at("down", port))
    result = adit("echo", "down")
    assert result.code == 1
    assert result.err.startswith(f"down cannot be reached at 127.0.0.1:{port}: connection refused")


def test_echo_tells_both_ae_titles_to_one_who_is_not_known(adit: CommandLine, tmp_path: Path) -> None:
    with LoopbackPacs(tmp_path / "strict", allowed_calling=["OTHER"]) as strict:
        adit.put(manifests.server("strict", strict))
        result = adit("echo", "strict")
        assert result.code == 1
        assert "PeerRefusedAccess: strict does not know our AE title ADIT (it was called as PACS)" in result.err
        assert adit("echo", "strict", CALLING_AE_TITLE="OTHER").code == 0


def test_a_server_that_is_not_there_is_named_with_the_command_that_lists_them(adit: CommandLine) -> None:
    result = adit("echo", "absent")
    assert (result.code, result.err) == (
        2,
        "DicomServer/absent does not exist; adit get dcmsrv lists what there is\n",
    )


@pytest.mark.usefixtures("pacs_with_studies")
def test_find_prints_a_table_of_studies(adit: CommandLine) -> None:
    result = adit("find", "pacs")
    assert result.code == 0, result.err
    heading, *rows = result.out.splitlines()
    assert heading.split() == [
        "PatientID",
        "PatientName",
        "StudyDate",
        "StudyDescription",
        "ModalitiesInStudy",
        "AccessionNumber",
        "NumberOfStudyRelatedInstances",
        "StudyInstanceUID",
    ]
    assert len(rows) == 2
    assert any(patients.UMLAUT.name in row and row.endswith(CT.study_instance_uid) for row in rows)


@pytest.mark.usefixtures("pacs_with_studies")
@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        (["--patient-id", patients.UMLAUT.patient_id], [CT]),
        (["--patient-id", "SYN-*"], [CT, MR]),
        (["--patient-name", "Müßter*"], [CT]),
        (["--birth-date", patients.JAPANESE.birth_date], [MR]),
        (["--study-date", "20240101-20240131"], [CT]),
        (["--study-date", "20230101-20230131"], []),
        (["--modality", "MR"], [MR]),
        (["--modality", "MR", "--modality", "CT"], [CT, MR]),
        (["--accession-number", CT.accession_number], [CT]),
        (["--description", "MR *"], [MR]),
        (["--study", MR.study_instance_uid], [MR]),
    ],
)
def test_find_narrows_by_each_criterion(adit: CommandLine, criteria: list[str], found: list[object]) -> None:
    result = adit("find", "pacs", *criteria, "-o", "json")
    assert result.code == 0, result.err
    uids = {json.loads(line)["StudyInstanceUID"] for line in result.out.splitlines()}
    assert uids == {study.study_instance_uid for study in (CT, MR) if study in found}


@pytest.mark.usefixtures("pacs_with_studies")
def test_find_goes_down_to_series_and_images_as_json_lines(adit: CommandLine) -> None:
    def answers(*arguments: str) -> list[dict[str, str]]:
        result = adit("find", "pacs", *arguments, "-o", "json")
        assert result.code == 0, result.err
        return [json.loads(line) for line in result.out.splitlines()]

    assert {one["PatientID"] for one in answers("--level", "patient")} == {"SYN-0002", "SYN-0004"}
    series = answers("--study", MR.study_instance_uid, "--level", "series")
    assert sorted(one["SeriesDescription"] for one in series) == ["T1 sagittal", "T2 axial"]
    images = answers(
        *("--study", MR.study_instance_uid, "--series", series[0]["SeriesInstanceUID"], "--level", "image")
    )
    assert sorted(one["InstanceNumber"] for one in images) == ["1", "2"]


@pytest.mark.usefixtures("pacs_with_studies")
def test_names_come_in_their_own_script(adit: CommandLine) -> None:
    assert "見本^太郎" in adit("find", "pacs", "--patient-id", "SYN-0004").out


@pytest.mark.usefixtures("pacs_with_studies")
@pytest.mark.parametrize(
    ("arguments", "missing"), [(["--level", "series"], "--study"), (["--level", "image", "--study", "1.2"], "--series")]
)
def test_below_study_level_the_uids_above_are_needed_and_the_option_is_named(
    adit: CommandLine, arguments: list[str], missing: str
) -> None:
    result = adit("find", "pacs", *arguments)
    assert (result.code, result.err) == (2, f"--level {arguments[1]} needs {missing}\n")


@pytest.mark.usefixtures("pacs_with_studies")
def test_a_search_that_brings_too_much_is_cut_and_says_so(adit: CommandLine) -> None:
    result = adit("find", "pacs", "--limit", "1", "-o", "json")
    assert len(result.out.splitlines()) == 1
    assert result.err == "there are more than 1 answers: narrow the search or give --limit\n"


def test_the_servers_own_limit_holds_where_none_is_given(adit: CommandLine, pacs: LoopbackPacs, tmp_path: Path) -> None:
    for study in (CT, MR):
        pacs.load(study.write(tmp_path / study.label))
    adit.put(manifests.server("pacs", pacs, limits={"maxSearchResults": 1}))
    assert "there are more than 1 answers" in adit("find", "pacs").err
    assert adit("find", "pacs", "--limit", "2").err == ""


def test_a_taken_slot_is_told_with_who_holds_it_since_when(adit: CommandLine, pacs_with_studies: LoopbackPacs) -> None:
    server = DicomServer.read(adit.get("DicomServer", "pacs"))

    @asynccontextmanager
    async def taken() -> AsyncIterator[None]:
        async with EmbeddedSlots(adit.data).acquire(endpoint_of(server.spec), 1, "alice (adit, process 7)"):
            yield

    async def echo_meanwhile() -> tuple[int, str]:
        async with taken():
            result = await asyncio.to_thread(adit, "echo", "pacs")
            return result.code, result.err

    code, err = asyncio.run(echo_meanwhile())
    assert code == 1
    assert f"SlotsTaken: no interactive slot of PACS@127.0.0.1:{pacs_with_studies.port} is free (1 of 1 taken): " in err
    assert "alice (adit, process 7) since 20" in err
    assert adit("echo", "pacs").code == 0


def test_a_server_whose_one_association_a_runner_uses_says_so(adit: CommandLine, pacs: LoopbackPacs) -> None:
    adit.put(manifests.server("pacs", pacs, limits={"maxAssociations": 1}))
    assert adit("echo", "pacs").code == 0
    adit.tell("DicomServer", "pacs", {"allocated": 1})
    result = adit("echo", "pacs")
    assert result.code == 1
    assert "all 1 associations of DicomServer/pacs are for runners, and 1 work now" in result.err


def test_credentials_come_from_a_labelled_secret_and_are_never_shown(adit: CommandLine) -> None:
    authorization = {"secretRef": {"name": "token", "key": "header"}}
    empty = Response("GET", ".*", 200, {"Content-Type": "application/dicom+json"}, (b"[]",))
    with HttpPeer([empty]) as peer:
        adit.put(manifests.web_server("web", peer.url, authorization=authorization))
        missing = adit("echo", "web")
        assert (missing.code, missing.err) == (2, "Secret/token does not exist, but DicomServer/web needs it\n")
        adit.put(manifests.secret("token", {"header": "Bearer sesame"}))
        unlabelled = adit("echo", "web")
        assert unlabelled.code == 2
        assert 'add the label "adit.dev/purpose: credential" to its manifest and apply it again' in unlabelled.err
        adit("delete", "secret", "token")
        adit.put(manifests.secret("token", {"header": "Bearer sesame"}, purpose="credential"))
        result = adit("echo", "web")
        assert result.code == 0, result.err
        assert [request.headers["Authorization"] for request in peer.requests] == ["Bearer sesame"]
        assert "sesame" not in result.out + result.err + missing.err + unlabelled.err
