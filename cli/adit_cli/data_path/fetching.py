"""C-GET of a study (PS3.4 C.4.3): what is proposed, and what each sub-operation and the end say."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from adit.dimse import commands
from adit.dimse.association import Association, Message
from adit.dimse.commands import Command, Element, Field
from adit.dimse.errors import ProtocolViolation
from adit.dimse.negotiation import PresentationContext, Proposal
from adit.dimse.pdu import MAX_CONTEXTS
from adit.dimse.storage_classes import STORAGE_CLASSES
from adit.errors import PermanentError
from adit_cli.data_path.arriving import Arriving
from adit_cli.data_path.canceling import Responses, responses
from adit_cli.data_path.identifier import IMPLICIT_LITTLE_ENDIAN, identifier
from adit_cli.data_path.outcome import Outcome
from adit_cli.data_path.statuses import PENDING, SUCCESS, is_warning, words_of
from adit_cli.data_path.store_folder import StoreFolder

STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
# Uncompressed first: who takes the first that it knows must not be led to compress. Then lossless, then the others.
SYNTAXES: Final = (
    "1.2.840.10008.1.2.1",
    IMPLICIT_LITTLE_ENDIAN,
    "1.2.840.10008.1.2.1.99",  # deflated
    "1.2.840.10008.1.2.4.70",  # JPEG lossless
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.80",  # JPEG-LS
    "1.2.840.10008.1.2.4.90",  # JPEG 2000
    "1.2.840.10008.1.2.4.201",  # HTJ2K
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.5",  # RLE
    "1.2.840.10008.1.2.4.50",  # JPEG with a loss
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.100",  # MPEG-2, MPEG-4, HEVC
    "1.2.840.10008.1.2.4.101",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.4.108",
    "1.2.840.10008.1.2.2",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One study, or one series of it."""

    study: str
    series: str = ""


def proposals(sop_classes: Sequence[str], syntaxes: Sequence[str]) -> tuple[Proposal, ...]:
    """C-GET, and what may come: with classes named, a context for each syntax, so that each comes as it is stored.

    Raises ValueError where the contexts do not fit on one association.
    """
    offered = tuple(syntaxes) or SYNTAXES
    get = Proposal(STUDY_ROOT_GET, (IMPLICIT_LITTLE_ENDIAN,))
    if not sop_classes:
        known = STORAGE_CLASSES[: MAX_CONTEXTS - 1]
        return (get, *(Proposal(one, offered, reverse=True) for one in known))
    pairs = [Proposal(one, (syntax,), reverse=True) for one in sop_classes for syntax in offered]
    if len(pairs) >= MAX_CONTEXTS:
        raise ValueError(f"{len(pairs)} pairs of --sop-class and --syntax: an association has room for 127")
    return (get, *pairs)


class Fetching:
    """One C-GET: `run` gives what comes, and afterwards the rest tells what the peer said at its end."""

    def __init__(self, association: Association, folder: StoreFolder, silence: float) -> None:
        self._association, self._folder, self._silence = association, folder, silence
        self.expected: int | None = None
        self.end: Command = {}

    def run(self, wanted: Wanted) -> Iterator[Outcome]:
        """Ask, take in, answer, until the final response.

        Raises what ends the association, PermanentError, and as `responses` where we are interrupted.
        """
        association = self._association
        context = association.context(STUDY_ROOT_GET)
        if context is None:
            raise PermanentError("the peer offers no C-GET (Study Root) to us")
        message_id = association.next_message_id()
        request = commands.request(Field.C_GET_RQ, message_id, STUDY_ROOT_GET)
        association.send(context.context_id, request, (identifier(wanted.study, wanted.series),))
        with responses(association, context.context_id, message_id, self._silence) as awaited:
            yield from self._taken_in(awaited)

    def _taken_in(self, awaited: Responses) -> Iterator[Outcome]:
        while True:
            arriving: list[Arriving] = []
            try:
                message = awaited.receive(self._opener(arriving))
            except BaseException:
                for one in arriving:
                    one.discard()
                raise
            if message.field == Field.C_GET_RSP:
                self._count(message.command)
                if message.status not in PENDING:
                    self.end = message.command
                    return
            else:
                yield self._stored(message, arriving)

    @property
    def words(self) -> str:
        """What the peer says at the end; empty where all went well."""
        return "" if commands.number(self.end, Element.STATUS) == SUCCESS else words_of(self.end)

    @property
    def lost(self) -> int:
        """Sub-operations that failed, by the peer's own count."""
        return commands.number(self.end, Element.FAILED)

    @property
    def refused(self) -> bool:
        """Whether the retrieval as a whole failed."""
        status = commands.number(self.end, Element.STATUS)
        return status != SUCCESS and not is_warning(status)

    def _opener(self, arriving: list[Arriving]) -> Callable[[Command, PresentationContext], Arriving | None]:
        def open_(command: Command, context: PresentationContext) -> Arriving | None:
            if commands.number(command, Element.COMMAND_FIELD) != Field.C_STORE_RQ:
                return None
            uids = (
                commands.text(command, Element.AFFECTED_SOP_CLASS_UID),
                commands.text(command, Element.AFFECTED_SOP_INSTANCE_UID),
            )
            arriving.append(Arriving(self._folder, *uids, context.transfer_syntax))
            return arriving[0]

        return open_

    def _stored(self, message: Message, arriving: list[Arriving]) -> Outcome:
        if message.field != Field.C_STORE_RQ or not arriving:
            raise ProtocolViolation("the peer sends another message where an instance or the end of C-GET is due")
        status, outcome = arriving[0].complete()
        self._association.send(message.context_id, commands.store_response(message.command, status))
        return outcome

    def _count(self, command: Command) -> None:
        counts = (Element.REMAINING, Element.COMPLETED, Element.FAILED, Element.WARNING)
        known = [commands.number(command, one) for one in counts if one in command]
        if known:
            self.expected = sum(known)
