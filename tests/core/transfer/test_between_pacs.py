"""The pipeline between two loopback PACS: the same verdicts over real associations."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adit.api.dicom_folder import DicomFolderSpec
from adit.api.dicom_server import DicomServerSpec, Verification
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
from adit.errors import RetryableError
from adit.testing.datasets import Study, ct_study
from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import Patient
from adit.testing.programs import Storescp
from adit.testing.task_sets import server_spec
from adit.testing.transfers import moved, transfer_job_task
from adit.transfer.rewriter import Subject
from adit.transfer.transfer import TaskOutcome

AT_ONCE = Verification(settle_seconds=0)


@dataclass(frozen=True)
class Pair:
    """A filled PACS, an empty one, and the study."""

    source: LoopbackPacs
    destination: LoopbackPacs
    study: Study
    folder: Path

    def move(self, verification: Verification = AT_ONCE, subject: Subject | None = None) -> TaskOutcome:
        task = transfer_job_task("P1", self.study.study_instance_uid)
        with connector(self.source) as source, connector(self.destination) as destination:
            return moved(source, destination, self.folder, task, verification=verification, subject=subject)

    @property
    def missing(self) -> set[str]:
        """What the destination does not have."""
        return uids(self.source) - uids(self.destination)


def connector(pacs: LoopbackPacs) -> Connector:
    spec = DicomServerSpec.of(server_spec(pacs.port, pacs.ae_title))
    return open_connector(Target(pacs.ae_title.lower(), spec, "ADIT", Path("/mnt")))


def uids(pacs: LoopbackPacs) -> set[str]:
    return {one.sop_instance_uid for one in pacs.instances()}


def lost(outcome: TaskOutcome) -> dict[str, str]:
    return {entry.instance: entry.reason for entry in outcome.entries if entry.kind == "Lost"}


@pytest.fixture(name="pair")
def _pair(tmp_path: Path) -> Iterator[Pair]:
    study = ct_study(Patient("P1", "Doe^Jane"), instances=21, rows=16)
    with LoopbackPacs(tmp_path / "a", "PACS") as source, LoopbackPacs(tmp_path / "b", "RESEARCH") as destination:
        source.load(study.write(tmp_path / "files"))
        yield Pair(source, destination, study, tmp_path)


def test_a_study_is_moved_on_one_association_per_side(pair: Pair) -> None:
    outcome = pair.move()
    assert (outcome.line.state, outcome.line.instances.verified, outcome.line.method) == ("S", 21, "Instances")
    assert pair.missing == set()
    assert pair.source.peak_associations == pair.destination.peak_associations == 1


@pytest.mark.parametrize("held", [0, 10])
def test_every_seventh_dropped_is_named_also_where_half_was_there_before(pair: Pair, held: int) -> None:
    pair.destination.load(sorted((pair.folder / "files").iterdir())[:held])
    pair.destination.faults = Faults(drop_every_nth_stored=7)
    outcome = pair.move()
    assert outcome.line.state == "W"
    assert pair.missing
    assert lost(outcome) == dict.fromkeys(pair.missing, "NotVerified")


def test_a_destination_that_held_half_and_takes_the_rest_is_a_success(pair: Pair) -> None:
    pair.destination.load(sorted((pair.folder / "files").iterdir())[:10])
    assert (pair.move().line.state, pair.missing) == ("S", set())


def test_a_destination_out_of_resources_is_tried_again_later_and_named(pair: Pair) -> None:
    pair.destination.faults = Faults(refuse_store_status=0xA700, refuse_store_after=15)
    outcome = pair.move()
    assert isinstance(outcome.error, RetryableError)
    assert set(lost(outcome)) == pair.missing
    assert len(pair.missing) == 6


def test_a_source_that_aborts_mid_study_loses_nothing_that_arrived(pair: Pair) -> None:
    pair.source.faults = Faults(abort_fetch_after=8)
    outcome = pair.move()
    assert isinstance(outcome.error, RetryableError)
    assert outcome.line.instances.received == outcome.line.instances.verified == len(uids(pair.destination))
    assert set(lost(outcome)) == pair.missing
    assert outcome.line.instances.received > 8


def test_answers_that_carry_only_unique_keys_are_enough(pair: Pair) -> None:
    pair.source.faults = pair.destination.faults = Faults(omit_return_keys=True)
    assert (pair.move().line.state, pair.missing) == ("S", set())


def test_a_study_that_the_destination_keeps_under_another_pseudonym_is_no_success(pair: Pair) -> None:
    # what passes through unchanged carries P1, as a study does that was stored before under that pseudonym
    outcome = pair.move(subject=Subject("Bob"))
    assert (outcome.line.state, outcome.line.reason, outcome.line.instances.verified) == ("W", "OtherPatientId", 21)
    assert pair.move(subject=Subject("P1")).line.state == "S"


@pytest.mark.peer
def test_a_receiver_that_only_stores_is_taken_at_its_word_and_the_method_says_so(
    pair: Pair, storescp: Storescp
) -> None:
    spec = DicomServerSpec.of(server_spec(storescp.port, "STORESCP"))
    task = transfer_job_task("P1", pair.study.study_instance_uid)
    with connector(pair.source) as source, open_connector(Target("scp", spec, "ADIT", Path("/mnt"))) as destination:
        outcome = moved(source, destination, pair.folder, task, verification=AT_ONCE)
    assert (outcome.line.state, outcome.line.method, outcome.line.instances.verified) == ("S", "StoreResponses", 21)


def test_a_folder_is_verified_by_the_files_that_lie_in_it(pair: Pair) -> None:
    spec = DicomFolderSpec.of({"volume": {"claimName": "archive"}})
    task = transfer_job_task("P1", pair.study.study_instance_uid)
    (pair.folder / "mount" / "archive").mkdir(parents=True)
    target = Target("archive", spec, "ADIT", pair.folder / "mount")
    with connector(pair.source) as source, open_connector(target) as destination:
        outcome = moved(source, destination, pair.folder, task, verification=AT_ONCE)
    files = list((pair.folder / "mount").rglob("*.dcm"))
    assert (outcome.line.state, outcome.line.method, len(files)) == ("S", "Instances", 21)
    assert files[0].relative_to(pair.folder / "mount").parts[1] == "adit_transfer_job_20240102_alice"
