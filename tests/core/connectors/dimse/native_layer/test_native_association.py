"""What the upper layer brings and complains of becomes messages, files and errors that name the peer."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from adit.connectors.dimse.association import UnreadableInstance
from adit.connectors.dimse.native_layer.association import NativeAssociation
from adit.connectors.dimse.peer import Peer
from adit.dimse import association as upper_layer
from adit.dimse import commands
from adit.dimse.association import OpenSink
from adit.dimse.commands import Command, Field
from adit.dimse.errors import (
    AssociationAborted,
    ConnectionLost,
    InstanceTooLarge,
    PeerReleased,
    PeerSilent,
    ProtocolViolation,
)
from adit.dimse.negotiation import PresentationContext
from adit.errors import AditError, RetryableError
from adit.transfer.instance import Piece

PEER = Peer("pacs", "127.0.0.1", 104, "PACS", "ADIT", 5, 7)
CONTEXT = PresentationContext(1, "1.2", "1.2.840.10008.1.2", reverse=True)
STORE = commands.request(Field.C_STORE_RQ, 1, "1.2", "../../etc/passwd")


class Line:
    """An upper layer that brings one instance in fragments, and then fails as it was told."""

    contexts: Mapping[int, PresentationContext] = {1: CONTEXT}

    def __init__(self, fragments: Iterable[bytes] = (), failure: BaseException | None = None) -> None:
        self.fragments, self.failure = fragments, failure

    def receive(self, sink: OpenSink) -> upper_layer.Message:
        opened = sink(STORE, CONTEXT)
        assert opened is not None
        for fragment in self.fragments:
            opened.write(memoryview(fragment))
        if self.failure is not None:
            raise self.failure
        return upper_layer.Message(1, STORE, sink=opened)

    def send(self, context_id: int, command: Command, data: Iterable[Piece] = ()) -> None:
        assert self.failure is not None, f"{context_id}, {command}, {data}"
        raise self.failure


def association(line: Line) -> NativeAssociation:
    return NativeAssociation(PEER, line, frozenset())  # type: ignore[arg-type]  # as much of one as is used


def test_an_instance_lies_in_the_spool_under_a_name_of_ours(spool: Path) -> None:
    established = association(Line([b"odd", b"!!"]))
    established.receive_into(spool)
    message = established.receive()
    assert message.file is not None
    assert message.file.parent == spool
    assert "passwd" not in message.file.name
    assert message.file.read_bytes() == b"odd!!"


FAILURES: list[tuple[AditError, str, str]] = [
    (ConnectionLost("x"), "ConnectionLost", "pacs ended the association before it had answered everything"),
    (AssociationAborted(2, 1), "ConnectionLost", "pacs ended the association before it had answered everything"),
    (PeerReleased("x"), "ConnectionLost", "pacs ended the association before it had answered everything"),
    (PeerSilent("x"), "PeerSilent", "pacs did not answer within 7 s"),
    (ProtocolViolation("a bad PDU"), "ProtocolError", "pacs sends what is not DICOM: a bad PDU"),
    (InstanceTooLarge("x"), "InstanceTooLarge", "pacs sends a larger object than we take"),
]


@pytest.mark.parametrize(("failure", "reason", "message"), FAILURES, ids=[type(one).__name__ for one, *_ in FAILURES])
def test_a_failure_names_the_peer_and_leaves_no_file(
    spool: Path, failure: AditError, reason: str, message: str
) -> None:
    established = association(Line([b"half"], failure))
    established.receive_into(spool)
    with pytest.raises(AditError) as error:
        established.receive()
    assert (error.value.reason, error.value.message) == (reason, message)
    assert list(spool.iterdir()) == []


def test_an_instance_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(RetryableError, match="pacs sends what is not DICOM: an instance that nobody asked for"):
        association(Line()).receive()


@pytest.mark.parametrize("failure", [FileNotFoundError("gone"), EOFError("short")])
def test_a_file_that_cannot_be_sent_is_not_taken_for_the_connection(failure: Exception) -> None:
    with pytest.raises(UnreadableInstance, match=f"cannot be read: {type(failure).__name__}") as error:
        association(Line(failure=failure)).send(1, STORE, [b"data"])
    assert error.value.reason == "UnreadableFile"
