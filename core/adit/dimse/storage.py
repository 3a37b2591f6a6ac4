"""The Storage and Verification services as SCP (PS3.4 B, A): C-STORE and C-ECHO requests until the peer releases."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from adit.dimse import commands
from adit.dimse.association import Association
from adit.dimse.commands import Command, Element, Field, response
from adit.dimse.errors import PeerReleased
from adit.dimse.negotiation import PresentationContext

SUCCESS: Final = 0x0000
OUT_OF_RESOURCES: Final = 0xA700  # PS3.4 table B.2-1: refused
CANNOT_UNDERSTAND: Final = 0xC000
UNRECOGNIZED_OPERATION: Final = 0x0211  # PS3.7 C.5.18


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """A C-STORE request whose data set is about to come; everything in it was said by the peer."""

    calling_ae_title: str
    called_ae_title: str
    context: PresentationContext
    command: Command = field(repr=False)

    @property
    def sop_class_uid(self) -> str:
        return commands.text(self.command, Element.AFFECTED_SOP_CLASS_UID)

    @property
    def sop_instance_uid(self) -> str:
        return commands.text(self.command, Element.AFFECTED_SOP_INSTANCE_UID)

    @property
    def move_originator_message_id(self) -> int | None:
        """The Message ID of the C-MOVE that it is part of, where the peer tells it."""
        if Element.MOVE_ORIGINATOR_MESSAGE_ID not in self.command:
            return None
        return commands.number(self.command, Element.MOVE_ORIGINATOR_MESSAGE_ID)


class Reception(Protocol):
    """One instance that is being taken in. None of these raises: what goes wrong becomes the status."""

    def write(self, fragment: memoryview, /) -> object:
        """The next bytes of the data set; after something went wrong they are let pass by."""
        ...

    def complete(self) -> int:
        """All bytes are there: the status to answer with, success only where the instance is as safe as promised."""
        ...

    def discard(self) -> None:
        """The association ended within the data set: nothing of it counts."""
        ...


class Storage(Protocol):
    """Takes instances in; used by the threads of all associations."""

    def begin(self, request: StoreRequest) -> Reception | int:
        """Ready for the data set, or the status that refuses it, which is answered once it has passed by."""
        ...


class _Passing:
    """Lets the data set of a refused request pass by."""

    def __init__(self, status: int) -> None:
        self._status = status

    def write(self, fragment: memoryview, /) -> None:
        """Keep nothing."""

    def complete(self) -> int:
        return self._status

    def discard(self) -> None:
        """Nothing was kept."""


def serve_storage(association: Association, storage: Storage) -> None:
    """Answer until the peer releases; raises what ends the association in another way."""
    while True:
        try:
            _serve_one(association, storage)
        except PeerReleased:
            return


def _serve_one(association: Association, storage: Storage) -> None:
    receptions: list[Reception] = []

    def begin(command: Command, context: PresentationContext) -> Reception | None:
        if commands.number(command, Element.COMMAND_FIELD) != Field.C_STORE_RQ:
            return _Passing(UNRECOGNIZED_OPERATION)
        request = StoreRequest(association.calling_ae_title, association.called_ae_title, context, command)
        begun = storage.begin(request)
        receptions.append(_Passing(begun) if isinstance(begun, int) else begun)
        return receptions[0]

    try:
        message = association.receive(begin)
    except BaseException:
        for one in receptions:
            one.discard()
        raise
    if message.field == Field.C_STORE_RQ:
        status = receptions[0].complete() if receptions else CANNOT_UNDERSTAND
    elif message.field == Field.C_ECHO_RQ:
        status = SUCCESS
    elif message.field == Field.C_CANCEL_RQ:
        return
    else:
        status = UNRECOGNIZED_OPERATION
    association.send(message.context_id, response(message.command, status))
