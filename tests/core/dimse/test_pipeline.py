"""Requests under way at once: as many as agreed, each answer told to what it answers."""

import socket
import struct
from collections.abc import Iterator

import pytest

from adit.dimse import commands
from adit.dimse.commands import Field, request
from adit.dimse.errors import ProtocolViolation
from adit.dimse.negotiation import Accepting, answer
from adit.dimse.pdu import AssociateAccept, AssociateRequest
from adit.dimse.pipeline import Request, exchange
from adit.dimse.requestor import Wanted, associate
from adit.dimse.server import Server
from adit.dimse.timeouts import Timeouts
from adit.dimse.user_information import OperationsWindow
from tests.core.dimse.peers import CT, HOST, QUICK, WANTED, Keeping, raw_peer

CALM = Timeouts(response=20, idle=20)


class Wide(Keeping):
    """Takes as many operations at once as it is asked to, up to four."""

    def accept(self, request: AssociateRequest, peer_address: str) -> AssociateAccept:
        del peer_address
        return answer(request, Accepting(), window=OperationsWindow(4, 1))


def stores(count: int) -> list[Request[int]]:
    return [
        Request(number, 1, request(Field.C_STORE_RQ, number, CT, f"1.2.{number}"), (str(number).encode(),))
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize(("asked", "agreed"), [(1, 1), (3, 3), (8, 4)])
def test_every_instance_is_stored_and_answered_within_the_window(asked: int, agreed: int) -> None:
    keeping = Wide()
    wanted = Wanted("PEER", "ADIT", WANTED.proposals, window=asked)
    with Server((HOST, 0), keeping, timeouts=CALM) as server:
        association = associate(HOST, server.port, wanted, CALM)
        assert association.window == agreed
        answers = [(number, message.status) for number, message in exchange(association, stores(20))]
        association.release()
    assert sorted(answers) == [(number, 0) for number in range(1, 21)]
    assert [bytes(kept.data) for _, kept in keeping.received] == [str(number).encode() for number in range(1, 21)]


def test_no_request_is_drawn_before_there_is_room_for_it() -> None:
    drawn: list[int] = []

    def draw() -> Iterator[Request[int]]:
        for one in stores(6):
            drawn.append(one.subject)
            yield one

    with Server((HOST, 0), Wide(), timeouts=CALM) as server:
        association = associate(HOST, server.port, Wanted("PEER", "ADIT", WANTED.proposals, window=3), CALM)
        answers = exchange(association, draw())
        next(answers)
        assert drawn == [1, 2, 3]
        assert len(list(answers)) == 5
        association.release()


def test_an_answer_to_nothing_ends_the_association() -> None:
    answered = commands.encode(commands.response(request(Field.C_STORE_RQ, 99, CT, "1.2"), 0))
    said = struct.pack(">BxIIBB", 4, len(answered) + 6, len(answered) + 2, 1, 3) + answered

    def say(connection: socket.socket) -> None:
        connection.sendall(said)

    with raw_peer(say) as port:
        association = associate(HOST, port, WANTED, QUICK)
        with pytest.raises(ProtocolViolation):
            list(exchange(association, stores(1)))
        assert not association.usable
