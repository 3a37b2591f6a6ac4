"""C-MOVE through the receiver as it is: a source sends to it, and the pipeline gets every instance from its spool."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from adit.api.dicom_server import DicomServerSpec, Verification
from adit.connectors import Target, open_connector
from adit.dimse.server import Server
from adit.testing.connectors import FakeConnector
from adit.testing.datasets import Study, ct_study
from adit.testing.faults import Faults
from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import Patient
from adit.testing.programs import free_port
from adit.testing.pytest_plugin import skip_or_fail
from adit.testing.transfers import moved, transfer_job_task
from adit.transfer.transfer import TaskOutcome
from adit.transmit.access import ReceiverAccess
from adit.transmit.server import TransmitServer
from adit_receiver.layout import Folder
from adit_receiver.room import Limits
from adit_receiver.service import Allowed, Receiving
from adit_receiver.spool import Spool

KEY = bytes(range(32))
LEAST = 500  # bytes; an instance has more
AT_ONCE = Verification(settle_seconds=0)


class Silent:
    """Counts nothing."""

    def associated(self, refused: str) -> None:
        """Nothing."""

    def received(self, count: int, status: int, reason: str) -> None:
        """Nothing."""


@dataclass
class Receiver:
    """A receiver in this process, on the same ports and the same spool whenever it is started."""

    folder: Path
    port: int
    transmit_port: int

    def __post_init__(self) -> None:
        self._stack = ExitStack()

    def start(self) -> None:
        spool = Spool(Folder(self.folder), Limits(1 << 30, 1 << 30, 3600.0), fsync=False)
        spool.open()
        service = Receiving(spool, Allowed(), Silent())
        self._stack.enter_context(TransmitServer(("127.0.0.1", self.transmit_port), spool, KEY))
        self._stack.enter_context(Server(("127.0.0.1", self.port), service))

    def stop(self) -> None:
        self._stack.close()

    def left(self) -> list[Path]:
        """Everything that still lies in its spool."""
        return [path for path in self.folder.rglob("*") if path.is_file() and path.stat().st_size > LEAST]


@pytest.fixture(name="receiver")
def _receiver(tmp_path: Path) -> Iterator[Receiver]:
    receiver = Receiver(tmp_path / "receiver", free_port(), free_port())
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture(name="study")
def _study() -> Study:
    return ct_study(Patient("P1", "Doe^Jane"), instances=20, rows=16)


@pytest.fixture(name="pacs")
def _pacs(tmp_path: Path, receiver: Receiver, study: Study) -> Iterator[LoopbackPacs]:
    with LoopbackPacs(tmp_path / "a", "MY_PACS") as pacs:
        pacs.load(study.write(tmp_path / "files"))
        pacs.destinations["RECEIVER"] = ("127.0.0.1", receiver.port)
        yield pacs


def target(host: str, port: int, ae_title: str, receiver: Receiver) -> Target:
    """A server that is moved from only."""
    dimse = {"host": host, "port": port, "get": False, "move": True}
    spec = DicomServerSpec.of({"aeTitle": ae_title, "dimse": dimse})
    access = ReceiverAccess("RECEIVER", "127.0.0.1", receiver.transmit_port, KEY)
    return Target(ae_title.lower(), spec, "ADIT", Path("/mnt"), receiver=access)


def transferred(peer: Target, folder: Path, study: Study, destination: FakeConnector | None = None) -> TaskOutcome:
    """What became of the study."""
    task = transfer_job_task("P1", study.study_instance_uid)
    with open_connector(peer) as source:
        return moved(source, destination or FakeConnector("research"), folder, task, verification=AT_ONCE)


def whole(outcome: TaskOutcome) -> tuple[str, int | None, int]:
    return outcome.line.state, outcome.line.instances.verified, len(outcome.entries)


def test_a_study_comes_through_the_receiver_and_leaves_nothing_there(
    pacs: LoopbackPacs, receiver: Receiver, study: Study, tmp_path: Path
) -> None:
    outcome = transferred(target(pacs.host, pacs.port, "MY_PACS", receiver), tmp_path, study)
    assert whole(outcome) == ("S", 20, 0)
    assert pacs.peak_associations == 1
    assert receiver.left() == []


def test_a_source_that_never_says_who_asked_is_matched_by_its_name_and_the_uids(
    pacs: LoopbackPacs, receiver: Receiver, study: Study, tmp_path: Path
) -> None:
    pacs.faults = Faults(omit_move_originator=True)
    outcome = transferred(target(pacs.host, pacs.port, "MY_PACS", receiver), tmp_path, study)
    assert whole(outcome) == ("S", 20, 0)


def test_sub_operations_that_fail_once_are_asked_for_again(
    pacs: LoopbackPacs, receiver: Receiver, study: Study, tmp_path: Path
) -> None:
    pacs.faults = Faults(fail_fetch_every_nth=9)
    outcome = transferred(target(pacs.host, pacs.port, "MY_PACS", receiver), tmp_path, study)
    assert whole(outcome) == ("S", 20, 0)


@pytest.mark.parametrize("originator", [True, False])
def test_two_jobs_that_want_one_study_at_the_same_time_both_get_it_whole(
    pacs: LoopbackPacs,
    receiver: Receiver,
    study: Study,
    tmp_path: Path,
    originator: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    pacs.faults = Faults(omit_move_originator=not originator, delay_per_instance=0.01)
    peer = target(pacs.host, pacs.port, "MY_PACS", receiver)
    with ThreadPoolExecutor(2) as threads:
        jobs = [threads.submit(transferred, peer, tmp_path / name, study) for name in ("one", "two")]
        outcomes = [job.result() for job in jobs]
    assert [whole(outcome) for outcome in outcomes] == [("S", 20, 0)] * 2
    assert receiver.left() == []


def test_a_receiver_that_is_restarted_in_the_middle_costs_nothing(
    pacs: LoopbackPacs, receiver: Receiver, study: Study, tmp_path: Path
) -> None:
    def restart() -> None:
        if len(destination.held) == 5:
            receiver.stop()
            receiver.start()

    pacs.faults = Faults(delay_per_instance=0.02)
    destination = FakeConnector("research")
    destination.on_stored = restart
    outcome = transferred(target(pacs.host, pacs.port, "MY_PACS", receiver), tmp_path, study, destination)
    assert (outcome.line.state, outcome.line.instances.verified) == ("S", 20)
    assert len([line for line in destination.log if line.startswith("store")]) == 20


def test_without_its_receiver_nothing_is_asked_of_the_source(
    pacs: LoopbackPacs, receiver: Receiver, study: Study, tmp_path: Path
) -> None:
    receiver.stop()
    outcome = transferred(target(pacs.host, pacs.port, "MY_PACS", receiver), tmp_path, study)
    assert outcome.error is not None
    assert outcome.error.reason == "ReceiverUnavailable"


@pytest.mark.peer
def test_orthanc_moves_a_study_through_the_receiver(receiver: Receiver, study: Study, tmp_path: Path) -> None:
    skip_or_fail("Orthanc")
    modalities = {"RECEIVER": ("127.0.0.1", receiver.port)}
    with Orthanc(tmp_path / "orthanc", modalities=modalities) as orthanc:
        orthanc.upload(study.write(tmp_path / "files"))
        peer = target(orthanc.host, orthanc.port, "ORTHANC", receiver)
        outcome = transferred(peer, tmp_path, study)
    assert whole(outcome) == ("S", 20, 0)
    assert receiver.left() == []
