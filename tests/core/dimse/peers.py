"""Peers of the data path's tests: a server that keeps what it gets, and one that says exactly the bytes it is told."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from adit.dimse.association import Association
from adit.dimse.negotiation import Accepting, Proposal, answer
from adit.dimse.pdu import AssociateAccept, AssociateReject, AssociateRequest, decode, encode
from adit.dimse.requestor import Wanted, associate
from adit.dimse.storage import Reception, StoreRequest, serve_storage
from adit.dimse.timeouts import Timeouts

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
HOST = "127.0.0.1"
QUICK = Timeouts(connect=2, association=2, response=0.4, release=0.4, idle=2)
WANTED = Wanted("PEER", "ADIT", (Proposal(CT, (EXPLICIT,)),))


@dataclass
class Kept:
    """A reception in memory."""

    data: bytearray = field(default_factory=bytearray)
    status: int = 0
    discarded: bool = False

    def write(self, fragment: memoryview, /) -> None:
        self.data += fragment

    def complete(self) -> int:
        return self.status

    def discard(self) -> None:
        self.discarded = True


@dataclass
class Keeping:
    """A service that takes every SOP class, and a storage that keeps what it is sent."""

    status: int = 0
    refuses: int | None = None
    received: list[tuple[StoreRequest, Kept]] = field(default_factory=list)

    def accept(self, request: AssociateRequest, peer_address: str) -> AssociateAccept | AssociateReject:
        del peer_address
        return answer(request, Accepting())

    def serve(self, association: Association) -> None:
        serve_storage(association, self)

    def begin(self, request: StoreRequest) -> Reception | int:
        if self.refuses is not None:
            return self.refuses
        kept = Kept(status=self.status)
        self.received.append((request, kept))
        return kept


@contextmanager
def raw_peer(say: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a peer that accepts one association, then does what `say` does, then waits for our end."""
    listener = socket.create_server((HOST, 0))

    def run() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.settimeout(10)
            request = decode(1, _read(connection, int.from_bytes(_read(connection, 6)[2:])))
            assert isinstance(request, AssociateRequest)
            connection.sendall(encode(answer(request, Accepting())))
            say(connection)
            while connection.recv(1 << 16):
                pass

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        thread.join(15)
        listener.close()


def associated(port: int, timeouts: Timeouts = QUICK) -> Association:
    return associate(HOST, port, WANTED, timeouts)


def _read(connection: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        more = connection.recv(count - len(read))
        if not more:
            raise ConnectionError
        read += more
    return read
