"""What find, get, store and survey use of an association, whichever upper layer it runs on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adit.connectors.dimse.peer import Peer
from adit.dimse import commands
from adit.dimse.commands import Command, Element
from adit.dimse.negotiation import PresentationContext, Proposal
from adit.errors import AditError, PermanentError, RetryableError
from adit.transfer.instance import Piece


class NoContextAccepted(PermanentError):
    """The peer accepts the association and nothing of what was proposed on it."""

    default_reason = "NoPresentationContext"


class UnreadableInstance(AditError):
    """The instance's own bytes cannot be read; half of it may be on the wire, so the association is spoilt."""

    default_reason = "UnreadableFile"

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"an instance to be sent cannot be read: {type(cause).__name__}")


@dataclass(frozen=True, slots=True)
class Message:
    """A received message: its command and its data set, of a C-STORE in a file."""

    context_id: int
    command: Command
    data: bytes = b""
    file: Path | None = None

    @property
    def field(self) -> int:
        return commands.number(self.command, Element.COMMAND_FIELD)

    @property
    def status(self) -> int:
        return commands.number(self.command, Element.STATUS)

    def discard(self) -> None:
        """Remove its file, if it has one."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)


class Opening(Protocol):
    """An association that is still being negotiated."""

    def hang_up(self) -> None:
        """End it from any thread."""
        ...


class Association(Protocol):
    """An established association; used by one thread, `abort` by any.

    An implementation derives from it and says how messages go; what was agreed is answered here, for both alike.
    """

    peer: Peer
    proposals: frozenset[Proposal]
    contexts: Mapping[int, PresentationContext]
    rested: bool
    last_message_id: int

    @property
    def usable(self) -> bool:
        """Between two exchanges: whether it is still there, as far as can be known without asking."""
        ...

    def receive_into(self, spool: Path) -> None:
        """Take instances from now on, each into a file under `spool`."""
        ...

    def send(self, context_id: int, command: Command, pieces: Iterable[Piece] = ()) -> None:
        """Send a message; raises ConnectionLost, PeerSilent or UnreadableInstance."""
        ...

    def receive(self) -> Message:
        """The next message; raises ConnectionLost, PeerSilent, or the error of what cannot be taken."""
        ...

    def readable(self, seconds: float) -> bool:
        """Whether `receive` would find something, the end included; waits for it no longer than that."""
        ...

    def cancel(self, message_id: int, context_id: int) -> None:
        """C-CANCEL: ask the peer to end a request; its final answer still comes."""
        ...

    def release(self) -> None:
        """End it in good order."""
        ...

    def abort(self) -> None:
        """End it at once, whatever the peer is doing."""
        ...

    def close(self) -> None:
        """Let go of what an abort left behind; for the thread that uses it."""
        ...

    def context(self, abstract_syntax: str, transfer_syntax: str | None = None) -> PresentationContext | None:
        """The accepted context for a SOP class, in exactly this transfer syntax if one is named."""
        for context in self.contexts.values():
            if context.abstract_syntax == abstract_syntax and transfer_syntax in (None, context.transfer_syntax):
                return context
        return None

    def context_of(self, message: Message) -> PresentationContext:
        """The context that a message came on; raises where the peer uses one that was not agreed."""
        if message.context_id not in self.contexts:
            raise self.protocol_error("a message on a presentation context that was not accepted")
        return self.contexts[message.context_id]

    def protocol_error(self, what: str) -> RetryableError:
        """The peer does what the standard does not allow at this point."""
        return RetryableError(f"{self.peer.name} sends {what}; its own log may say why", reason="ProtocolError")

    def next_message_id(self) -> int:
        self.last_message_id = self.last_message_id % 0xFFFF + 1
        return self.last_message_id
