"""An association by pynetdicom: opened with what is needed, its failures told apart, ended in one way or the other."""

import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

from pynetdicom import AE, _config, evt
from pynetdicom.pdu import A_ASSOCIATE_RJ, P_DATA_TF
from pynetdicom.presentation import build_context, build_role

from adit.connectors.dimse.association import Association, Message, Opening, UnreadableInstance
from adit.connectors.dimse.failures import nothing_accepted, unanswered, unreachable, unresolved
from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.pynetdicom_layer.messages import Messages
from adit.connectors.dimse.pynetdicom_layer.prompt_socket import PromptSocket, PromptTlsSocket
from adit.connectors.dimse.security import server_name, tls_context
from adit.connectors.dimse.status import rejection_error
from adit.dimse import commands
from adit.dimse.commands import Command
from adit.dimse.negotiation import PresentationContext, Proposal
from adit.errors import AditError
from adit.transfer.instance import FileSlice, Piece

# Its log handlers describe every PDU, whether or not anybody reads it. The module is its documented configuration.
_config.LOG_HANDLER_LEVEL = "none"

MAX_PDU = 128 << 10
LONGEST_PDU = 1 << 20
RELEASE_SECONDS, ABORT_SECONDS = 5.0, 2.0


class PynetdicomAssociation(Association):
    """An established association; used by one thread, `abort` by any."""

    def __init__(self, peer: Peer, raw: Any, line: "Line", proposals: frozenset[Proposal]) -> None:
        self.peer = peer
        self.proposals = proposals
        self.rested = False
        self.last_message_id = 0
        self.messages = line.messages
        self._raw = raw
        self._socket = line.socket
        self.contexts = {
            context.context_id: PresentationContext(
                context.context_id,
                str(context.abstract_syntax),
                str(context.transfer_syntax[0]),
                reverse=bool(context.as_scp),
            )
            for context in raw.accepted_contexts
        }

    @property
    def usable(self) -> bool:
        return bool(self._raw.is_established)

    def receive_into(self, spool: Path) -> None:
        self.messages.receive_into(spool)

    def send(self, context_id: int, command: Command, pieces: Iterable[Piece] = ()) -> None:
        self.messages.send(
            context_id,
            command,
            _readable(pieces),
            max_pdu=self._raw.acceptor.maximum_length or 0,
            silence=self.peer.response_timeout,
        )

    def receive(self) -> Message:
        return self.messages.receive(self.peer.response_timeout)

    def readable(self, seconds: float) -> bool:
        return self.messages.readable(seconds)

    def cancel(self, message_id: int, context_id: int) -> None:
        self.send(context_id, commands.cancel(message_id))

    def release(self) -> None:
        """End it in good order."""
        if self.usable:
            self._raw.acse_timeout = min(RELEASE_SECONDS, self.peer.response_timeout)
            self._raw.release()
        self._finish()

    def abort(self) -> None:
        """End it at once, whatever the peer is doing."""
        self.messages.end()
        if self.usable:
            self._raw.abort(block=False)
            self._raw.dul.join(ABORT_SECONDS)
        self._finish()

    def close(self) -> None:
        """Nothing is left: an abort waits for pynetdicom's threads."""

    def _finish(self) -> None:
        if self._raw.dul.is_alive():  # it hangs in the socket, or the peer does not close
            self._socket.hang_up()
        self._raw.kill()
        self._socket.close()  # pynetdicom does not, where the other side was faster
        self.messages.discard()


