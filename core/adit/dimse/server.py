"""The SCP's door: listen, one thread per association, refuse beyond the limit, end everything on close."""

import errno
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from adit.dimse.association import Agreement, Association
from adit.dimse.errors import ConnectionLost, ProtocolViolation
from adit.dimse.negotiation import TOO_MANY_ASSOCIATIONS, agreed, operations_window
from adit.dimse.pdu import Abort, AssociateAccept, AssociateReject, AssociateRequest, encode
from adit.dimse.requestor import read_pdu
from adit.dimse.timeouts import Timeouts
from adit.dimse.wire import Wire
from adit.errors import AditError

if TYPE_CHECKING:
    import ssl

BACKLOG: Final = 256
BUFFER_BYTES: Final = 256 << 10  # a hundred associations have a hundred of them
# Connections that wait for their rejection; beyond them they are closed without a word.
MOST_REJECTED_AT_ONCE: Final = 32
CLOSE_SECONDS: Final = 5.0
REJECTED_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.5
_PASSING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Service(Protocol):
    """What a server does: both methods are called in the thread of their association."""

    def accept(self, request: AssociateRequest, peer_address: str) -> AssociateAccept | AssociateReject:
        """Answer a request (negotiation.answer, negotiation.refusal)."""
        ...

    def serve(self, association: Association) -> None:
        """Do what the association is for, until it raises that the peer has released it."""
        ...


class Server:
    """Listens at `address` while it is entered; port 0 takes a free one.

    `admits` is asked for the address of a connection before it is read or given a place. A fault of a peer (AditError)
    ends its association alone. Any other error of the service is ours: the association is aborted, and the error goes
    on to `threading.excepthook`.
    """

    port: int

    def __init__(
        self,
        address: tuple[str, int],
        service: Service,
        *,
        max_associations: int = 100,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - a frozen value
        tls: "ssl.SSLContext | None" = None,
        admits: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._address = address
        self._service = service
        self._most = max_associations
        self._timeouts = timeouts
        self._tls = tls
        self._lock = threading.Lock()
        self._admits = admits
        self._open: dict[threading.Thread, Wire] = {}
        self._silent: dict[threading.Thread, None] = {}  # those that have asked for nothing yet, the oldest first
        self._associations = 0
        self._closing = False

    def __enter__(self) -> Self:
        """Listen. Raises OSError where the address cannot be had."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listener = socket.create_server(self._address, family=family, backlog=BACKLOG)
        self._listener.settimeout(_LOOK_SECONDS)
        self.port = int(self._listener.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, name="dicom-accept", daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_accepting()
        with self._lock:
            left = dict(self._open)
        for wire in left.values():
            wire.hang_up()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in left:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def associations(self) -> int:
        """How many are established now."""
        return self._associations

    def stop_accepting(self) -> None:
        """Close the door; what is established goes on."""
        self._closing = True
        with suppress(OSError):  # wakes the thread that accepts, where the kernel does that; it looks by itself too
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, address = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                if error.errno in _PASSING:  # no descriptor is free: others have to end first
                    time.sleep(_LOOK_SECONDS / 5)
                continue
            self._start(connection, str(address[0]))

    def _start(self, connection: socket.socket, peer_address: str) -> None:
        if not self._admits(peer_address):
            connection.close()
            return
        wire = Wire(connection, self._timeouts.association, BUFFER_BYTES)
        thread = threading.Thread(
            target=self._run, args=(connection, wire, peer_address), name="dicom-association", daemon=True
        )
        with self._lock:
            if len(self._open) >= self._most + MOST_REJECTED_AT_ONCE and not self._make_place():
                wire.close()
                return
            self._open[thread] = wire
            self._silent[thread] = None
        try:
            thread.start()
        except RuntimeError:  # the machine gives no more threads: this peer may come again, others go on
            wire.close()
            with self._lock:
                del self._open[thread]
                del self._silent[thread]

    def _make_place(self) -> bool:
        """Hang up on whoever has been silent for longest, so that silence keeps nobody out; under the lock."""
        oldest = next(iter(self._silent), None)
        if oldest is None:
            return False
        del self._silent[oldest]
        self._open.pop(oldest).hang_up()
        return True

    def _run(self, connection: socket.socket, wire: Wire, peer_address: str) -> None:
        try:
            with suppress(AditError):  # the peer's business, and over
                if self._tls is not None:
                    wire = self._secured(connection)
                self._associate(wire, peer_address)
        finally:
            with self._lock:
                last = self._open.pop(threading.current_thread(), wire)
                self._silent.pop(threading.current_thread(), None)
            last.close()

    def _secured(self, connection: socket.socket) -> Wire:
        """Agree on TLS. Raises ConnectionLost: who is to know why is the peer, and its library tells it."""
        assert self._tls is not None
        try:
            secured = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            wire = Wire(secured, self._timeouts.association, BUFFER_BYTES)
            with self._lock:
                left = self._closing or threading.current_thread() not in self._open
                self._open[threading.current_thread()] = wire
            if left:  # who closes, or made place, has seen the plain connection only
                wire.hang_up()
            secured.do_handshake()
        except (OSError, ValueError) as error:
            raise ConnectionLost("TLS was not agreed on") from error
        return wire

    def _associate(self, wire: Wire, peer_address: str) -> None:
        try:
            request = read_pdu(wire)
        except ProtocolViolation:
            wire.send([encode(Abort(2, 1))])
            raise
        if not isinstance(request, AssociateRequest):
            wire.send([encode(Abort(2, 2))])
            return
        with self._lock:
            self._silent.pop(threading.current_thread(), None)
            fits = self._associations < self._most and not self._closing
            self._associations += fits
        try:
            answer = self._service.accept(request, peer_address) if fits else TOO_MANY_ASSOCIATIONS
            wire.send([encode(answer)])
            if isinstance(answer, AssociateReject):
                wire.within(REJECTED_SECONDS)  # Sta13: the peer closes, so that it reads the answer first
                wire.exactly(1)
                return
            agreement = Agreement(
                request.called_ae_title,
                request.calling_ae_title,
                agreed(request, answer),
                max_pdu=answer.user_information.max_length,
                peer_max_pdu=request.user_information.max_length,
                window=operations_window(request, answer),
            )
            association = Association(wire, agreement, self._timeouts, requestor=False)
            try:
                self._service.serve(association)
            finally:
                association.close()
        finally:
            with self._lock:
                self._associations -= fits
