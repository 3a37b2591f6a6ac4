"""An established association (PS3.8 Sta6): DIMSE messages in both directions, and its three ends."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from adit.dimse import commands
from adit.dimse.commands import Command, Element
from adit.dimse.negotiation import PresentationContext
from adit.transfer.instance import Piece


class Sink(Protocol):
    """Where a data set goes, fragment by fragment; the memory of a fragment is used again after the call."""

    def write(self, fragment: memoryview, /) -> object: ...


OpenSink = Callable[[Command, PresentationContext], Sink | None]


@dataclass(frozen=True, slots=True)
class Message:
    """A received message: its command, and its data set in memory or in the sink that was opened for it."""

    context_id: int
    command: Command
    data: bytes = b""
    sink: Sink | None = None

    @property
    def field(self) -> int:
        return commands.number(self.command, Element.COMMAND_FIELD)

    @property
    def status(self) -> int:
        return commands.number(self.command, Element.STATUS)


class Association:
    """An established association; one thread uses it, `abort` any."""

    contexts: Mapping[int, PresentationContext]
    called_ae_title: str
    calling_ae_title: str
    peer_max_pdu: int
    window: int
    usable: bool

    def context(self, abstract_syntax: str, transfer_syntax: str | None = None) -> PresentationContext | None:
        raise NotImplementedError

    def next_message_id(self) -> int:
        raise NotImplementedError

    def send(self, context_id: int, command: Command, data: Iterable[Piece] = ()) -> None:
        raise NotImplementedError

    def receive(self, sink: OpenSink | None = None) -> Message:
        raise NotImplementedError

    def cancel(self, message_id: int, context_id: int) -> None:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError
