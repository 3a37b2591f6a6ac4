"""A connection that breaks at any byte, an instance that is damaged, a replica that comes later: nothing is lost."""

import json
import os
import shutil
import socket
import threading
import time
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from adit.dimse.wire import Wire
from adit.errors import RetryableError
from adit.testing.cutting_proxy import CuttingProxy
from adit.testing.mailbox import FakeMailbox
from adit.transfer.instance import FileSlice, Instance
from adit.transmit import frames
from adit.transmit.access import ReceiverAccess
from adit.transmit.client import Awaited, ReceiverUnavailable, Waiting, awaited
from adit.transmit.frames import VERSION, Kind, encode, encode_checksum
from adit.transmit.handshake import let_in
from adit.transmit.server import TransmitServer, read_announcement

HOST, OTHER_HOST = "127.0.0.1", "127.0.0.2"
KEY = b"k" * 32
WANTED = Awaited("PACS", "1.2.3")
NONCE = "0" * 64
# Bytes from the receiver before its first letter.
GREETING = sum(
    len(encode(kind, header))
    for kind, header in (
        (Kind.HELLO, {"version": VERSION, "nonce": NONCE}),
        (Kind.PROOF, {"nonce": NONCE, "proof": NONCE}),
        (Kind.ANNOUNCED, {}),
    )
)


def instance(number: int) -> Instance:
    return Instance("1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{number}", "1.2.840.10008.1.2.1", ())


def access(port: int) -> ReceiverAccess:
    return ReceiverAccess("RECEIVER", HOST, port, KEY)


def content(one: Instance) -> bytes:
    return b"".join(one.chunks())


def take(waiting: Waiting, count: int) -> dict[str, bytes]:
    """So many, whose files are removed once they are read."""
    taken = {}
    for _ in range(count):
        one = waiting.next(10)
        assert one is not None
        taken[one.sop_instance_uid] = content(one)
        for piece in one.pieces:
            assert isinstance(piece, FileSlice)
            piece.path.unlink()
    return taken


def until(holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("first", range(4))
def test_every_letter_comes_once_wherever_the_connection_breaks(
    first: int, server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    letters = {f"1.2.3.{number}": bytes([number]) * 20 for number in range(2)}
    for cut in range(GREETING + first, GREETING + 370, 90):
        with CuttingProxy(server.port, [cut]) as proxy, awaited(access(proxy.port), WANTED, spool) as waiting:
            [announcement] = mailbox.announcements
            for number, data in enumerate(letters.values()):
                mailbox.put(instance(number), data, announcement)

            assert take(waiting, 2) == letters
            until(lambda one=announcement: mailbox.letters(one) == ())
            assert waiting.next(0) is None
        assert list(spool.iterdir()) == []
        mailbox.acknowledged.clear()


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 60, 120, 200, GREETING - 1])
def test_a_receiver_that_breaks_off_before_it_has_the_announcement_is_not_reached(
    cut: int, server: TransmitServer, spool: Path
) -> None:
    with (
        CuttingProxy(server.port, [cut]) as proxy,
        pytest.raises(ReceiverUnavailable),
        awaited(access(proxy.port), WANTED, spool),
    ):
        pass


