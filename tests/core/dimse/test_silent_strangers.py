"""Connections that ask for nothing: they keep nobody out who has something to say."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from adit.dimse.association import Association
from adit.dimse.errors import ConnectionLost
from adit.dimse.negotiation import Accepting, Proposal, answer
from adit.dimse.pdu import AssociateAccept, AssociateRequest
from adit.dimse.requestor import Timeouts, Wanted, associate
from adit.dimse.server import MOST_REJECTED_AT_ONCE, Server

HOST = "127.0.0.1"
WANTED = Wanted("PEER", "ADIT", (Proposal("1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),))


class Waiting:
    """Accepts, and waits for the end."""

    def accept(self, asked: AssociateRequest, _: str) -> AssociateAccept:
        return answer(asked, Accepting())

    def serve(self, association: Association) -> None:
        with suppress(ConnectionLost):
            association.receive()


@contextmanager
def silent(server: Server, count: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection((HOST, server.port)))
        yield


def test_whoever_asks_gets_the_place_of_the_one_that_was_silent_for_longest() -> None:
    with Server((HOST, 0), Waiting(), max_associations=2) as server, silent(server, 3 * MOST_REJECTED_AT_ONCE):
        associate(HOST, server.port, WANTED, Timeouts(association=5)).release()


def test_an_address_that_is_not_admitted_gets_no_place_and_no_word() -> None:
    with Server((HOST, 0), Waiting(), admits=lambda address: address != HOST) as server:
        with socket.create_connection((HOST, server.port), 5) as stranger:
            assert stranger.recv(1) == b""
        assert server.associations == 0
