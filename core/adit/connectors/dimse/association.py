"""One association with a peer: opened with what is needed, its failures told apart, ended in one way or the other."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import stamina
from pynetdicom import AE, _config, evt
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.presentation import build_context, build_role

from adit.connectors.dimse.contexts import Proposal
from adit.connectors.dimse.incoming import Message
from adit.connectors.dimse.messages import Messages
from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.prompt_socket import PromptSocket
from adit.connectors.dimse.status import rejection_error
from adit.dimse.commands import Command
from adit.errors import AditError, PeerUnavailable, PermanentError, RetryableError

# Its log handlers describe every PDU, whether or not anybody reads it. The module is its documented configuration.
_config.LOG_HANDLER_LEVEL = "none"

MAX_PDU = 128 << 10
LONGEST_PDU = 1 << 20
ATTEMPTS, ATTEMPTS_SECONDS = 2, 3.0
RELEASE_SECONDS, ABORT_SECONDS = 5.0, 2.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """A presentation context that the peer accepted."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str


class NoContextAccepted(PermanentError):
    """The peer accepts the association and nothing of what was proposed on it."""

    default_reason = "NoPresentationContext"


class Association:
    """An established association; used by one thread, `abort` by any."""

    def __init__(self, peer: Peer, raw: Any, line: "Line", proposals: frozenset[Proposal]) -> None:
        self.peer = peer
        self.proposals = proposals
        self.messages = line.messages
        self.rested = False
        self._raw = raw
        self._socket = line.socket
        self._message_id = 0
        self.accepted = {
            context.context_id: Accepted(
                context.context_id, str(context.abstract_syntax), str(context.transfer_syntax[0])
            )
            for context in raw.accepted_contexts
        }

    @property
    def usable(self) -> bool:
        return bool(self._raw.is_established)

    def context(self, abstract_syntax: str, transfer_syntax: str | None = None) -> Accepted | None:
        """The accepted context for a SOP class, in exactly this transfer syntax if one is named."""
        for context in self.accepted.values():
            if context.abstract_syntax == abstract_syntax and transfer_syntax in (None, context.transfer_syntax):
                return context
        return None

    def context_of(self, message: Message) -> Accepted:
        """The context that a message came on; raises where the peer uses one that was not agreed."""
        if message.context_id not in self.accepted:
            raise self.protocol_error("a message on a presentation context that was not accepted")
        return self.accepted[message.context_id]

    def protocol_error(self, what: str) -> RetryableError:
        """The peer does what the standard does not allow at this point."""
        return RetryableError(f"{self.peer.name} sends {what}; its own log may say why", reason="ProtocolError")

    def next_message_id(self) -> int:
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def send(self, context_id: int, command: Command, chunks: Iterable[bytes] = ()) -> None:
        self.messages.send(
            context_id,
            command,
            chunks,
            max_pdu=self._raw.acceptor.maximum_length or 0,
            silence=self.peer.response_timeout,
        )

    def receive(self) -> Message:
        return self.messages.receive(self.peer.response_timeout)

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

    def _finish(self) -> None:
        if self._raw.dul.is_alive():  # it hangs in the socket, or the peer does not close
            self._socket.hang_up()
        self._raw.kill()
        self._socket.close()  # pynetdicom does not, where the other side was faster
        self.messages.discard()


def open_association(
    peer: Peer, proposals: Sequence[Proposal], opening: Callable[[PromptSocket], None] = lambda _: None
) -> Association:
    """Associate, in two quick attempts; `opening` gets the connection while the association is still being negotiated.

    Raises PeerUnavailable, AccessDenied or NoContextAccepted, each with what to look at.
    """
    for attempt in stamina.retry_context(
        on=PeerUnavailable, attempts=ATTEMPTS, timeout=ATTEMPTS_SECONDS, wait_initial=0.2, wait_jitter=0.1
    ):
        with attempt:
            return _associate(peer, proposals, opening)
    raise AssertionError("the last attempt returns or raises")


