"""Several requests under way at once, as far as the peer agreed to (PS3.7 D.3.3.3), so that latency is paid once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from adit.dimse import commands
from adit.dimse.association import Association, Message
from adit.dimse.commands import Command, Element
from adit.dimse.errors import ProtocolViolation
from adit.transfer.instance import Piece

# Where the peer takes any number: more would only fill its socket, and would have to be sent again after a failure.
MOST_OUTSTANDING: Final = 16

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Request(Generic[Subject]):
    """A request with one response, as C-STORE has; `subject` is what the caller knows it by."""

    subject: Subject
    context_id: int
    command: Command
    data: tuple[Piece, ...] = ()


def exchange(association: Association, requests: Iterable[Request[Subject]]) -> Iterator[tuple[Subject, Message]]:
    """Send requests and yield the responses as they come, in whatever order the peer ends them.

    A request is drawn from `requests` only once there is room for it in the window. Raises what `send` and `receive`
    raise; whose response is missing then is not known to have been performed, nor not to have been.
    """
    most = min(association.window or MOST_OUTSTANDING, MOST_OUTSTANDING)
    outstanding: dict[int, Subject] = {}
    for request in requests:
        message_id = commands.number(request.command, Element.MESSAGE_ID)
        if message_id in outstanding:
            raise ValueError(f"two requests with the message ID {message_id} at once")
        association.send(request.context_id, request.command, request.data)
        outstanding[message_id] = request.subject
        if len(outstanding) >= most:
            yield _answered(association, outstanding)
    while outstanding:
        yield _answered(association, outstanding)


def _answered(association: Association, outstanding: dict[int, Subject]) -> tuple[Subject, Message]:
    message = association.receive()
    message_id = commands.number(message.command, Element.MESSAGE_ID_RESPONDED_TO)
    if message_id not in outstanding:
        association.abort()
        raise ProtocolViolation("a response to a request that is not under way")
    return outstanding.pop(message_id), message
