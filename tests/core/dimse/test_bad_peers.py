"""Peers that abort, stall, lie about lengths and contexts: each ends in an error of ours, and within its time."""

import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest

from adit.dimse import commands
from adit.dimse.commands import Field, request
from adit.dimse.errors import (
    AssociationAborted,
    ConnectionLost,
    InstanceTooLarge,
    NotReached,
    PeerReleased,
    PeerSilent,
    ProtocolViolation,
    TlsRefused,
)
from adit.dimse.requestor import associate
from adit.dimse.timeouts import Timeouts
from adit.errors import AditError
from tests.core.dimse.peers import CT, HOST, QUICK, WANTED, associated, raw_peer

ECHO_ANSWER = commands.encode(commands.response(request(Field.C_ECHO_RQ, 1, CT), 0))
STORE = commands.encode(request(Field.C_STORE_RQ, 1, CT, "1.2.3"))


def pdv(content: bytes, control: int, context: int = 1) -> bytes:
    return struct.pack(">IBB", len(content) + 2, context, control) + content


def data_pdu(*values: bytes) -> bytes:
    body = b"".join(values)
    return struct.pack(">BxI", 4, len(body)) + body


VIOLATIONS = {
    "a context that was not accepted": data_pdu(pdv(ECHO_ANSWER, 3, context=7)),
    "a fragment longer than its PDU": struct.pack(">BxIIBB", 4, 6, 900, 1, 3),
    "a fragment without room for its header": struct.pack(">BxIIBB", 4, 6, 1, 1, 3),
    "a PDU that ends in a fragment's header": struct.pack(">BxI", 4, 3) + b"\0\0\0",
    "a PDU of 3 GiB": struct.pack(">BxI", 4, 3 << 30),
    "a PDU of an unknown type": struct.pack(">BxI", 0x99, 0),
    "an association request within one": struct.pack(">BxI", 1, 68) + bytes(68),
    "a data set before its command": data_pdu(pdv(b"xx", 2)),
    "a command within a data set": data_pdu(pdv(STORE, 3), pdv(STORE, 1)),
    "a command that is none": data_pdu(pdv(b"\xff" * 20, 3)),
    "a command that never ends": b"".join(data_pdu(pdv(bytes(60_000), 1)) for _ in range(2)),
}


@pytest.mark.parametrize("said", VIOLATIONS.values(), ids=VIOLATIONS)
def test_what_the_standard_forbids_ends_the_association(said: bytes) -> None:
    with raw_peer(lambda connection: connection.sendall(said)) as port:
        association = associated(port)
        with pytest.raises(ProtocolViolation):
            association.receive()
        assert not association.usable


def test_the_peer_is_told_that_it_violates_the_protocol() -> None:
    heard = bytearray()

    def say(connection: socket.socket) -> None:
        connection.sendall(VIOLATIONS["a data set before its command"])
        heard.extend(connection.recv(10))

    with raw_peer(say) as port, pytest.raises(ProtocolViolation):
        associated(port).receive()

    assert heard[0] == 7
    assert heard[8] == 2  # by the service provider


def trickle(content: bytes) -> Callable[[socket.socket], None]:
    """Says one byte every tenth of a second, each in time."""

    def say(connection: socket.socket) -> None:
        for one in content:
            connection.sendall(bytes((one,)))
            time.sleep(0.1)

    return say


@pytest.mark.parametrize(
    "say",
    [
        lambda _: None,
        lambda connection: connection.sendall(data_pdu(pdv(ECHO_ANSWER, 3))[:20]),
        trickle(data_pdu(pdv(ECHO_ANSWER, 3))),
        trickle(b"".join(data_pdu(pdv(ECHO_ANSWER[:1], 1)) for _ in range(9))),
    ],
    ids=["silence", "half a PDU", "a trickle", "a trickle of fragments"],
)
def test_a_peer_that_gives_too_little_is_not_waited_for(say: Callable[[socket.socket], None]) -> None:
    with raw_peer(say) as port:
        association = associated(port)
        begun = time.monotonic()
        with pytest.raises(PeerSilent):
            association.receive()
        assert time.monotonic() - begun < 2 * QUICK.response + 0.5


def test_a_data_set_in_tiny_fragments_is_not_waited_for() -> None:
    def say(connection: socket.socket) -> None:
        connection.sendall(data_pdu(pdv(STORE, 3)))
        while True:
            connection.sendall(data_pdu(pdv(b"ab", 0)))
            time.sleep(0.1)

    with raw_peer(say) as port, pytest.raises(PeerSilent):
        associated(port).receive()


