"""An established association (PS3.8 Sta6): DIMSE messages in both directions, and its three ends."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from adit.dimse import commands
from adit.dimse.commands import Command, Element, Field
from adit.dimse.errors import (
    AssociationAborted,
    ConnectionLost,
    InstanceTooLarge,
    PeerReleased,
    PeerSilent,
    ProtocolViolation,
)
from adit.dimse.negotiation import PresentationContext
from adit.dimse.payload import COMMAND, LAST, MAX_BUFFERS, Buffer, Fragments, Windows, fragment_size, length_of
from adit.dimse.pdu import HEADER, Abort, PduType, ReleaseReply, ReleaseRequest, decode, encode, longest
from adit.dimse.state import (
    AA_3,
    AA_6,
    AR_2,
    AR_3,
    AR_6,
    AR_8,
    AR_10,
    DT_2,
    TRANSITIONS,
    Action,
    State,
    collision_state,
    event_of,
)
from adit.dimse.timeouts import Timeouts
from adit.dimse.wire import Wire
from adit.errors import AditError
from adit.transfer.instance import Piece

MAX_IDENTIFIER: Final = 8 << 20
# A peer that never ends an instance must not fill the disk.
MAX_INSTANCE_BYTES: Final = 16 << 30
# Some peers send longer PDUs than they were told to; they are streamed, so that no harm is done up to here.
TOLERATED_PDU: Final = 1 << 20
_PDV_HEADER: Final = 6
_BY_PROVIDER, _UNEXPECTED_PDU, _INVALID_PARAMETER = 2, 2, 6  # PS3.8 table 9-26


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


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides agreed on when the association was made; `max_pdu` are the longest PDUs that each takes.

    `extended` is what the acceptor said of SOP classes, by their UIDs (PS3.7 D.3.3.5).
    """

    called_ae_title: str
    calling_ae_title: str
    contexts: Mapping[int, PresentationContext]
    max_pdu: int
    peer_max_pdu: int
    window: int = 1
    extended: Mapping[str, bytes] = field(default_factory=dict)


