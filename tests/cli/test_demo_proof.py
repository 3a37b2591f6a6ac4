"""The demo's arithmetic, and its proof against two PACS that were filled by hand."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adit.api.dicom_server import DicomServerSpec
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
from adit.testing import patients
from adit.testing.datasets import ct_study
from adit.testing.pacs import LoopbackPacs
from adit_cli.demo_proof import StudyProof, adds_up, last_line, proof_of, proof_table
from adit_operator.testing.builders import transfer_job

STUDY = ct_study(patients.PLAIN, instances=3, rows=16, report=True)


def proof(expected: int = 4, verified: int = 4) -> StudyProof:
    return StudyProof("night", "P1", "CT", "CT", expected, verified)


def test_the_last_line_is_made_for_scripts() -> None:
    assert last_line([proof(), proof(6, 5)], stored=10, failed=1) == (
        "demo: 2 studies, 10 instances expected, 10 stored, 9 verified, 1 failed"
    )


@pytest.mark.parametrize(
    ("proofs", "stored", "failed", "fine"),
    [
        ([proof(), proof(6, 6)], 10, 0, True),
        ([proof(4, 3)], 4, 1, False),
        ([proof(4, 3)], 4, 0, False),
        ([proof()], 3, 0, False),
        ([proof()], 5, 0, False),
        ([proof()], 4, 1, False),
        ([proof(0, 0)], 0, 0, False),
        ([], 0, 0, False),
    ],
)
def test_it_adds_up_only_if_every_number_is_the_same(
    proofs: list[StudyProof], stored: int, failed: int, *, fine: bool
) -> None:
    assert adds_up(proofs, stored, failed) is fine


def test_the_table_has_a_row_for_each_study() -> None:
    heading, row = proof_table([proof(4, 3)]).splitlines()
    assert re.split(" +", heading) == ["JOB", "PATIENT", "STUDY", "MODALITIES", "EXPECTED", "VERIFIED", "MISSING"]
    assert re.split(" +", row) == ["night", "P1", "CT", "CT", "4", "3", "1"]


class Peers:
    """Two PACS, the source filled, and a connector to each."""

    def __init__(self, source: LoopbackPacs, destination: LoopbackPacs, ask: tuple[Connector, Connector]) -> None:
        self.source, self.destination, self.ask = source, destination, ask

    def proven(self, **spec: Any) -> StudyProof:
        task = {"patientId": STUDY.patient.patient_id, "studyInstanceUid": STUDY.study_instance_uid}
        if "pseudonymization" in spec:
            task["pseudonym"] = "ALIAS"
        job = transfer_job(1, spec={"tasks": [task], **spec})
        [found] = proof_of(job, *self.ask, frozenset({"SR"}))
        return found


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[Peers]:
    def connector(pacs: LoopbackPacs) -> Connector:
        spec = {"aeTitle": pacs.ae_title, "dimse": {"host": pacs.host, "port": pacs.port}}
        return open_connector(Target("pacs", DicomServerSpec.of(spec), "ADIT", tmp_path))

    with (
        LoopbackPacs(tmp_path / "a", "A") as source,
        LoopbackPacs(tmp_path / "b", "B") as destination,
        connector(source) as to_source,
        connector(destination) as to_destination,
    ):
        source.load(STUDY.write(tmp_path / "files"))
        yield Peers(source, destination, (to_source, to_destination))


def test_an_identified_study_is_proved_by_its_own_uids(peers: Peers, tmp_path: Path) -> None:
    assert (peers.proven().expected, peers.proven().verified) == (4, 0)
    files = sorted((tmp_path / "files").iterdir())
    peers.destination.load(files[:3])
    assert peers.proven().missing == 1
    peers.destination.load(files)
    assert peers.proven().missing == 0


def test_a_pseudonymized_study_is_proved_by_new_uids_and_an_original_one_spoils_it(
    peers: Peers, tmp_path: Path
) -> None:
    profile = {"pseudonymization": {"profile": "adit-compatible"}}
    alias = ct_study(patients.Patient("ALIAS", "ALIAS"), instances=3, rows=16)
    assert (peers.proven(**profile).expected, peers.proven(**profile).verified) == (3, 0)  # the report stays behind
    peers.destination.load(alias.write(tmp_path / "alias"))
    assert peers.proven(**profile).verified == 3
    leaked = next(STUDY.datasets())
    leaked.PatientID = "ALIAS"
    peers.destination.store(leaked)
    assert peers.proven(**profile).verified == 0
