"""SOP Class Extended Negotiation (PS3.7 D.3.3.5): said where it is asked, and heard by whoever asked."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pynetdicom import AE, evt

from adit.dimse.association import Association
from adit.dimse.errors import ConnectionLost
from adit.dimse.negotiation import Accepting, Proposal, answer
from adit.dimse.pdu import AssociateAccept, AssociateRequest
from adit.dimse.requestor import Timeouts, Wanted, associate
from adit.dimse.server import Server
from adit.dimse.user_information import ExtendedNegotiation

HOST = "127.0.0.1"
FIND, IMPLICIT = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.2"
RELATIONAL = ExtendedNegotiation(FIND, b"\1")
WANTED = Wanted("PEER", "ADIT", (Proposal(FIND, (IMPLICIT,)),), extended=(RELATIONAL,))


class Relational:
    """Answers relational queries, as it says where it is asked, and only there."""

    def accept(self, asked: AssociateRequest, _: str) -> AssociateAccept:
        return answer(asked, Accepting(), extended=(RELATIONAL, ExtendedNegotiation("1.2.3", b"\1")))

    def serve(self, association: Association) -> None:
        with suppress(ConnectionLost):
            association.receive()


def extended_of(port: int, wanted: Wanted = WANTED) -> dict[str, bytes]:
    association = associate(HOST, port, wanted, Timeouts(response=5))
    try:
        return dict(association.extended)
    finally:
        association.release()


@contextmanager
def pynetdicom() -> Iterator[int]:
    entity = AE("PEER")
    entity.add_supported_context(FIND, [IMPLICIT])

    def extended(event: Any) -> dict[str, bytes]:
        return dict(event.app_info)

    server = entity.start_server((HOST, 0), block=False, evt_handlers=[(evt.EVT_SOP_EXTENDED, extended)])
    assert server is not None
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def test_what_is_asked_is_answered_and_nothing_else() -> None:
    with Server((HOST, 0), Relational()) as server:
        assert extended_of(server.port) == {FIND: b"\1"}


def test_what_is_not_asked_is_not_answered() -> None:
    with Server((HOST, 0), Relational()) as server:
        assert extended_of(server.port, Wanted("PEER", "ADIT", WANTED.proposals)) == {}


def test_pynetdicom_understands_the_question_and_we_its_answer() -> None:
    with pynetdicom() as port:
        assert extended_of(port) == {FIND: b"\1"}
