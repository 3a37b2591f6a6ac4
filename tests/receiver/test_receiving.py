"""The receiver between a sender and whoever waits: nothing that was answered with success is ever lost."""

import subprocess
import time
from pathlib import Path

import pytest

from adit.dimse.commands import Field, request
from adit.dimse.errors import AssociationRejected, ConnectionLost, NotReached
from adit.dimse.negotiation import Proposal
from adit.dimse.requestor import Timeouts, Wanted, associate
from adit.testing.datasets import ct_study
from adit.testing.patients import PLAIN
from adit.testing.programs import HOST, require_program
from adit.transfer.instance import Instance
from adit.transfer.part10 import open_part10
from adit.transmit.announcement import Announcement
from adit.transmit.client import Awaited, Waiting, awaited
from adit.transmit.line import Line, Received
from tests.receiver.conftest import Running, running

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


def send(
    receiver: Running, *uids: str, data: bytes = b"data", calling: str = "PACS_1", move: int | None = None
) -> list[int]:
    """C-STORE of opaque data sets; the statuses answered."""
    wanted = Wanted("ADIT", calling, (Proposal(CT, (EXPLICIT,)),))
    line = associate(HOST, receiver.port, wanted, Timeouts(response=10))
    statuses = []
    for uid in uids:
        originator = None if move is None else ("RUNNER", move)
        command = request(Field.C_STORE_RQ, line.next_message_id(), CT, uid, originator=originator)
        line.send(1, command, [data])
        statuses.append(line.receive().status)
    line.release()
    return statuses


def take(waiting: Waiting, count: int) -> list[Instance]:
    taken = [waiting.next(10) for _ in range(count)]
    assert None not in taken
    return [one for one in taken if one is not None]


def wanted(*uids: str, calling: str = "PACS_1") -> Awaited:
    return Awaited(calling, "1.2.3", frozenset(uids))


def test_what_was_announced_reaches_whoever_waits_and_leaves_the_spool(receiver: Running, tmp_path: Path) -> None:
    with awaited(receiver.access, wanted("1.1", "1.2"), tmp_path) as waiting:
        assert send(receiver, "1.1", "1.2", data=b"x" * 100_000) == [0, 0]
        taken = take(waiting, 2)
    assert [one.sop_instance_uid for one in taken] == ["1.1", "1.2"]
    assert [b"".join(one.chunks()) for one in taken] == [b"x" * 100_000] * 2
    assert receiver.files("awaited") == receiver.files("quarantine") == []


def test_what_nobody_awaits_is_kept_in_quarantine_as_a_dicom_file(receiver: Running) -> None:
    assert send(receiver, "1.1", data=b"nobody's") == [0]
    [path] = receiver.files("quarantine")
    kept = open_part10(path)
    assert (kept.sop_instance_uid, b"".join(kept.chunks())) == ("1.1", b"nobody's")
    assert b"AE\6\0PACS_1" in path.read_bytes()[132:]  # (0002,0016): who sent it


def test_what_was_there_before_is_of_another_request_and_never_handed_out_for_this_one(
    receiver: Running, tmp_path: Path
) -> None:
    send(receiver, "1.1", data=b"old")
    with awaited(receiver.access, wanted("1.1"), tmp_path) as waiting:
        send(receiver, "1.1", data=b"corrected")
        assert b"".join(take(waiting, 1)[0].chunks()) == b"corrected"
        assert waiting.next(0.3) is None
    assert len(receiver.files("quarantine")) == 1


def test_what_came_since_it_was_announced_elsewhere_is_claimed(receiver: Running, tmp_path: Path) -> None:
    send(receiver, "1.1")
    announcement = Announcement("0" * 32, 7, "PACS_1", "1.2.3", frozenset({"1.1"}))
    line = Line.open((HOST, receiver.transmit_port), receiver.access.key, announcement, age_seconds=60)
    received = line.receive(tmp_path, lambda: None)
    assert isinstance(received, Received)
    assert received.instance.sop_instance_uid == "1.1"
    assert receiver.files("quarantine") == []
    received.discard()
    line.hang_up_and_close()


def test_an_instance_that_two_await_reaches_both(receiver: Running, tmp_path: Path) -> None:
    with (
        awaited(receiver.access, wanted("1.1"), tmp_path) as first,
        awaited(receiver.access, wanted("1.1"), tmp_path) as second,
    ):
        send(receiver, "1.1")
        assert take(first, 1)[0].sop_instance_uid == take(second, 1)[0].sop_instance_uid == "1.1"
    assert receiver.files("awaited") == []


def test_the_message_id_finds_its_announcement_under_another_ae_title(receiver: Running, tmp_path: Path) -> None:
    with awaited(receiver.access, wanted("1.1", calling="CONFIGURED"), tmp_path) as waiting:
        send(receiver, "1.1", calling="ACTUAL", move=waiting.message_id)
        take(waiting, 1)


