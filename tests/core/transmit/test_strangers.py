"""Whoever connects without the key, or with it and nonsense, gets nowhere and stops nothing."""

import json
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adit.dimse.errors import ConnectionLost, PeerSilent, ProtocolViolation
from adit.dimse.wire import Wire
from adit.testing.mailbox import FakeMailbox
from adit.transfer.instance import Instance
from adit.transmit import frames
from adit.transmit.access import ReceiverAccess
from adit.transmit.client import Awaited, ReceiverUnavailable, awaited
from adit.transmit.frames import Kind, encode
from adit.transmit.handshake import OtherKey, enter, let_in
from adit.transmit.server import MAX_STRANGERS, TransmitServer

HOST = "127.0.0.1"
KEY = b"k" * 32
ANNOUNCEMENT = {
    "id": "0" * 32,
    "messageId": 0,
    "callingAeTitle": "PACS",
    "study": "1.2.3",
    "standing": False,
    "uids": 0,
}
RARELY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=80),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=8), some, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(["id", "messageId", "callingAeTitle", "study", "standing", "uids", "names", "proof", "nonce"])
HEADERS = st.dictionaries(FIELDS, JSON, max_size=6)


def connected(port: int) -> Wire:
    return Wire(socket.create_connection((HOST, port), 5), 5)


def proved(port: int) -> Wire:
    wire = connected(port)
    enter(wire, KEY)
    return wire


def ends(wire: Wire) -> None:
    """The other side closes, whatever it says before."""
    ended = False
    while not ended:
        try:
            wire.some(1 << 16)
        except ConnectionLost:
            ended = True
    wire.close()


def still_serves(server: TransmitServer, mailbox: FakeMailbox, spool: Path) -> None:
    with awaited(ReceiverAccess("RECEIVER", HOST, server.port, KEY), Awaited("PACS", "1.2.3"), spool) as waiting:
        assert waiting.message_id
    assert mailbox.announcements == {}


@RARELY
@given(data=st.binary(max_size=200))
def test_garbage_before_the_proof_changes_nothing(server: TransmitServer, mailbox: FakeMailbox, data: bytes) -> None:
    wire = connected(server.port)
    frames.read(wire)
    wire.send([data])
    socket.socket.shutdown(wire._socket, socket.SHUT_WR)
    ends(wire)
    assert mailbox.announcements == {}


@RARELY
@given(nonce=JSON, proof=JSON)
def test_a_proof_of_anything_is_refused(server: TransmitServer, mailbox: FakeMailbox, nonce: Any, proof: Any) -> None:
    wire = connected(server.port)
    frames.read(wire)
    wire.send([encode(Kind.PROOF, {"nonce": nonce, "proof": proof})])
    ends(wire)
    assert mailbox.announcements == {}


def test_a_proof_is_good_for_one_connection_and_one_role_only(server: TransmitServer) -> None:
    wire, other = connected(server.port), connected(server.port)
    _, hello = frames.read(wire)
    _, other_hello = frames.read(other)
    assert hello["nonce"] != other_hello["nonce"]
    other.send([encode(Kind.PROOF, {"nonce": "0" * 64, "proof": hello["nonce"]})])
    assert frames.read(other)[0] is Kind.REFUSED
    ends(other)
    wire.close()


@RARELY
@given(first=st.sampled_from([b"", encode(Kind.ANNOUNCE, ANNOUNCEMENT)]), kind=st.sampled_from(Kind), header=HEADERS)
def test_nonsense_after_the_proof_ends_that_connection_alone(
    server: TransmitServer, first: bytes, kind: Kind, header: dict[str, Any]
) -> None:
    wire = proved(server.port)
    wire.send([first + encode(kind, header)])
    socket.socket.shutdown(wire._socket, socket.SHUT_WR)
    ends(wire)


def test_after_nonsense_it_still_serves(server: TransmitServer, mailbox: FakeMailbox, spool: Path) -> None:
    for header in ({"names": ["../../passwd"]}, {"names": "x"}, {}):
        wire = proved(server.port)
        wire.send([encode(Kind.ANNOUNCE, ANNOUNCEMENT), encode(Kind.ACK, header)])
        ends(wire)
    assert mailbox.acknowledged == []
    mailbox.announcements.clear()
    still_serves(server, mailbox, spool)


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "../" + "0" * 29},
        {"id": 5},
        {"messageId": 65536},
        {"messageId": True},
        {"study": "../1"},
        {"callingAeTitle": "PACS\n"},
        {"callingAeTitle": "P" * 17},
        {"callingAeTitle": "\ud800"},
        {"uids": frames.MAX_UIDS + 1},
        {"uids": -1},
    ],
    ids=str,
)
def test_an_announcement_that_is_none_never_reaches_the_mailbox(
    changed: dict[str, Any], server: TransmitServer, mailbox: FakeMailbox
) -> None:
    wire = proved(server.port)
    wire.send([encode(Kind.ANNOUNCE, ANNOUNCEMENT | changed)])
    ends(wire)
    assert mailbox.announcements == {}


