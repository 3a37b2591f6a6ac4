"""The door of the loopback PACS: accepts connections, serves each association in its own thread, counts and closes."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from adit.testing import negotiation
from adit.testing import upper_layer as ul
from adit.testing.negotiation import Associate, Context, Proposal

HOST = "127.0.0.1"
ASSOCIATE_SECONDS = 30.0
JOIN_SECONDS = 5.0

Rejection = tuple[int, int, int]


class Policy(Protocol):
    """What the PACS decides about an association."""

    def reject(self, request: Associate, already_open: int) -> Rejection | None: ...
    def choose(self, request: Associate, proposal: Proposal) -> str | None:
        """The transfer syntax to accept, or None to refuse the presentation context."""

    def serve(self, connection: ul.Connection, contexts: Mapping[int, Context], calling: str) -> None:
        """Answer requests until the association ends, which raises `Closed`."""


class Listener:
    """One listening port and the associations that came in through it."""

    def __init__(self, policy: Policy, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._policy = policy
        self._tls = tls
        self._lock = threading.Lock()
        self._threads: dict[ul.Connection, threading.Thread] = {}
        self._open = self._peak = 0
        self._socket = socket.create_server((HOST, port), backlog=128)
        self.port = int(self._socket.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, name=f"dicom-{self.port}")
        self._acceptor.start()

    @property
    def peak(self) -> int:
        return self._peak

    def forget_peak(self) -> None:
        with self._lock:
            self._peak = self._open

    def close(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        _shut(self._socket)
        self._acceptor.join(JOIN_SECONDS)
        self._socket.close()
        with self._lock:
            threads = dict(self._threads)
        for connection in threads:
            _shut(connection.socket)
        for thread in threads.values():
            thread.join(JOIN_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:  # close() has shut the socket
                return
            if self._tls is not None:  # the handshake is the association's thread's
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            connection = ul.Connection(sock)
            thread = threading.Thread(target=self._handle, args=(connection,), name=f"association-{self.port}")
            with self._lock:
                self._threads[connection] = thread
            thread.start()

    def _handle(self, connection: ul.Connection) -> None:
        try:
            self._associate(connection)
        except OSError:
            pass  # every way in which an association ends is a ConnectionError, and the peer has been told
        finally:
            with self._lock:
                del self._threads[connection]
            connection.close()

    def _associate(self, connection: ul.Connection) -> None:
        connection.socket.settimeout(ASSOCIATE_SECONDS)
        kind, body = connection.read_pdu()
        if kind != ul.ASSOCIATE_RQ:
            connection.abort()
            return
        request = negotiation.parse(body)
        with self._counted(request) as (rejection, ended):
            if rejection is not None:
                connection.send_pdu(ul.ASSOCIATE_RJ, bytes((0, *rejection)))
                return
            contexts = negotiation.accept(request, lambda proposal: self._policy.choose(request, proposal))
            connection.peer_max_pdu = negotiation.usable_pdu(request.max_pdu)
            connection.send_pdu(ul.ASSOCIATE_AC, negotiation.acceptance(body, request, contexts))
            connection.socket.settimeout(None)
            connection.on_release = ended
            self._policy.serve(connection, contexts, request.calling)

    @contextmanager
    def _counted(self, request: Associate) -> Iterator[tuple[Rejection | None, Callable[[], None]]]:
        """One more is open, until it ends: with the answer to its release, or otherwise."""
        with self._lock:
            rejection = self._policy.reject(request, self._open)
            if rejection is None:
                self._open += 1
                self._peak = max(self._peak, self._open)
        counted = rejection is None

        def ended() -> None:
            nonlocal counted
            with self._lock:
                self._open -= counted
                counted = False

        try:
            yield rejection, ended
        finally:
            ended()


def _shut(sock: socket.socket) -> None:
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of TLS too: its own would leave a reader without its state
    except OSError:  # the other side was faster
        return