def test_what_was_answered_with_success_survives_kill_9(receiver: Running, tmp_path: Path) -> None:
    with awaited(receiver.access, wanted("1.1", "1.2"), tmp_path) as waiting:
        take_one = send(receiver, "1.1")
        assert take_one == [0]
        take(waiting, 1)
        receiver.kill()
        receiver.start()
        assert send(receiver, "1.2", data=b"again") == [0]
        receiver.kill()
        receiver.start()
        assert [one.sop_instance_uid for one in take(waiting, 1)] == ["1.2"]


def test_a_half_sent_instance_leaves_nothing_behind(receiver: Running) -> None:
    line = associate(HOST, receiver.port, Wanted("ADIT", "PACS", (Proposal(CT, (EXPLICIT,)),)), Timeouts())
    line.send(1, request(Field.C_STORE_RQ, 1, CT, "1.1"), [])  # an association can only be cut in the middle by hand
    line.abort()
    line.close()
    assert send(receiver, "1.2") == [0]
    assert receiver.files("incoming") == []


def test_a_full_spool_refuses_and_takes_in_again_once_there_is_room(tmp_path: Path) -> None:
    with running(tmp_path, ADIT_RECEIVER_SPOOL_BYTES=str(1 << 20)) as receiver:
        (tmp_path / "runner").mkdir()
        with awaited(receiver.access, wanted("1.1", "1.2"), tmp_path / "runner") as waiting:
            assert send(receiver, "1.1", "1.2", data=bytes(2 << 20)) == [0xA700, 0xA700]
            assert send(receiver, "1.1", data=bytes(1 << 18)) == [0]
            take(waiting, 1)


def test_a_full_quarantine_refuses_what_nobody_awaits(tmp_path: Path) -> None:
    with running(tmp_path, ADIT_RECEIVER_QUARANTINE_BYTES="2000") as receiver:
        assert send(receiver, "1.1", "1.2", data=bytes(1200)) == [0, 0xA700]
        assert len(receiver.files("quarantine")) == 1
        assert receiver.files("incoming") == []


def test_an_ae_title_that_is_not_allowed_is_rejected(tmp_path: Path) -> None:
    with running(tmp_path, ADIT_RECEIVER_ALLOWED_AE_TITLES="PACS_1") as receiver:
        assert send(receiver, "1.1") == [0]
        with pytest.raises(AssociationRejected) as rejected:
            send(receiver, "1.2", calling="STRANGER")
        assert (rejected.value.source, rejected.value.diagnostic) == (1, 3)


def test_a_network_that_is_not_allowed_is_hung_up_on_and_named(tmp_path: Path) -> None:
    with running(tmp_path, ADIT_RECEIVER_ALLOWED_NETWORKS="10.0.0.0/8") as receiver:
        with pytest.raises((ConnectionLost, NotReached)):
            send(receiver, "1.1")
        assert receiver.said("connection refused")


def test_a_replica_takes_over_what_another_one_left(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        send(first, "1.1")
    second = Running(tmp_path, replica="another", port=first.port, transmit_port=first.transmit_port)
    second.start()
    try:
        assert [open_part10(path).sop_instance_uid for path in second.files("quarantine")] == ["1.1"]
        assert not (second.spool / "receiver").exists()
    finally:
        second.kill()


def test_a_second_receiver_in_the_same_spool_is_refused(receiver: Running) -> None:
    second = Running(receiver.folder, replica="receiver-2")
    with pytest.raises(AssertionError, match="another receiver uses"):
        second.start()


def test_it_ends_in_good_order_when_told_to(receiver: Running) -> None:
    send(receiver, "1.1")
    assert receiver.end() == 0


@pytest.mark.peer
def test_dcmtk_sends_to_it(receiver: Running, tmp_path: Path) -> None:
    [path] = ct_study(PLAIN, instances=1).write(tmp_path / "study")
    command = [str(require_program("storescu")), "-aet", "A_B", HOST, str(receiver.port), str(path)]
    assert subprocess.run(command, check=False).returncode == 0
    assert len(receiver.files("quarantine")) == 1


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1.", "1..2"])
def test_a_transfer_syntax_that_is_no_uid_is_not_accepted(receiver: Running, syntax: str) -> None:
    line = associate(HOST, receiver.port, Wanted("ADIT", "PACS_1", (Proposal(CT, (syntax, EXPLICIT)),)), Timeouts())
    assert [one.transfer_syntax for one in line.contexts.values()] == [EXPLICIT]
    line.release()


def test_a_disk_that_fails_in_housekeeping_does_not_end_it(tmp_path: Path) -> None:
    """What is there is still handed out, and what is announced still taken in."""
    with (
        running(tmp_path, ADIT_RECEIVER_LEASE_SECONDS="1") as receiver,
        awaited(receiver.access, wanted("1.1"), tmp_path) as waiting,
    ):
        (receiver.spool / "receiver" / "quarantine").rename(tmp_path / "away")
        deadline = time.monotonic() + 10
        while not receiver.said("housekeeping failed"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert send(receiver, "1.1") == [0]
        take(waiting, 1)
        (tmp_path / "away").rename(receiver.spool / "receiver" / "quarantine")