def test_a_hundred_thousand_uids_are_announced(server: TransmitServer, mailbox: FakeMailbox, spool: Path) -> None:
    uids = frozenset(f"1.2.3.{number}" for number in range(100_000))
    access = ReceiverAccess("RECEIVER", HOST, server.port, KEY)
    with awaited(access, Awaited("PACS", "1.2.3", uids), spool):
        [announcement] = mailbox.announcements.values()
        assert announcement.sop_instance_uids == uids


def test_a_stranger_may_not_send_much(server: TransmitServer) -> None:
    wire = connected(server.port)
    frames.read(wire)
    began = time.monotonic()
    wire.send([struct.pack(">BI", Kind.PROOF, frames.MAX_HEADER)])
    ends(wire)
    assert time.monotonic() - began < 2


def test_a_stranger_who_says_nothing_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    wire = Wire(ours, 0.2)
    with theirs, pytest.raises(PeerSilent):
        let_in(wire, KEY)
    wire.close()


def test_a_line_may_rest_as_long_as_it_gives_signs_of_life() -> None:
    ours, theirs = socket.socketpair()
    wire = Wire(ours, 0.3)
    with theirs:
        for _ in range(5):
            timer = threading.Timer(0.15, theirs.sendall, [encode(Kind.PING)])
            timer.start()
            assert frames.read(wire)[0] is Kind.PING
            timer.join()
        with pytest.raises(PeerSilent):
            frames.read(wire)
    wire.close()


def test_a_receiver_without_the_key_learns_nothing_and_is_not_believed() -> None:
    ours, theirs = socket.socketpair()
    impostor, wire = Wire(theirs, 5), Wire(ours, 5)
    impostor.send([encode(Kind.HELLO, {"version": frames.VERSION, "nonce": "0" * 64})])
    impostor.send([encode(Kind.PROOF, {"nonce": "0" * 64, "proof": "0" * 64})])
    with pytest.raises(OtherKey, match="restart whichever"):
        enter(wire, KEY)
    assert KEY.decode() not in json.dumps(frames.read(impostor)[1])
    wire.close()
    impostor.close()


def test_a_receiver_of_another_version_is_named() -> None:
    ours, theirs = socket.socketpair()
    newer, wire = Wire(theirs, 5), Wire(ours, 5)
    newer.send([encode(Kind.HELLO, {"version": frames.VERSION + 1, "nonce": "0" * 64})])
    with pytest.raises(ProtocolViolation, match="run the same release"):
        enter(wire, KEY)
    wire.close()
    newer.close()


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 255), st.integers(0, 1 << 32 - 1))
def test_bytes_are_a_frame_or_a_violation(body: bytes, kind: int, claimed: int) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(struct.pack(">BI", kind, min(claimed, len(body))) + body)
        theirs.shutdown(socket.SHUT_WR)
        wire = Wire(ours, 5)
        try:
            read_kind, header = frames.read(wire)
        except (ProtocolViolation, ConnectionLost):
            pass
        else:
            assert read_kind in set(Kind)
            assert isinstance(header, dict)
        finally:
            wire.close()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a": ' * 20_000, b"1" * 5_000, b"\xff\xfe\x00", b"[]"], ids=len)
def test_a_header_that_is_no_object_is_a_violation(body: bytes) -> None:
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    wire = Wire(ours, 5)
    with theirs:
        theirs.settimeout(5)
        theirs.sendall(struct.pack(">BI", Kind.PING, len(body)) + body)
        with pytest.raises(ProtocolViolation):
            frames.read(wire)
    wire.close()


def test_an_unreachable_receiver_is_told_with_its_cause(spool: Path) -> None:
    nowhere = ReceiverAccess("RECEIVER", HOST, 1, KEY)
    with pytest.raises(ReceiverUnavailable, match="refused"), awaited(nowhere, Awaited("PACS", "1.2.3"), spool):
        pass


def test_a_crowd_that_says_nothing_keeps_no_runner_out(server: TransmitServer, tmp_path: Path) -> None:
    crowd = [socket.create_connection((HOST, server.port)) for _ in range(MAX_STRANGERS + 20)]
    began = time.monotonic()
    try:
        with awaited(ReceiverAccess("RECEIVER", HOST, server.port, KEY), Awaited("PACS", "1.2.3"), tmp_path):
            took = time.monotonic() - began
    finally:
        for one in crowd:
            one.close()
    assert took < 2


def test_a_crowd_that_says_nothing_ends_no_line_that_proved_the_key(
    server: TransmitServer, mailbox: FakeMailbox, tmp_path: Path
) -> None:
    with awaited(ReceiverAccess("RECEIVER", HOST, server.port, KEY), Awaited("PACS", "1.2.3"), tmp_path) as waiting:
        crowd = [socket.create_connection((HOST, server.port)) for _ in range(MAX_STRANGERS + 20)]
        [announcement] = mailbox.announcements
        mailbox.put(Instance("1.2", "1.2.3.4", "1.2.840.10008.1.2", ()), b"here", announcement)
        assert waiting.next(5) is not None
        for one in crowd:
            one.close()
