"""A replica that was silent for too long and goes on: what it answered with success is with whoever adopted it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from adit.dimse.association import Association
from adit.dimse.commands import Field, request
from adit.dimse.errors import ConnectionLost
from adit.dimse.requestor import Timeouts, associate
from adit.testing.programs import HOST
from adit.transfer.instance import FileSlice, Piece
from adit.transfer.part10 import open_part10
from adit.transmit.announcement import Announcement
from adit_receiver.adoption import Leases
from adit_receiver.layout import Folder
from adit_receiver.spool import Spool
from adit_receiver.takeover import adopt
from tests.receiver.conftest import Running
from tests.receiver.test_crashes import FIRST, LIMITS, accept, started
from tests.receiver.test_crowd import CT, WANTED

SHARED = {"ADIT_RECEIVER_SPOOL_SHARED": "true", "ADIT_RECEIVER_LEASE_SECONDS": "2"}
SMALL, LARGE = 50_000, 256 << 20
LOST = "1.3"


def until(happened: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def size_of(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


@contextmanager
def ended(replica: Running) -> Iterator[None]:
    try:
        yield
    finally:
        if replica.process is not None and replica.process.poll() is None:
            replica.kill()  # a stopped process too


def store(line: Association, uid: str, data: Piece) -> int:
    line.send(1, request(Field.C_STORE_RQ, line.next_message_id(), CT, uid), [data])
    return line.receive().status


def test_a_replica_that_was_stopped_and_adopted_answers_no_success_and_ends(tmp_path: Path) -> None:
    first, second = (Running(tmp_path, replica=name, environment=SHARED) for name in ("first", "second"))
    answered: list[str] = []

    def many(sender: int) -> int:
        """One after the other, until one is not taken; its status."""
        with closing(associate(HOST, first.port, WANTED, Timeouts(response=20))) as line:
            for number in range(100_000):
                uid = f"1.2.{sender}.{number}"
                if status := store(line, uid, bytes(SMALL)):
                    return status
                answered.append(uid)
        raise AssertionError("it went on for ever")

    with (tmp_path / "large").open("wb") as large:
        large.truncate(LARGE)
    slow = FileSlice(tmp_path / "large", 0, LARGE)
    with ThreadPoolExecutor(3) as pool, ended(first), ended(second):
        for replica in (first, second):
            replica.start()
        assert first.process is not None
        large_line = associate(HOST, first.port, WANTED, Timeouts(response=20))
        amid = pool.submit(store, large_line, LOST, slow)
        small = [pool.submit(many, sender) for sender in range(2)]
        until(lambda: len(answered) > 20 and any(size_of(one) > 2 * SMALL for one in first.files("incoming")))
        os.kill(first.process.pid, signal.SIGSTOP)
        until(lambda: second.said("took a replica's folder over"))
        os.kill(first.process.pid, signal.SIGCONT)
        assert first.process.wait(10) == 2
        large_line.abort()  # nobody reads the rest any more
        for sending in (amid, *small):
            with suppress(ConnectionLost):  # it ended before it could answer
                assert sending.result(20) == 0xA700
        large_line.close()
        assert "another replica took our folder over" in first.log.read_text()
        until(lambda: not any(second.spool.glob("second/adopted-*")))
        kept = [open_part10(path).sop_instance_uid for path in second.files("quarantine")]
    assert set(answered) <= set(kept)
    assert LOST not in kept
    assert len(kept) == len(set(kept))
    assert len(set(kept) - set(answered)) <= len(small)  # placed, and stopped before the answer
    assert not (second.spool / "first").exists()


def test_an_acknowledgement_to_who_lost_its_folder_takes_nothing_from_who_adopted_it(tmp_path: Path) -> None:
    lost = Spool(Folder(tmp_path / "other"), LIMITS)
    lost.open()
    lost.announce(Announcement(FIRST, 1, "PACS", "", frozenset({"1.1", "1.2"})))
    accept(lost, "1.1", lambda _: None)
    [letter] = lost.letters(FIRST)
    spool = started(tmp_path)
    taken = Leases(tmp_path, spool.folder, lambda: 0.0).take(tmp_path / "other")
    assert taken is not None
    adopt(spool, taken)
    lost.acknowledge(FIRST, (letter.name,))
    with pytest.raises(OSError, match="No such file"):
        lost.withdraw(FIRST)
    [kept] = spool.letters(FIRST)
    assert open_part10(kept.path).sop_instance_uid == "1.1"


def test_our_lease_is_renewed_while_we_adopt_much(tmp_path: Path) -> None:
    now = [0.0]

    def moment() -> float:
        now[0] += 1  # each step takes a second
        return now[0]

    other = Spool(Folder(tmp_path / "other"), LIMITS, fsync=False)
    other.open()
    for number in range(100):
        accept(other, f"1.{number}", lambda _: None)
    spool = started(tmp_path)
    ours = Leases(tmp_path, spool.folder, moment)
    ours.renew()
    taken = ours.take(tmp_path / "other")
    assert taken is not None
    watcher = Leases(tmp_path, Folder(tmp_path / "third"), lambda: now[0])

    def between() -> None:
        ours.renew_where_due()
        assert watcher.dead() == []

    assert adopt(spool, taken, between) == 100
    assert now[0] > 100


def test_an_adoption_lets_others_at_the_spool_between_two_letters(tmp_path: Path) -> None:
    other = Spool(Folder(tmp_path / "other"), LIMITS, fsync=False)
    other.open()
    accept(other, "1.1", lambda _: None)
    spool = started(tmp_path)
    taken = Leases(tmp_path, spool.folder, lambda: 0.0).take(tmp_path / "other")
    assert taken is not None

    def between() -> None:
        accepting = threading.Thread(target=accept, args=(spool, "1.2", lambda _: None))
        accepting.start()
        accepting.join(5)
        assert not accepting.is_alive()

    adopt(spool, taken, between)
    assert {one.sop_instance_uid for one in spool.quarantined} == {"1.1", "1.2"}
