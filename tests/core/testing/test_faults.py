"""Each fault of the loopback PACS does what it says, and nothing else."""

import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from adit.testing import upper_layer as ul
from adit.testing.client import client, proposals, store
from adit.testing.datasets import ct_study, us_study
from adit.testing.faults import Faults
from adit.testing.negotiation import Proposal
from adit.testing.pacs import LoopbackPacs
from adit.testing.pacs_services import VERIFICATION
from adit.testing.patients import GREEK, PLAIN
from adit.testing.send import Rejected, associate, release

CT = ct_study(PLAIN, instances=10)
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return CT.write(tmp_path / "ct")


def address(pacs: LoopbackPacs) -> tuple[str, int]:
    return pacs.host, pacs.port


def test_every_third_stored_instance_is_answered_success_and_dropped(
    loopback_pacs: LoopbackPacs, paths: list[Path]
) -> None:
    loopback_pacs.faults = Faults(drop_every_nth_stored=3)
    assert set(store(address(loopback_pacs), "PACS", paths).values()) == {0}
    kept = {instance.sop_instance_uid for instance in loopback_pacs.instances()}
    assert kept == {path.stem for number, path in enumerate(paths, start=1) if number % 3}
    assert loopback_pacs.received == 7


def test_storing_is_refused_after_some_instances(loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.faults = Faults(refuse_store_status=0xA700, refuse_store_after=4)
    statuses = store(address(loopback_pacs), "PACS", paths)
    assert list(statuses.values()) == [0] * 4 + [0xA700] * 6
    assert loopback_pacs.received == 4


def test_a_new_fault_begins_to_count_again(loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.faults = Faults(refuse_store_status=0xA700, refuse_store_after=4)
    store(address(loopback_pacs), "PACS", paths[:4])
    loopback_pacs.faults = replace(loopback_pacs.faults, refuse_store_after=5)
    statuses = store(address(loopback_pacs), "PACS", paths[4:])
    assert list(statuses.values()) == [0] * 5 + [0xA700]


def test_a_fetch_is_aborted_in_the_middle(loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.load(paths)
    loopback_pacs.faults = Faults(abort_fetch_after=4)
    with client(address(loopback_pacs), "PACS", storage=proposals(paths)) as one:
        with pytest.raises(ul.Closed, match="the peer aborted the association"):
            one.get("STUDY", {"StudyInstanceUID": CT.study_instance_uid})
        assert one.connection.ended


def test_every_fourth_instance_of_a_fetch_fails_by_name(loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.load(paths)
    loopback_pacs.faults = Faults(fail_fetch_every_nth=4)
    with client(address(loopback_pacs), "PACS", storage=proposals(paths)) as one:
        answers = one.get("STUDY", {"StudyInstanceUID": CT.study_instance_uid})
    assert answers.status == 0xB000
    assert answers.counts == {ul.COMPLETED: 8, ul.FAILED: 2, ul.WARNING: 0}
    assert answers.failed == (paths[3].stem, paths[7].stem)
    assert set(answers.received) == {path.stem for path in paths} - set(answers.failed)


def test_a_fetch_fails_as_a_whole_when_every_instance_does(loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.load(paths)
    loopback_pacs.faults = Faults(fail_fetch_every_nth=1)
    with client(address(loopback_pacs), "PACS", storage=proposals(paths)) as one:
        assert one.get("STUDY", {"StudyInstanceUID": CT.study_instance_uid}).status == 0xA702


@pytest.mark.parametrize(
    ("wanted", "expected"), [({"ModalitiesInStudy": "US", "PatientName": "Δοκιμή*"}, 2), ({"PatientID": "SYN-0003"}, 1)]
)
def test_optional_keys_are_ignored_but_unique_ones_are_not(
    wanted: dict[str, str], expected: int, loopback_pacs: LoopbackPacs, paths: list[Path], tmp_path: Path
) -> None:
    loopback_pacs.load([*paths, *us_study(GREEK).write(tmp_path / "us")])
    loopback_pacs.faults = Faults(ignore_optional_keys=True)
    with client(address(loopback_pacs), "PACS") as one:
        assert len(one.find("STUDY", {"StudyInstanceUID": "", **wanted}).found) == expected


def test_return_keys_are_omitted(loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.load(paths)
    loopback_pacs.faults = Faults(omit_return_keys=True)
    with client(address(loopback_pacs), "PACS") as one:
        wanted = {"StudyInstanceUID": "", "PatientID": "", "StudyDate": "", "ModalitiesInStudy": ""}
        [answer] = one.find("STUDY", wanted).found
    assert set(answer) == {0x00080052, 0x00100020, 0x0020000D}  # level, patient ID, study UID


@pytest.mark.parametrize("status", [0xA700, 0xC001])
def test_a_query_ends_with_the_status_of_the_fault(status: int, loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.load(paths)
    loopback_pacs.faults = Faults(find_status=status)
    with client(address(loopback_pacs), "PACS") as one:
        answers = one.find("STUDY", {"StudyInstanceUID": ""})
    assert (answers.status, answers.found) == (status, [])


def test_associations_are_rejected_as_asked(loopback_pacs: LoopbackPacs) -> None:
    loopback_pacs.faults = Faults(reject_associations=True, rejection=(2, 3, 1))
    with pytest.raises(Rejected) as rejected, client(address(loopback_pacs), "PACS"):
        pass
    assert rejected.value.reason == (2, 3, 1)
    assert loopback_pacs.peak_associations == 0


def test_no_storage_context_is_accepted(loopback_pacs: LoopbackPacs) -> None:
    loopback_pacs.faults = Faults(no_storage_contexts=True)
    wanted = [Proposal(VERIFICATION, (EXPLICIT,)), Proposal(CT_CLASS, (EXPLICIT,))]
    connection, contexts = associate(address(loopback_pacs), "PACS", "CLIENT", wanted)
    release(connection)
    assert [context.abstract_syntax for context in contexts.values()] == [VERIFICATION]


def test_a_silent_pacs_accepts_and_never_answers(loopback_pacs: LoopbackPacs) -> None:
    loopback_pacs.faults = Faults(silent=True)
    with client(address(loopback_pacs), "PACS") as one:
        one.connection.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            one.echo()


def test_each_instance_is_delayed(loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.faults = Faults(delay_per_instance=0.05)
    begin = time.monotonic()
    store(address(loopback_pacs), "PACS", paths[:4])
    assert time.monotonic() - begin >= 0.2


def test_a_wrong_called_ae_title_is_rejected(loopback_pacs: LoopbackPacs) -> None:
    with pytest.raises(Rejected) as rejected, client(address(loopback_pacs), "OTHER"):
        pass
    assert rejected.value.reason == (1, 1, 7)


def test_an_unknown_calling_ae_title_is_rejected(tmp_path: Path) -> None:
    with (
        LoopbackPacs(tmp_path, allowed_calling=["FRIEND"]) as pacs,
        pytest.raises(Rejected) as rejected,
        client(address(pacs), "PACS", calling="STRANGER"),
    ):
        pass
    assert rejected.value.reason == (1, 1, 3)


def test_no_more_associations_than_allowed_are_open(tmp_path: Path) -> None:
    with LoopbackPacs(tmp_path, maximum_associations=1) as pacs:
        with client(address(pacs), "PACS"), pytest.raises(Rejected) as rejected, client(address(pacs), "PACS"):
            pass
        assert rejected.value.reason == (2, 3, 2)
        assert pacs.peak_associations == 1


def test_a_pacs_that_behaves_has_no_fault_left_after_a_reset(loopback_pacs: LoopbackPacs, paths: list[Path]) -> None:
    loopback_pacs.faults = Faults(silent=True)
    loopback_pacs.faults = Faults()
    assert set(store(address(loopback_pacs), "PACS", paths).values()) == {0}
    assert loopback_pacs.received == 10


def test_stopping_ends_open_associations(tmp_path: Path) -> None:
    pacs = LoopbackPacs(tmp_path)
    pacs.start()
    with client(address(pacs), "PACS") as one:
        pacs.stop()
        with pytest.raises(ConnectionError):
            one.echo()
    with pytest.raises(RuntimeError, match="not running"):
        _ = pacs.port


def test_bytes_that_are_no_dicom_end_the_connection_only(loopback_pacs: LoopbackPacs) -> None:
    connection = ul.Connection(socket.create_connection(address(loopback_pacs), timeout=5))
    connection.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(ul.Closed):
        connection.read_pdu()
    connection.close()
    with client(address(loopback_pacs), "PACS") as one:
        assert one.echo() == 0
