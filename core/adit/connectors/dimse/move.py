"""C-MOVE on an association: the peer is asked to send to a third AE title, and its answers are read (PS3.4 C.4.2)."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydicom import Dataset

from adit.api.dicom_server import QueryModel
from adit.connectors.dimse.association import Association, Message, NoContextAccepted
from adit.connectors.dimse.charset import encode_identifier
from adit.connectors.dimse.contexts import UNCOMPRESSED, for_echo_and_find
from adit.connectors.dimse.failures import not_moved
from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.status import query_error
from adit.dimse import commands
from adit.dimse.commands import Element, Field
from adit.dimse.negotiation import Proposal
from adit.errors import AccessDenied, AditError

MOVE_MODELS: dict[QueryModel, str] = {
    "StudyRoot": "1.2.840.10008.5.1.4.1.2.2.2",
    "PatientRoot": "1.2.840.10008.5.1.4.1.2.1.2",
}
PENDING = (0xFF00, 0xFF01)
DESTINATION_UNKNOWN = 0xA801
POLL_SECONDS = 0.1


class MoveDestinationUnknown(AccessDenied):
    """The peer does not know the AE title that it is to send to (PS3.4 table C.4-2)."""

    default_reason = "MoveDestinationUnknown"


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """What all C-MOVEs of one fetch have in common; `message_id` is what the receiver knows the instances by."""

    model: QueryModel
    destination: str
    message_id: int
    patient_id: str
    character_set: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What a final response says: sub-operations that went well, those that did not, and what its status stands for.

    Whether it says how many is its sender's choice (PS3.7 9.3.4.2).
    """

    completed: int = 0
    failed: int = 0
    counted: bool = False
    error: AditError | None = None


def for_move(model: QueryModel, find: Iterable[QueryModel]) -> tuple[Proposal, ...]:
    """C-MOVE, and C-FIND on the same association."""
    return Proposal(MOVE_MODELS[model], UNCOMPRESSED), *for_echo_and_find(find)


def send_move(association: Association, request: MoveRequest, identifier: Dataset) -> None:
    """Send the request; patient root needs the patient's ID beside the UIDs."""
    peer = association.peer
    context = association.context(MOVE_MODELS[request.model])
    if context is None:
        raise NoContextAccepted(
            f"{peer.name} accepts no {request.model} C-MOVE from {peer.calling_ae_title}; allow it there, "
            "or put another way into spec.retrieveOrder"
        )
    wanted = Dataset(identifier)
    if request.model == "PatientRoot":
        wanted.PatientID = request.patient_id
    encoded = encode_identifier(wanted, request.character_set, context.transfer_syntax, peer.name)
    command = commands.request(
        Field.C_MOVE_RQ, request.message_id, MOVE_MODELS[request.model], destination=request.destination
    )
    association.send(context.context_id, command, [encoded])


@dataclass(slots=True)
class Signals:
    """What others tell the thread that uses the association, which is the only one that may send on it.

    `alive` is when the instances last gave a sign of life (monotonic seconds); infinite while nobody looks for one.
    """

    alive: float = 0.0
    canceled: bool = False


class Answers:
    """The answers to one C-MOVE request, which is canceled (PS3.4 C.4.2.3.1) from the thread that reads them."""

    def __init__(self, request: MoveRequest, signals: Signals, progress: Callable[[int], None]) -> None:
        self._request = request
        self._signals = signals
        self._progress = progress
        self._said = False

    def receive(self, association: Association) -> Message:
        """The next one. Raises PeerSilent where neither answers nor instances come within the response time-out.

        Some peers send no pending responses: then the instances are their only sign of life.
        """
        began = time.monotonic()
        seconds = association.peer.response_timeout
        while True:
            self._cancel(association)
            if association.readable(POLL_SECONDS):
                return association.receive()
            if time.monotonic() - max(began, self._signals.alive) > seconds:
                raise not_moved(association.peer.name, seconds)

    def final(self, association: Association, first: Message) -> Moved:
        """Read the pending ones up to the final one; `progress` gets the sub-operations that went well so far."""
        message = first
        while True:
            if message.field != Field.C_MOVE_RSP:
                raise association.protocol_error("something else than an answer to our C-MOVE")
            if message.status not in PENDING:
                break
            self._progress(_done(message))
            message = self.receive(association)
        completed = _done(message)
        failed = commands.number(message.command, Element.FAILED)
        error = move_error(message.status, self._request.destination, association.peer)
        return Moved(completed, failed, Element.COMPLETED in message.command, error)

    def _cancel(self, association: Association) -> None:
        """Once, where it was asked for; the final response still comes, where the peer honours it."""
        context = association.context(MOVE_MODELS[self._request.model])
        if self._signals.canceled and not self._said and context is not None:
            self._said = True
            association.cancel(self._request.message_id, context.context_id)


def _done(message: Message) -> int:
    return commands.number(message.command, Element.COMPLETED) + commands.number(message.command, Element.WARNING)


def move_error(status: int, destination: str, peer: Peer) -> AditError | None:
    """The error that a final C-MOVE status stands for, None for success and for what the counts tell (B000)."""
    if status == DESTINATION_UNKNOWN:
        return MoveDestinationUnknown(
            f"{peer.name} does not know the AE title {destination} that it is to send to (C-MOVE status "
            f"{status:#06x}); add {destination} to the destinations that {peer.name} knows, with its address and DICOM "
            "port: for our receiver see docs/receiver.md, for another server its spec.dimse.host and port"
        )
    return query_error(status, "C-MOVE", peer)