def establish(peer: Peer, proposals: Sequence[Proposal], opening: Callable[[Opening], None]) -> Association:
    """Associate; raises PeerUnavailable, AccessDenied or NoContextAccepted."""
    entity = AE(peer.calling_ae_title)
    entity.connection_timeout = peer.connect_timeout
    entity.acse_timeout = peer.response_timeout
    entity.dimse_timeout = peer.response_timeout
    entity.network_timeout = None  # silence is judged by Messages, which knows whether anything is awaited
    contexts = [build_context(one.abstract_syntax, list(one.transfer_syntaxes)) for one in proposals]
    reverse = dict.fromkeys(one.abstract_syntax for one in proposals if one.reverse)
    watch = _Watch(peer, opening, tls_context(peer))
    try:
        raw = entity.associate(
            peer.host,
            peer.port,
            contexts,
            ae_title=peer.called_ae_title,
            max_pdu=MAX_PDU,
            ext_neg=[build_role(uid, scp_role=True) for uid in reverse],
            evt_handlers=watch.handlers(),
        )
    except OSError as error:  # the name does not resolve
        raise unresolved(peer) from error
    if raw.is_established and watch.line is not None:
        return PynetdicomAssociation(peer, raw, watch.line, frozenset(proposals))
    if watch.line is not None:
        raw.dul.join(ABORT_SECONDS)
        watch.line.socket.close()
    raise _failure(peer, watch)


@dataclass(frozen=True, slots=True)
class Line:
    """What stands between pynetdicom and the network, and between pynetdicom and us."""

    socket: PromptSocket
    messages: Messages


class _Watch:
    """What happens while the association is being made: pynetdicom itself only says that it is not established."""

    def __init__(self, peer: Peer, opening: Callable[[Opening], None], tls: ssl.SSLContext | None) -> None:
        self.peer = peer
        self.tls = tls
        self.opening = opening
        self.was_connected = self.accepted = False
        self.line: Line | None = None
        self.rejection: A_ASSOCIATE_RJ | None = None

    def handlers(self) -> list[Any]:
        return [
            (evt.EVT_ACSE_SENT, self.requested),
            (evt.EVT_CONN_OPEN, self.connected),
            (evt.EVT_ACCEPTED, self.was_accepted),
            (evt.EVT_PDU_RECV, self.was_received),
            (evt.EVT_PDU_SENT, self.was_sent),
            (evt.EVT_DATA_SENT, self.acknowledge),
        ]

    def requested(self, event: Any) -> None:
        """The A-ASSOCIATE request is on its way to the thread that will connect."""
        raw = event.assoc
        if self.line is None and raw.dul.socket.socket is not None:
            prompt = self.prompt(raw.dul.socket.socket)
            messages = Messages(self.peer.name, raw.dul.send_pdu, lambda: bool(raw.is_established))
            raw.dul.socket.socket, raw.dimse = prompt, messages
            self.line = Line(prompt, messages)
            self.opening(prompt)

    def prompt(self, plain: socket) -> PromptSocket:
        if self.tls is None:
            return PromptSocket.take(plain, longest_pdu=LONGEST_PDU)
        return PromptTlsSocket.secure(plain, self.tls, server_name(self.peer), longest_pdu=LONGEST_PDU)

    def connected(self, _: Any) -> None:
        self.was_connected = True
        if self.line is not None:
            self.line.socket.settimeout(self.peer.response_timeout)  # for each step, so that no thread hangs in it

    def was_accepted(self, _: Any) -> None:
        self.accepted = True

    def was_received(self, event: Any) -> None:
        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            self.rejection = event.pdu

    def was_sent(self, event: Any) -> None:
        if self.line is not None and isinstance(event.pdu, P_DATA_TF):
            self.line.messages.sent()

    def acknowledge(self, _: Any) -> None:
        if self.line is not None:
            with suppress(OSError):  # it has just been closed
                self.line.socket.acknowledge()


def _failure(peer: Peer, watch: _Watch) -> AditError:
    if not watch.was_connected:
        return unreachable(peer, watch.line.socket.failure if watch.line is not None else None)
    if (answer := watch.rejection) is not None:
        # Not raw.is_rejected: where the PDU is faster than pynetdicom's own thread, that takes it for a hang-up.
        return rejection_error(peer, answer.result or 0, answer.source or 0, answer.reason_diagnostic or 0)
    return nothing_accepted(peer) if watch.accepted else unanswered(peer)


def _readable(pieces: Iterable[Piece]) -> Iterator[bytes]:
    try:
        for piece in pieces:
            if isinstance(piece, FileSlice):
                yield from piece.chunks()
            elif piece:
                yield piece
    except (OSError, EOFError) as error:
        raise UnreadableInstance(error) from error
