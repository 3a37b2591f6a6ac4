"""Messages between two threads: nothing is stolen, nothing piles up, and silence is told from a lost connection."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.connectors.dimse.pynetdicom_layer.messages import WINDOW, Messages, fragment_size
from adit.dimse import commands
from adit.dimse.commands import Field
from adit.dimse.errors import ConnectionLost, PeerSilent
from adit.errors import PermanentError

STORE = commands.request(Field.C_STORE_RQ, 1, "1.2", "1.2.3")
ECHO_ANSWER = b"\3" + commands.encode(commands.request(Field.C_ECHO_RQ, 1, "1.2"))


class Line:
    """The network end: keeps what is sent, and acknowledges it only when told."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.alive = True
        self.acknowledges = False
        self.messages = Messages("pacs", self.take, lambda: self.alive, max_instance_bytes=1000)

    def take(self, primitive: Any) -> None:
        self.sent.extend(value for _, value in primitive.presentation_data_value_list)
        if self.acknowledges:
            self.messages.sent()

    def deliver(self, value: bytes) -> None:
        self.messages.receive_primitive(SimpleNamespace(presentation_data_value_list=[(1, value)]))


def test_the_reactor_is_never_given_a_message_that_the_caller_waits_for() -> None:
    line = Line()
    line.deliver(ECHO_ANSWER)
    assert line.messages.get_msg(block=False) == (None, None)
    assert line.messages.receive(silence=1).field == Field.C_ECHO_RQ


def test_what_has_arrived_is_handed_out_before_the_end_is_told() -> None:
    line = Line()
    line.deliver(ECHO_ANSWER)
    line.messages.msg_queue.put((None, None))
    assert line.messages.receive(silence=1).field == Field.C_ECHO_RQ
    with pytest.raises(ConnectionLost, match="pacs ended the association"):
        line.messages.receive(silence=1)


def test_an_association_that_has_gone_is_noticed_without_being_told() -> None:
    line = Line()
    line.alive = False
    with pytest.raises(ConnectionLost):
        line.messages.receive(silence=60)


def test_a_silent_peer_is_given_up_after_the_time_out() -> None:
    with pytest.raises(PeerSilent, match=r"pacs did not answer within 0\.1 s"):
        Line().messages.receive(silence=0.1)


def test_what_is_no_dicom_is_said_at_once() -> None:
    line = Line()
    line.deliver(b"\2data")
    with pytest.raises(Exception, match="what is not DICOM: a data set without a command set"):
        line.messages.receive(silence=60)


def test_an_object_without_end_is_given_up_for_good_and_leaves_no_file(tmp_path: Path) -> None:
    line = Line()
    line.messages.receive_into(tmp_path)
    line.deliver(b"\3" + commands.encode(STORE))
    for _ in range(3):
        line.deliver(b"\0" + bytes(400))
    with pytest.raises(PermanentError, match="pacs sends a larger object than we take") as error:
        line.messages.receive(silence=1)
    assert error.value.reason == "InstanceTooLarge"
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_is_sent_no_further_ahead_than_the_window() -> None:
    line = Line()
    drawn = 0

    def chunks() -> Iterator[bytes]:
        nonlocal drawn
        for _ in range(64):
            drawn += 1 << 20
            yield bytes(1 << 20)

    sender = threading.Thread(target=line.messages.send, args=(1, STORE, chunks()), kwargs={"max_pdu": 0, "silence": 9})
    sender.start()
    sender.join(0.3)
    assert sender.is_alive()
    assert sum(map(len, line.sent)) <= WINDOW + 1024
    assert drawn <= WINDOW + (2 << 20)
    while sender.is_alive():
        line.messages.sent()
        sender.join(0.001)
    assert sum(len(value) - 1 for value in line.sent[1:]) == 64 << 20


def test_sending_ends_when_the_connection_does() -> None:
    line = Line()
    failed: list[BaseException] = []

    def send() -> None:
        try:
            line.messages.send(1, STORE, [bytes(64 << 20)], max_pdu=16384, silence=60)
        except ConnectionLost as error:
            failed.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    line.messages.end()
    sender.join(5)
    assert failed


@given(st.lists(st.binary(max_size=5000), max_size=6), st.integers(0, 4000))
def test_fragments_carry_exactly_what_was_given_and_end_once(chunks: list[bytes], max_pdu: int) -> None:
    line = Line()
    line.acknowledges = True
    line.messages.send(1, STORE, chunks, max_pdu=max_pdu, silence=5)
    command, *data = line.sent
    assert commands.decode(command[1:]) == STORE
    assert b"".join(value[1:] for value in data) == b"".join(chunks)
    assert [value[0] for value in data] == [0] * (len(data) - 1) + [2]
    assert all(len(value) - 1 <= fragment_size(max_pdu) for value in data)


@given(st.integers(0, 1 << 24))
def test_a_fragment_is_even_and_fits_the_peer(max_pdu: int) -> None:
    size = fragment_size(max_pdu)
    assert size % 2 == 0
    assert 1024 <= size <= 256 << 10
    assert max_pdu == 0 or max_pdu < 1030 or size + 6 <= max_pdu
