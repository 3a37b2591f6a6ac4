"""Peers that send what they like: data that nobody could decode passes, everything else is refused with words."""

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from adit.connectors.dimse import DimseConnector
from adit.errors import RetryableError
from adit.query import Level, Query, Selection
from adit.testing import upper_layer as ul
from adit.testing.listener import HOST, Listener, Rejection
from adit.testing.negotiation import Associate, Context, Proposal
from adit.testing.pacs_services import C_FIND, C_GET, C_STORE, PENDING, RESPONSE

Connect = Callable[..., DimseConnector]
Answer = Callable[[ul.Connection, ul.Message, Mapping[int, Context]], None]
CT = "1.2.840.10008.5.1.4.1.1.2"
GARBAGE = bytes(range(256)) * 999 + b"odd"
STUDY = Selection("SYN-0001", "1.2.3")


class StrangePeer:
    """Accepts everything and answers each request as it was told to."""

    def __init__(self, answer: Answer) -> None:
        self.ae_title, self.host, self.port = "STRANGE", HOST, 0
        self._answer = answer

    def reject(self, request: Associate, already_open: int) -> Rejection | None:  # noqa: ARG002 - a Policy
        return None

    def choose(self, request: Associate, proposal: Proposal) -> str | None:  # noqa: ARG002 - a Policy
        return proposal.transfer_syntaxes[0]

    def serve(self, connection: ul.Connection, contexts: Mapping[int, Context], calling: str) -> None:  # noqa: ARG002 - a Policy
        while True:
            message = connection.read_message()
            if message.has_data_set:
                connection.read_data_set(len)
            self._answer(connection, message, contexts)


@contextmanager
def strange(answer: Answer) -> Iterator[StrangePeer]:
    peer = StrangePeer(answer)
    listener = Listener(peer, 0)
    peer.port = listener.port
    try:
        yield peer
    finally:
        listener.close()


def respond(connection: ul.Connection, message: ul.Message, status: int, data: bytes | None = None) -> None:
    command: dict[int, int | str] = {
        ul.AFFECTED_SOP_CLASS: message.text(ul.AFFECTED_SOP_CLASS),
        ul.COMMAND_FIELD: message.field | RESPONSE,
        ul.MESSAGE_ID_ANSWERED: message.number(ul.MESSAGE_ID),
        ul.STATUS: status,
    }
    connection.send_message(message.context_id, command, data)


def store(connection: ul.Connection, context_id: int, uid: str, data: bytes | None) -> None:
    command: dict[int, int | str] = {
        ul.AFFECTED_SOP_CLASS: CT,
        ul.COMMAND_FIELD: C_STORE,
        ul.MESSAGE_ID: 1,
        ul.PRIORITY: 0,
        ul.AFFECTED_SOP_INSTANCE: uid,
    }
    connection.send_message(context_id, command, data)


def sends(uid: str, data: bytes | None, context_id: int | None = None) -> Answer:
    """Answer a C-GET with one instance, and then Success."""

    def answer(connection: ul.Connection, message: ul.Message, contexts: Mapping[int, Context]) -> None:
        if message.field == C_GET:
            [of_ct] = [identity for identity, context in contexts.items() if context.abstract_syntax == CT]
            store(connection, context_id or of_ct, uid, data)
            connection.read_message()
            respond(connection, message, 0)

    return answer


def test_bytes_that_no_decoder_could_read_are_fetched_as_they_are(connect: Connect, spool: Path) -> None:
    with strange(sends("1.2.3.4", GARBAGE)) as peer:
        [instance] = connect(peer).fetch(STUDY, spool)
    assert b"".join(instance.chunks()) == GARBAGE
    assert instance.length == len(GARBAGE)


def test_a_uid_that_is_a_path_writes_nothing_outside_the_spool(connect: Connect, spool: Path, tmp_path: Path) -> None:
    with strange(sends("../../escaped", GARBAGE)) as peer:
        list(connect(peer).fetch(STUDY, spool))
    assert [path.name for path in tmp_path.iterdir()] == [spool.name]
    assert len(list(spool.iterdir())) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (sends("", GARBAGE), "sends an instance without a UID"),
        (sends("1.2.3.4", None), "an instance without a data set"),
        (sends("1.2.3.4", GARBAGE, context_id=2), "a message on a presentation context that was not accepted"),
    ],
    ids=["no UID", "no data set", "another context"],
)
def test_an_instance_that_is_none_is_refused_with_words(
    connect: Connect, spool: Path, answer: Answer, message: str
) -> None:
    with strange(answer) as peer, pytest.raises(RetryableError, match=message) as error:
        list(connect(peer).fetch(STUDY, spool))
    assert error.value.reason == "ProtocolError"


def test_an_answer_that_cannot_be_read_is_refused_with_words(connect: Connect) -> None:
    no_sequence = struct.pack("<HH2sHIHH", 0x08, 0x1115, b"SQ", 0, 0xFFFFFFFF, 0xFFE0, 0x4208)

    def answer(connection: ul.Connection, message: ul.Message, _: Mapping[int, Context]) -> None:
        if message.field == C_FIND:
            respond(connection, message, PENDING, no_sequence)

    with strange(answer) as peer, pytest.raises(RetryableError, match="strange sends an answer that cannot be read"):
        list(connect(peer).find(Query(Level.STUDY)))


@pytest.mark.parametrize(
    "element",
    [struct.pack("<HH2sH", 0x20, 0x10, b"US", 3) + b"abc", struct.pack("<HH2sHI", 0x20, 0x10, b"NO", 0, 0)],
    ids=["a wrong length", "a VR that is none"],
)
def test_an_element_that_cannot_be_read_does_not_lose_the_answer(connect: Connect, element: bytes) -> None:
    study = struct.pack("<HH2sH", 0x20, 0x0D, b"UI", 6) + b"1.2.3\0"

    def answer(connection: ul.Connection, message: ul.Message, _: Mapping[int, Context]) -> None:
        respond(connection, message, PENDING, study + element)
        respond(connection, message, 0)

    with strange(answer) as peer:
        [found] = connect(peer).find(Query(Level.STUDY))
    assert found.StudyInstanceUID == "1.2.3"
    assert "StudyID" not in found


def test_an_instance_in_answer_to_a_search_is_refused(connect: Connect) -> None:
    def answer(connection: ul.Connection, message: ul.Message, _: Mapping[int, Context]) -> None:
        store(connection, message.context_id, "1.2.3.4", GARBAGE)

    with strange(answer) as peer, pytest.raises(RetryableError, match="nobody asked for") as error:
        list(connect(peer).find(Query(Level.STUDY)))
    assert error.value.reason == "ProtocolError"
