"""The SCU's door: connect, agree on TLS, ask for an association (PS3.8 9.3.2), and hand it out established."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adit.dimse.association import Agreement, Association
from adit.dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionLost,
    NotReached,
    ProtocolViolation,
    TlsRefused,
)
from adit.dimse.negotiation import Proposal, agreed, extended_answers, operations_window, request_for
from adit.dimse.pdu import (
    HEADER,
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Pdu,
    decode,
    encode,
    longest,
)
from adit.dimse.timeouts import Timeouts
from adit.dimse.tls import refusal
from adit.dimse.user_information import ExtendedNegotiation, UserIdentity
from adit.dimse.wire import Wire
from adit.errors import AditError

if TYPE_CHECKING:
    import ssl

__all__ = ["MAX_PDU", "Timeouts", "Wanted", "associate"]

MAX_PDU = 256 << 10
_TLS_ALERT, _ALERT_LENGTH = 0x15, 2  # RFC 8446 5.1 and 6, as they look where a PDU is due


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask for. `max_pdu` is the longest PDU that we take (0: any), `window` the invocations that may wait."""

    called_ae_title: str
    calling_ae_title: str
    proposals: tuple[Proposal, ...]
    max_pdu: int = MAX_PDU
    user_identity: UserIdentity | None = None
    window: int = 1
    extended: tuple[ExtendedNegotiation, ...] = ()

    def request(self) -> AssociateRequest:
        return request_for(
            self.called_ae_title,
            self.calling_ae_title,
            self.proposals,
            max_length=self.max_pdu,
            identity=self.user_identity,
            window=self.window,
            extended=self.extended,
        )


def associate(
    host: str,
    port: int,
    wanted: Wanted,
    timeouts: Timeouts,
    *,
    tls: "ssl.SSLContext | None" = None,
    server_name: str | None = None,
    opening: Callable[[Wire], None] = lambda _: None,
) -> Association:
    """Open an association. Raises NotReached, TlsRefused, AssociationRejected, PeerSilent, ConnectionLost.

    `opening` is given the connection before anything is awaited on it, so that another thread can shut it.
    """
    wire = _connected(host, port, timeouts, opening, None if tls is None else _Tls(tls, server_name or host))
    try:
        return _negotiated(wire, wanted, timeouts)
    except ProtocolViolation:
        _say_abort(wire)
        raise
    except BaseException:
        wire.close()
        raise


def read_pdu(wire: Wire) -> Pdu:
    """The next PDU of those that make and end an association. Raises ProtocolViolation for any other."""
    kind, length = HEADER.unpack(wire.exactly(HEADER.size))
    if kind == _TLS_ALERT and length >> 8 & 0xFFFF == _ALERT_LENGTH and not wire.secured:
        raise TlsRefused("the peer speaks TLS at this port; ask it for a secured association")
    if length > longest(kind):
        raise ProtocolViolation(f"a PDU of type {kind:02X}H with {length} bytes while the association is being made")
    return decode(kind, wire.exactly(length))


def _negotiated(wire: Wire, wanted: Wanted, timeouts: Timeouts) -> Association:
    request = wanted.request()
    wire.within(timeouts.association)
    match _answered(wire, request):
        case AssociateAccept() as accept:
            agreement = Agreement(
                wanted.called_ae_title,
                wanted.calling_ae_title,
                agreed(request, accept),
                max_pdu=wanted.max_pdu,
                peer_max_pdu=accept.user_information.max_length,
                window=operations_window(request, accept),
                extended=extended_answers(accept),
            )
            return Association(wire, agreement, timeouts, requestor=True)
        case AssociateReject(result, source, diagnostic):
            raise AssociationRejected(result, source, diagnostic)
        case Abort(source, reason):
            raise AssociationAborted(source, reason)
        case _:
            raise ProtocolViolation("something else than an answer to our association request")


def _answered(wire: Wire, request: AssociateRequest) -> Pdu:
    try:
        wire.send([encode(request)])
        return read_pdu(wire)
    except ConnectionLost as error:
        if not wire.secured:
            raise
        # In TLS 1.3 our side of the handshake is over before the peer has judged our certificate.
        raise ConnectionLost(
            "the peer closed the secured connection without an answer; it may want a client certificate that it trusts"
        ) from error


def _say_abort(wire: Wire) -> None:
    try:
        wire.send([encode(Abort(2, 0))])
    except AditError:
        pass  # it is gone, which is what was wanted
    finally:
        wire.close()


@dataclass(frozen=True, slots=True)
class _Tls:
    """How a connection is secured, and the name that the peer's certificate must have."""

    context: "ssl.SSLContext"
    server_name: str


def _connected(host: str, port: int, timeouts: Timeouts, opening: Callable[[Wire], None], tls: _Tls | None) -> Wire:
    """A connection to the first address that answers."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotReached(f"the name {host} cannot be resolved", cause=error) from error
    last: OSError = OSError("it has no address")
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        wire = Wire(connection, timeouts.connect)
        opening(wire)
        try:
            connection.connect(address)
        except OSError as error:
            wire.close()
            last = error
            continue
        return wire if tls is None else _secured(connection, tls, timeouts, opening)
    raise NotReached(f"{host}:{port} cannot be reached", cause=last) from last


def _secured(connection: socket.socket, tls: _Tls, timeouts: Timeouts, opening: Callable[[Wire], None]) -> Wire:
    import ssl  # noqa: PLC0415 - a tenth of a plain command's start

    try:
        secured = tls.context.wrap_socket(connection, server_hostname=tls.server_name, do_handshake_on_connect=False)
    except (OSError, ValueError) as error:
        connection.close()
        raise ConnectionLost("the connection broke before TLS was agreed on") from error
    wire = Wire(secured, timeouts.connect)
    opening(wire)
    try:
        secured.do_handshake()
    except TimeoutError as error:
        wire.close()
        raise NotReached("the peer takes the connection and answers no TLS handshake", cause=error) from error
    except ssl.SSLError as error:
        wire.close()
        raise TlsRefused(refusal(error, "the peer")) from error
    except (OSError, ValueError) as error:
        wire.close()
        raise ConnectionLost("the peer closed the connection in the middle of the TLS handshake") from error
    return wire