def test_a_sink_that_takes_its_time_is_not_the_fault_of_the_peer() -> None:
    class Slow:
        def write(self, _: memoryview, /) -> None:
            time.sleep(0.3)

    fragments = [pdv(b"ab", 0), pdv(b"cd", 0), pdv(b"ef", 2)]

    def say(connection: socket.socket) -> None:
        connection.sendall(data_pdu(pdv(STORE, 3)))
        for one in fragments:
            connection.sendall(data_pdu(one))
            time.sleep(0.05)

    with raw_peer(say) as port:
        association = associated(port)
        assert association.receive(lambda *_: Slow()).field == Field.C_STORE_RQ
        association.abort()


def test_a_peer_that_does_not_read_is_not_waited_for() -> None:
    def say(connection: socket.socket) -> None:
        time.sleep(0.9)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_peer(say) as port:
        association = associated(port)
        with pytest.raises(PeerSilent):
            association.send(1, request(Field.C_STORE_RQ, 1, CT, "1.2"), [bytes(64 << 20)])


def test_an_abort_tells_its_source_and_reason() -> None:
    aborting = raw_peer(lambda connection: connection.sendall(bytes((7, 0, 0, 0, 0, 4, 0, 0, 2, 1))))
    with aborting as port, pytest.raises(AssociationAborted) as error:
        associated(port).receive()
    assert (error.value.source, error.value.diagnostic) == (2, 1)


def test_a_release_of_the_peer_is_answered() -> None:
    heard = bytearray()

    def say(connection: socket.socket) -> None:
        connection.sendall(bytes((5, 0, 0, 0, 0, 4, 0, 0, 0, 0)))
        heard.extend(connection.recv(10))

    with raw_peer(say) as port, pytest.raises(PeerReleased):
        associated(port).receive()

    assert heard == bytes((6, 0, 0, 0, 0, 4, 0, 0, 0, 0))


def test_a_release_collision_is_solved_as_the_requestor() -> None:
    heard: list[int] = []

    def say(connection: socket.socket) -> None:
        heard.append(connection.recv(10)[0])
        connection.sendall(bytes((5, 0, 0, 0, 0, 4, 0, 0, 0, 0)))
        heard.append(connection.recv(10)[0])
        connection.sendall(bytes((6, 0, 0, 0, 0, 4, 0, 0, 0, 0)))

    with raw_peer(say) as port:
        association = associated(port)
        association.release()
        assert not association.usable

    assert heard == [5, 6]


def test_a_release_that_nobody_answers_ends_in_time() -> None:
    with raw_peer(lambda _: None) as port:
        association = associated(port)
        begun = time.monotonic()
        association.release()
        assert time.monotonic() - begun < QUICK.release + 1


def test_an_abort_from_another_thread_wakes_who_receives() -> None:
    with raw_peer(lambda _: None) as port:
        association = associated(port, Timeouts(response=30))
        threading.Timer(0.2, association.abort).start()
        begun = time.monotonic()
        with pytest.raises(ConnectionLost):
            association.receive()
        assert time.monotonic() - begun < 2


def test_an_identifier_has_a_limit() -> None:
    def say(connection: socket.socket) -> None:
        connection.sendall(data_pdu(pdv(STORE, 3)))
        for _ in range(10):
            connection.sendall(data_pdu(pdv(bytes(1_000_000), 0)))

    with raw_peer(say) as port, pytest.raises(InstanceTooLarge):
        associated(port).receive()


def test_a_closed_port_is_not_reached() -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotReached) as error:
        associate(HOST, port, WANTED, QUICK)
    assert isinstance(error.value.cause, ConnectionRefusedError)


def test_a_port_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server((HOST, 0)) as listener, pytest.raises(PeerSilent):
        associate(HOST, listener.getsockname()[1], WANTED, Timeouts(association=0.3))


def test_a_peer_that_answers_with_a_tls_alert_is_known_to_want_tls() -> None:
    listener = socket.create_server((HOST, 0))

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(bytes((0x15, 3, 1, 0, 2, 2, 70)))

    thread = threading.Thread(target=run)
    thread.start()
    with listener, pytest.raises(TlsRefused, match="speaks TLS"):
        associate(HOST, listener.getsockname()[1], WANTED, QUICK)
    thread.join()


def test_every_error_of_a_peer_is_one_of_ours() -> None:
    said = [data_pdu(pdv(ECHO_ANSWER, 3))[:length] for length in range(1, 30, 7)]
    for cut in said:

        def say(connection: socket.socket, cut: bytes = cut) -> None:
            connection.sendall(cut)
            connection.shutdown(socket.SHUT_RDWR)

        with raw_peer(say) as port, pytest.raises(AditError):
            associated(port).receive()
