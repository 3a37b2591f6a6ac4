"""From a mailbox to whoever waits, over real sockets: in order, durable before it is acknowledged, each once."""

import threading
import time
from pathlib import Path

import pytest

from adit.errors import AccessDenied
from adit.testing.mailbox import FakeMailbox
from adit.transfer.instance import Instance
from adit.transmit.access import ReceiverAccess
from adit.transmit.client import Awaited, ReceiverUnavailable, Waiting, awaited
from adit.transmit.server import TransmitServer

HOST = "127.0.0.1"
KEY = b"k" * 32
WANTED = Awaited("PACS", "1.2.3")


def instance(number: int) -> Instance:
    return Instance("1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{number}", "1.2.840.10008.1.2.1", ())


def access(server: TransmitServer, key: bytes = KEY) -> ReceiverAccess:
    return ReceiverAccess("RECEIVER", HOST, server.port, key)


def content(one: Instance) -> bytes:
    return b"".join(one.chunks())


def take(waiting: Waiting, count: int) -> list[Instance]:
    taken = [waiting.next(10) for _ in range(count)]
    assert None not in taken
    return [one for one in taken if one is not None]


def until(holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_arrives_is_handed_out_in_order_and_acknowledged(
    server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    with awaited(access(server), WANTED, spool) as waiting:
        [announcement] = mailbox.announcements
        for number in range(20):
            mailbox.put(instance(number), b"x" * number * 1000, announcement)

        taken = take(waiting, 20)

    assert [one.sop_instance_uid for one in taken] == [f"1.2.3.{number}" for number in range(20)]
    assert [len(content(one)) for one in taken] == [number * 1000 for number in range(20)]
    assert mailbox.letters(announcement) == ()
    assert mailbox.withdrawn == [announcement]


def test_nothing_is_announced_with_another_key(server: TransmitServer, mailbox: FakeMailbox, spool: Path) -> None:
    with pytest.raises(AccessDenied, match="different keys"), awaited(access(server, b"z" * 32), WANTED, spool):
        pass
    assert mailbox.announcements == {}


def test_a_receiver_that_is_not_there_is_told_before_anything_is_asked(spool: Path) -> None:
    nowhere = ReceiverAccess("RECEIVER", HOST, 1, KEY)
    with pytest.raises(ReceiverUnavailable, match="look whether it runs"), awaited(nowhere, WANTED, spool):
        pass


def test_a_message_id_that_is_taken_is_chosen_anew(server: TransmitServer, mailbox: FakeMailbox, spool: Path) -> None:
    with awaited(access(server), WANTED, spool) as first, awaited(access(server), WANTED, spool) as second:
        assert first.message_id != second.message_id
        assert len(mailbox.announcements) == 2


def test_what_was_not_acknowledged_comes_again_after_the_receiver_was_away(mailbox: FakeMailbox, spool: Path) -> None:
    with TransmitServer((HOST, 0), mailbox, KEY) as server:
        port = server.port
        waits = awaited(access(server), WANTED, spool)
        waiting = waits.__enter__()
        [announcement] = mailbox.announcements
        mailbox.put(instance(1), b"one", announcement)
        take(waiting, 1)
    mailbox.put(instance(2), b"two", announcement)
    with TransmitServer((HOST, port), mailbox, KEY):
        [second] = take(waiting, 1)
        until(lambda: mailbox.letters(announcement) == ())
        waits.__exit__(None, None, None)
    assert content(second) == b"two"


def test_an_instance_that_comes_from_two_letters_is_handed_out_once_and_both_are_acknowledged(
    server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    with awaited(access(server), WANTED, spool) as waiting:
        [announcement] = mailbox.announcements
        mailbox.put(instance(1), b"one", announcement)
        mailbox.put(instance(1), b"one", announcement)
        take(waiting, 1)
        until(lambda: mailbox.letters(announcement) == ())
        assert waiting.next(0.2) is None
    assert len(mailbox.acknowledged) == 2


def test_a_listener_that_takes_nothing_slows_nobody_else(
    server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    with awaited(access(server), WANTED, spool), awaited(access(server), WANTED, spool) as quick:
        slow_id, quick_id = mailbox.announcements
        for number in range(40):
            mailbox.put(instance(number), bytes(4 << 20), slow_id)
        for number in range(40):
            mailbox.put(instance(100 + number), b"x", quick_id)
        began = time.monotonic()
        take(quick, 40)
        assert time.monotonic() - began < 5


def test_a_stopped_listener_waits_no_longer(server: TransmitServer, spool: Path) -> None:
    stop = threading.Event()
    with awaited(access(server), WANTED, spool, stopped=stop.is_set) as waiting:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        assert waiting.next(30) is None
        assert time.monotonic() - began < 2


def test_two_replicas_are_both_announced_to_and_listened_to(tmp_path: Path, spool: Path) -> None:
    boxes = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        boxes.append(FakeMailbox(tmp_path / name))
    with TransmitServer((HOST, 0), boxes[0], KEY) as one, TransmitServer((HOST, 0), boxes[1], KEY) as other:

        def replicas(*_: object) -> list[tuple[str, int]]:
            return [(HOST, one.port), (HOST, other.port)]

        with awaited(access(one), WANTED, spool, resolve=replicas) as waiting:
            [announcement] = boxes[0].announcements
            assert list(boxes[1].announcements) == [announcement]
            boxes[0].put(instance(1), b"one", announcement)
            boxes[1].put(instance(2), b"two", announcement)
            assert {content(one) for one in take(waiting, 2)} == {b"one", b"two"}
    assert boxes[0].withdrawn == boxes[1].withdrawn == [announcement]