def test_a_torn_instance_is_named_and_the_others_go_on(
    server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    with awaited(access(server.port), WANTED, spool) as waiting:
        [announcement] = mailbox.announcements
        torn = mailbox.put(instance(0), b"x" * 1000, "nobody")
        os.truncate(torn.path, 999)
        mailbox.waiting[announcement] = {torn.name: torn}
        mailbox.put(instance(1), b"whole", announcement)

        assert take(waiting, 1) == {"1.2.3.1": b"whole"}
        until(lambda: waiting.take_unreadable() == {"1.2.3.0"})
        assert waiting.take_unreadable() == frozenset()
    assert mailbox.letters(announcement) == (torn,)


def test_an_instance_that_arrives_changed_is_not_handed_out_and_comes_again(spool: Path) -> None:
    head = {"name": "a", "length": 5, "sopClass": "1.2", "sopInstance": "1.2.3.4", "transferSyntax": "1.2.4"}
    right = zlib.crc32(b"bytes")
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            for checksum in (right ^ 1, right):
                wire = Wire(listener.accept()[0], 10)
                let_in(wire, KEY)
                read_announcement(wire)
                wire.send([encode(Kind.ANNOUNCED), encode(Kind.LETTER, head), b"bytes", encode_checksum(checksum)])
                with suppress(RetryableError):  # it is closed, or withdrawn
                    while frames.read(wire)[0] is not Kind.WITHDRAW:
                        pass
                    wire.send([encode(Kind.WITHDRAWN)])
                wire.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with awaited(access(listener.getsockname()[1]), WANTED, spool) as waiting:
            assert take(waiting, 1) == {"1.2.3.4": b"bytes"}
        thread.join(10)


def test_a_spool_that_fails_ends_the_listening(server: TransmitServer, mailbox: FakeMailbox, spool: Path) -> None:
    with awaited(access(server.port), WANTED, spool) as waiting:
        [announcement] = mailbox.announcements
        shutil.rmtree(spool)
        mailbox.put(instance(1), b"one", announcement)
        with pytest.raises(RetryableError, match="spool") as refused:
            waiting.next(10)
    assert refused.value.reason == "SpoolFailed"
    assert mailbox.acknowledged == []


def test_a_replica_that_comes_later_is_announced_to_then(
    server: TransmitServer, mailbox: FakeMailbox, tmp_path: Path, spool: Path
) -> None:
    def replicas(_: str, port: int) -> list[tuple[str, int]]:
        return [(OTHER_HOST, port), (HOST, port)]

    (tmp_path / "other").mkdir()
    other = FakeMailbox(tmp_path / "other")
    with awaited(access(server.port), WANTED, spool, resolve=replicas) as waiting:
        [announcement] = mailbox.announcements
        with TransmitServer((OTHER_HOST, server.port), other, KEY):
            until(lambda: list(other.announcements) == [announcement])
            other.put(instance(1), b"there", announcement)
            mailbox.put(instance(1), b"there", announcement)
            assert take(waiting, 1) == {"1.2.3.1": b"there"}
            until(lambda: mailbox.letters(announcement) == other.letters(announcement) == ())


def test_two_listeners_that_await_the_same_letter_both_get_it(
    server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    with (
        awaited(access(server.port), WANTED, spool) as one,
        awaited(access(server.port), WANTED, spool) as other,
    ):
        mailbox.put(instance(1), b"shared", *mailbox.announcements)
        assert take(one, 1) == take(other, 1) == {"1.2.3.1": b"shared"}


def test_more_small_letters_than_there_may_be_open_files_come_through(
    server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    with awaited(access(server.port), WANTED, spool) as waiting:
        [announcement] = mailbox.announcements
        for number in range(600):
            mailbox.put(instance(number), json.dumps(number).encode(), "later")
        mailbox.waiting[announcement] = mailbox.waiting.pop("later")
        mailbox.put(instance(600), b"600", announcement)
        most = 0
        for _ in range(601):
            take(waiting, 1)
            most = max(most, len(list(Path("/proc/self/fd").iterdir())))
        assert most < 200


def test_a_letter_that_names_no_syntax_is_passed_by_and_told_and_those_behind_it_come(
    server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    with awaited(access(server.port), WANTED, spool) as waiting:
        [announcement] = mailbox.announcements
        mailbox.put(replace(instance(0), transfer_syntax_uid="1.2."), b"nothing of ours", announcement)
        mailbox.put(instance(1), b"whole", announcement)
        assert take(waiting, 1) == {"1.2.3.1": b"whole"}
        assert waiting.take_unreadable() == {"1.2.3.0"}


@pytest.mark.parametrize("silent", ["the replica", "the name"])
def test_a_stop_ends_the_opening_within_half_a_second_whoever_is_silent(spool: Path, silent: str) -> None:
    stop, name_known = threading.Event(), threading.Event()
    with socket.create_server((HOST, 0)) as listener:  # it takes the connection, and says nothing

        def resolve(*_: object) -> list[tuple[str, int]]:
            if silent == "the name":
                name_known.wait()
            return [listener.getsockname()]

        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with (
            pytest.raises(RetryableError) as error,
            awaited(access(1), WANTED, spool, stopped=stop.is_set, resolve=resolve),
        ):
            pass
        took = time.monotonic() - began
    name_known.set()
    assert error.value.reason == "Aborted"
    assert took < 0.2 + 0.5


def test_a_stopped_listener_does_not_wait_for_a_receiver_that_confirms_nothing(spool: Path) -> None:
    stop = threading.Event()
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            wire = Wire(connection, 5)
            let_in(wire, KEY)
            read_announcement(wire)
            wire.send([encode(Kind.ANNOUNCED)])
            stop.wait()
            time.sleep(1)
            wire.close()

        serving = threading.Thread(target=serve)
        serving.start()
        address = listener.getsockname()
        with awaited(access(1), WANTED, spool, stopped=stop.is_set, resolve=lambda *_: [address]):
            stop.set()
            began = time.monotonic()
        assert time.monotonic() - began < 0.5
        serving.join()


def test_it_tells_when_the_last_bytes_of_a_letter_came(
    server: TransmitServer, mailbox: FakeMailbox, spool: Path
) -> None:
    with awaited(access(server.port), WANTED, spool) as waiting:
        assert waiting.heard == 0
        began = time.monotonic()
        [announcement] = mailbox.announcements
        mailbox.put(instance(1), b"whole", announcement)
        take(waiting, 1)
        assert began <= waiting.heard <= time.monotonic()