class Association:
    """An established association; one thread uses it, `abort` any.

    `requestor` tells who asked for it: that side's answer times count as `response`, the other's as `idle`.
    """

    def __init__(self, wire: Wire, agreement: Agreement, timeouts: Timeouts, *, requestor: bool) -> None:
        self.contexts = agreement.contexts
        self.called_ae_title = agreement.called_ae_title
        self.calling_ae_title = agreement.calling_ae_title
        self.peer_max_pdu = agreement.peer_max_pdu
        self.window = agreement.window
        self.extended = agreement.extended
        self._longest = max(agreement.max_pdu, TOLERATED_PDU) if agreement.max_pdu else 0xFFFFFFFF
        self._fragment = fragment_size(agreement.peer_max_pdu)
        self._wire = wire
        self._timeouts = timeouts
        self._requestor = requestor
        self._state = State.STA6
        self._message_id = 0
        self._left = 0  # of the P-DATA-TF that is being read
        self._windows = Windows()
        self._sending = threading.Lock()
        self._half_sent = False
        self._reading = False
        wire.within(timeouts.response)

    @property
    def usable(self) -> bool:
        return self._state is State.STA6

    def quiet(self) -> bool:
        """Whether it rests: between two exchanges a peer that says something ends the association, or is gone."""
        return self.usable and self._wire.quiet()

    def context(self, abstract_syntax: str, transfer_syntax: str | None = None) -> PresentationContext | None:
        """The accepted context for a SOP class, in exactly this transfer syntax if one is named."""
        for context in self.contexts.values():
            if context.abstract_syntax == abstract_syntax and transfer_syntax in (None, context.transfer_syntax):
                return context
        return None

    def next_message_id(self) -> int:
        """Counts up, and begins again behind 65,535 (PS3.7 E.1)."""
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    # messages ---------------------------------------------------------------------------------------------------------

    def send(self, context_id: int, command: Command, data: Iterable[Piece] = ()) -> None:
        """Send a command and, where it says so, its data set, byte for byte.

        Raises ConnectionLost, PeerSilent; OSError or EOFError where a piece's file cannot be read: where half a
        message is on its way then, the association is aborted.
        """
        encoded = commands.encode(command)
        framed = Fragments(context_id, COMMAND, len(encoded), self._fragment).of([encoded])
        pieces = tuple(data) if commands.has_data_set(command) else ()
        fragments = Fragments(context_id, 0, length_of(pieces), self._fragment)
        windows = self._windows.read(pieces)
        window = next(windows, None)  # before a byte leaves: a file that cannot be opened harms nobody
        if window is None and commands.has_data_set(command):
            framed.append(fragments.empty())
        with self._established(), self._sending:
            self._half_sent = True
            while window is not None:
                self._send_all(framed + fragments.of(window))
                framed, window = [], next(windows, None)
            if framed:
                self._wire.send(framed)
            self._half_sent = False

    def receive(self, sink: OpenSink | None = None) -> Message:
        """The next message; its data set goes where `sink` says, else into memory (8 MiB at most).

        Raises ConnectionLost (AssociationAborted, PeerReleased), PeerSilent, ProtocolViolation, InstanceTooLarge, and
        what the sink raises; after each of them the association is over.
        """
        self._reading = True  # before it is looked whether somebody aborts: who aborts looks the other way round
        try:
            with self._established():
                return self._receive(sink)
        finally:
            self._reading = False

    def readable(self, seconds: float) -> bool:
        """Whether `receive` would find something, the end included; waits for it no longer than that."""
        self._reading = True  # nobody else reads, and whoever aborts leaves the connection to us
        try:
            return not self.usable or self._wire.readable(seconds)
        finally:
            self._reading = False

    def cancel(self, message_id: int, context_id: int) -> None:
        """C-CANCEL of a request that is under way; its final response follows, of this status or another."""
        self.send(context_id, commands.cancel(message_id))

    # ends -------------------------------------------------------------------------------------------------------------

    def release(self) -> None:
        """A-RELEASE; what still comes is read and dropped. However the peer answers, the connection is closed."""
        if not self.usable or self._left:  # in the middle of a message there is no good order
            self.close()
            return
        self._wire.within(self._timeouts.release)
        with suppress(AditError):  # there is nothing left to be lost
            self._wire.send([encode(ReleaseRequest())])
            self._state = State.STA7
            deadline = time.monotonic() + self._timeouts.release
            while self._released(self._next_pdu(), deadline):
                pass
        self._state = State.STA1
        self._wire.close()

    def abort(self) -> None:
        """End it at once: A-ABORT where nothing is half sent, and the connection is shut. Safe from any thread."""
        self._end(Abort())
        if not self._reading and self._sending.acquire(blocking=False):  # else whoever is in there closes it
            try:
                self._wire.close()
            finally:
                self._sending.release()

    def close(self) -> None:
        """Let go of the connection, aborting what is still established."""
        if self.usable:
            self.abort()
        self._wire.close()

    # inside -----------------------------------------------------------------------------------------------------------

    def _established(self) -> "_Established":
        return _Established(self)

    def _send_all(self, framed: list[Buffer]) -> None:
        if len(framed) <= MAX_BUFFERS:
            self._wire.send(framed)
            return
        buffers = iter(framed)
        while some := list(islice(buffers, MAX_BUFFERS)):
            self._wire.send(some)

    def _receive(self, sink: OpenSink | None) -> Message:
        self._wire.within(self._timeouts.response if self._requestor else self._timeouts.idle)
        encoded = bytearray()
        context_id, control, begun = 0, 0, False
        while not control & LAST:
            count, context_id, control = self._next_fragment(COMMAND, context_id)
            if not begun:
                self._wire.within(self._timeouts.response)
                begun = True
            if len(encoded) + count > commands.MAX_LENGTH:
                raise ProtocolViolation("a command set that is too long")
            encoded += self._wire.exactly(count)
        try:
            command = commands.decode(bytes(encoded))
        except ValueError as error:
            raise ProtocolViolation(str(error)) from error
        if not commands.has_data_set(command):
            return Message(context_id, command)
        if commands.number(command, Element.COMMAND_FIELD) == Field.C_CANCEL_RQ:
            raise ProtocolViolation("a C-CANCEL with a data set")
        opened = sink(command, self.contexts[context_id]) if sink is not None else None
        if opened is not None:
            self._stream(context_id, opened.write, MAX_INSTANCE_BYTES)
            return Message(context_id, command, sink=opened)
        data = bytearray()
        self._stream(context_id, data.extend, MAX_IDENTIFIER)
        return Message(context_id, command, bytes(data))

    def _stream(self, context_id: int, write: Callable[[memoryview], object], limit: int) -> None:
        control, total, wire = 0, 0, self._wire
        while not control & LAST:
            count, _, control = self._next_fragment(0, context_id)
            total += count
            if total > limit:
                raise InstanceTooLarge(f"a data set of more than {limit} bytes")
            while count:
                part = wire.some(count)
                count -= len(part)
                write(part)

    def _next_fragment(self, kind: int, context_id: int) -> tuple[int, int, int]:
        """Length, context and control byte of the next fragment, which must be of this kind (PS3.8 Annex E.2)."""
        while not self._left:
            self._left = self._next_data()
        if self._left < _PDV_HEADER:
            raise ProtocolViolation("a P-DATA-TF that ends within the header of a fragment")
        head = self._wire.exactly(_PDV_HEADER)
        length = int.from_bytes(head[:4], "big")
        context, control = head[4], head[5]
        if length < 2 or length + 4 > self._left:  # noqa: PLR2004 - context and control byte count to it
            raise ProtocolViolation("a fragment that is longer than its PDU, or shorter than its header")
        self._left -= length + 4
        if context not in self.contexts:
            raise ProtocolViolation("a message on a presentation context that was not accepted")
        if context_id and context != context_id:
            raise ProtocolViolation("a message on two presentation contexts")
        if (control & COMMAND) != kind:
            raise ProtocolViolation("a data set where a command is due" if kind else "a command inside a data set")
        return length - 2, context, control

    def _next_data(self) -> int:
        """The length of the next P-DATA-TF. Everything else ends the association, as the state table says."""
        kind, length, action = self._next_pdu()
        if action is DT_2:
            return length
        if action is AR_2:
            self._read_small(kind, length)
            with suppress(AditError):
                self._wire.send([encode(ReleaseReply())])
            self._state = State.STA13
            raise PeerReleased("the peer released the association")
        raise ProtocolViolation(f"a PDU of type {kind:02X}H in the middle of an association")

    def _next_pdu(self) -> tuple[int, int, Action]:
        """Type and length of the next PDU, and the action of PS3.8 Table 9-10; an A-ABORT is raised."""
        kind, length = HEADER.unpack(self._wire.exactly(HEADER.size))
        if self._state is State.STA13:
            raise ConnectionLost("the association was ended by this side")
        action, _ = TRANSITIONS[event_of(kind), self._state]
        limit = self._longest if kind == PduType.P_DATA_TF else longest(kind)
        if length > limit:
            raise ProtocolViolation(f"a PDU of type {kind:02X}H with {length} bytes")
        if action is AA_3:
            self._state = State.STA1
            abort = self._read_small(kind, length)
            assert isinstance(abort, Abort)
            raise AssociationAborted(abort.source, abort.reason)
        return kind, length, action

    def _read_small(self, kind: int, length: int) -> object:
        return decode(kind, self._wire.exactly(length))

    def _released(self, arrived: tuple[int, int, Action], deadline: float) -> bool:
        """Take in one PDU while a release is under way; whether another one is awaited."""
        kind, length, action = arrived
        if action in (AR_6, AA_6):  # data that was on its way
            while length and time.monotonic() < deadline:
                length -= len(self._wire.some(length))
            return time.monotonic() < deadline
        self._read_small(kind, length)
        if action is AR_8:  # both sides release at once
            self._state = collision_state(requestor=self._requestor)
            if self._requestor:
                self._wire.send([encode(ReleaseReply())])
                self._state = State.STA11
            return True
        if action is AR_10:
            self._wire.send([encode(ReleaseReply())])
            return False
        if action is AR_3:
            return False
        raise ProtocolViolation(f"a PDU of type {kind:02X}H in answer to a release")

    def _end(self, abort: Abort) -> None:
        was_usable, self._state = self._state is State.STA6, State.STA13
        # OpenSSL lets no two threads into one connection. And in a half sent PDU an A-ABORT would be taken for the
        # end of a data set, which the peer would then store.
        may_say = was_usable and not (self._wire.secured and self._reading) and self._sending.acquire(blocking=False)
        if may_say and self._half_sent:
            self._sending.release()
        elif may_say:
            try:
                self._wire.within(min(1.0, self._timeouts.release))
                with suppress(ConnectionLost, PeerSilent):
                    self._wire.send([encode(abort)])
            finally:
                self._sending.release()
        self._wire.hang_up()

    def _fail(self, error: BaseException) -> None:
        """End it after what went wrong in the thread that uses it, and say so to a peer that still listens."""
        self._reading = False
        if isinstance(error, ConnectionLost):
            self._state = State.STA1
        elif isinstance(error, ProtocolViolation):
            self._end(Abort(_BY_PROVIDER, _INVALID_PARAMETER))
        else:
            self._end(Abort())
        self._wire.close()


class _Established:
    """Something is done on an established association; whatever goes wrong within is its end."""

    def __init__(self, association: Association) -> None:
        self._association = association

    def __enter__(self) -> None:
        if not self._association.usable:
            raise ConnectionLost("the association is over")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._association._fail(error)  # noqa: SLF001 - a part of it
