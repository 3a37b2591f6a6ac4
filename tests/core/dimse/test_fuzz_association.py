"""Mutated streams on an established association, over a socket pair: an end of ours each time, and no thread hangs."""

import socket
import struct
import tracemalloc
from collections.abc import Sequence

import pytest

from adit.dimse import commands, pdu
from adit.dimse.association import Agreement, Association, Message
from adit.dimse.commands import Field
from adit.dimse.negotiation import PresentationContext
from adit.dimse.pdu import Abort, PduType, ReleaseRequest
from adit.dimse.timeouts import Timeouts
from adit.dimse.wire import Wire
from adit.errors import AditError
from tests.core.dimse.associations import CT, EXPLICIT
from tests.core.dimse.mutations import mutated

STREAMS = 20_000
MAY_STAY = 256 << 10
# Longer than anything takes here: that nothing hangs is shown by the time-out of the test itself.
SECONDS = Timeouts(response=1.0, release=0.2, idle=1.0)
AGREEMENT = Agreement("PACS", "ADIT", {1: PresentationContext(1, CT, EXPLICIT)}, max_pdu=1 << 14, peer_max_pdu=1 << 14)


def p_data(*fragments: tuple[int, bytes]) -> bytes:
    """One P-DATA-TF of fragments: control byte and content each, on context 1."""
    items = b"".join(struct.pack(">IBB", len(content) + 2, 1, control) + content for control, content in fragments)
    return pdu.HEADER.pack(PduType.P_DATA_TF, len(items)) + items


STORE = commands.encode(commands.request(Field.C_STORE_RQ, 7, CT, "1.2.3.4"))
ECHO = commands.encode(commands.request(Field.C_ECHO_RQ, 8, "1.2.840.10008.1.1"))
SAMPLES = [
    p_data((3, STORE)) + p_data((0, b"ab" * 50)) + p_data((2, b"cd" * 50)) + pdu.encode(ReleaseRequest()),
    p_data((3, STORE), (2, b"ab" * 40)) + p_data((3, ECHO)) + pdu.encode(ReleaseRequest()),
    p_data((1, ECHO[:20])) + p_data((3, ECHO[20:])) + pdu.encode(Abort()),
]


def ended(stream: bytes) -> type[AditError]:
    """Feed it to an association that takes messages until it ends; the error that it ends with."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(stream)
        theirs.shutdown(socket.SHUT_WR)
        association = Association(Wire(ours, 1.0), AGREEMENT, SECONDS, requestor=False)
        try:
            while True:
                message = association.receive()
                assert isinstance(message, Message)
        except AditError as error:
            assert not association.usable
            return type(error)
        finally:
            association.close()


def outcomes(samples: Sequence[bytes], count: int, seed: int) -> set[type[AditError]]:
    return {ended(stream) for stream in mutated(samples, count, seed)}


@pytest.mark.timeout(60)
def test_a_mutated_stream_ends_an_association_with_an_error_of_ours_and_leaves_nothing_behind() -> None:
    seen = outcomes(SAMPLES, STREAMS, seed=1)
    tracemalloc.start()
    try:
        seen |= outcomes(SAMPLES, 50, seed=2)
        before, _ = tracemalloc.get_traced_memory()
        seen |= outcomes(SAMPLES, 200, seed=3)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < MAY_STAY
    assert {one.__name__ for one in seen} >= {"ProtocolViolation", "PeerReleased", "ConnectionLost"}


def test_a_stream_that_is_not_mutated_ends_with_the_release() -> None:
    assert [ended(stream).__name__ for stream in SAMPLES] == ["PeerReleased", "PeerReleased", "AssociationAborted"]