def _associate(peer: Peer, proposals: Sequence[Proposal], opening: Callable[[PromptSocket], None]) -> Association:
    entity = AE(peer.calling_ae_title)
    entity.connection_timeout = peer.connect_timeout
    entity.acse_timeout = peer.response_timeout
    entity.dimse_timeout = peer.response_timeout
    entity.network_timeout = None  # silence is judged by Messages, which knows whether anything is awaited
    contexts = [build_context(one.abstract_syntax, list(one.transfer_syntaxes)) for one in proposals]
    reverse = dict.fromkeys(one.abstract_syntax for one in proposals if one.reverse)
    watch = _Watch(peer, opening)
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
        message = f"cannot resolve {peer.host}, the host of {peer.name}; check spec.dimse.host"
        raise PeerUnavailable(message, peer=peer.name) from error
    if raw.is_established and watch.line is not None:
        return Association(peer, raw, watch.line, frozenset(proposals))
    if watch.line is not None:
        raw.dul.join(ABORT_SECONDS)
        watch.line.socket.close()
    raise _failure(peer, raw, watch)


@dataclass(frozen=True, slots=True)
class Line:
    """What stands between pynetdicom and the network, and between pynetdicom and us."""

    socket: PromptSocket
    messages: Messages


class _Watch:
    """What happens while the association is being made: pynetdicom itself only says that it is not established."""

    def __init__(self, peer: Peer, opening: Callable[[PromptSocket], None]) -> None:
        self.peer = peer
        self.opening = opening
        self.was_connected = self.accepted = False
        self.line: Line | None = None

    def handlers(self) -> list[Any]:
        return [
            (evt.EVT_ACSE_SENT, self.requested),
            (evt.EVT_CONN_OPEN, self.connected),
            (evt.EVT_ACCEPTED, self.was_accepted),
            (evt.EVT_PDU_SENT, self.was_sent),
            (evt.EVT_DATA_SENT, self.acknowledge),
        ]

    def requested(self, event: Any) -> None:
        """The A-ASSOCIATE request is on its way to the thread that will connect."""
        raw = event.assoc
        if self.line is None and raw.dul.socket.socket is not None:
            prompt = PromptSocket.take(raw.dul.socket.socket, longest_pdu=LONGEST_PDU)
            messages = Messages(self.peer.name, raw.dul.send_pdu, lambda: bool(raw.is_established))
            raw.dul.socket.socket, raw.dimse = prompt, messages
            self.line = Line(prompt, messages)
            self.opening(prompt)

    def connected(self, _: Any) -> None:
        self.was_connected = True
        if self.line is not None:
            self.line.socket.settimeout(self.peer.response_timeout)  # for each step, so that no thread hangs in it

    def was_accepted(self, _: Any) -> None:
        self.accepted = True

    def was_sent(self, event: Any) -> None:
        if self.line is not None and isinstance(event.pdu, P_DATA_TF):
            self.line.messages.sent()

    def acknowledge(self, _: Any) -> None:
        if self.line is not None:
            with suppress(OSError):  # it has just been closed
                self.line.socket.acknowledge()


def _failure(peer: Peer, raw: Any, watch: _Watch) -> AditError:
    if not watch.was_connected:
        return PeerUnavailable(
            f"{peer.name} cannot be reached at {peer.address}: {_why(peer, watch)}; check that it runs, and "
            "spec.dimse.host and port",
            peer=peer.name,
        )
    if raw.is_rejected:
        answer = raw.acceptor.primitive
        return rejection_error(peer, answer.result, answer.result_source, answer.diagnostic)
    if watch.accepted:
        return NoContextAccepted(
            f"{peer.name} accepts our association and none of the presentation contexts proposed on it; "
            f"allow the service, SOP classes and transfer syntaxes for AE title {peer.calling_ae_title} there"
        )
    return PeerUnavailable(
        f"{peer.name} at {peer.address} did not answer our association request within {peer.response_timeout:g} s "
        "or hung up on it; check that the port is a DICOM port",
        peer=peer.name,
    )


def _why(peer: Peer, watch: _Watch) -> str:
    failure = watch.line.socket.failure if watch.line is not None else None
    if isinstance(failure, TimeoutError):
        return f"no answer within {peer.connect_timeout:g} s"
    return (failure.strerror or "no connection").lower() if failure is not None else "no connection"
