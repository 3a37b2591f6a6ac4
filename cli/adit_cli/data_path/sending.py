"""Sends files over associations, one after another, and says of each what the peer said."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Final

from adit.dimse import commands
from adit.dimse.association import Association, Message
from adit.dimse.commands import Field
from adit.dimse.errors import ProtocolViolation
from adit.dimse.pipeline import Request, exchange
from adit.errors import AditError
from adit_cli.data_path.caller import Caller
from adit_cli.data_path.files import DicomFile, changed
from adit_cli.data_path.outcome import Outcome, State
from adit_cli.data_path.parts import batches, proposals_for
from adit_cli.data_path.statuses import SUCCESS, is_warning, words_of

# In a row, lost without one answer: then it is not the files.
FRUITLESS: Final = 3
CUT_OFF: Final = "was sent, and not answered before the association was given up"


def sent(caller: Caller, files: Sequence[DicomFile]) -> Generator[Outcome, None, None]:
    """Send every file over as many associations as its kinds need, one at a time.

    A file that costs an association (it shrinks while it is read, the peer aborts) is an outcome, and the rest goes
    over another. Raises the AditError of an association that cannot be opened, or when three in a row are lost so;
    each file that is left then has its outcome before.
    """
    waiting = [list(batch) for batch in batches(files)]
    while waiting:
        try:
            yield from _all_of(caller, waiting[0])
        except AditError:
            for file in chain.from_iterable(waiting):
                yield Outcome(str(file.path), State.FAILED, words="not tried")
            raise
        del waiting[0]


def _all_of(caller: Caller, left: list[DicomFile]) -> Generator[Outcome, None, None]:
    """Send from the front of `left`, over a new association after each that is lost."""
    fruitless = 0
    while left:
        sending = _Sending(caller.associate(proposals_for(left)), left)
        yield from sending.run()
        fruitless = fruitless + 1 if sending.error is not None and not sending.answered else 0
        if sending.error is not None and fruitless == FRUITLESS:
            raise sending.error


class _Sending:
    """Sends from the front of `left` over one association until it is empty, or the association is lost."""

    def __init__(self, association: Association, left: list[DicomFile]) -> None:
        self._association, self._left = association, left
        self._under_way = dict[int, DicomFile]()  # by message ID, the oldest first
        self._unsent = list[Outcome]()
        self.answered = 0
        self.error: AditError | None = None
        """Why the association was lost, unless a file of ours was to blame."""

    def run(self) -> Generator[Outcome, None, None]:
        """The outcome of each that was taken from `left`, whatever happens; answers may come in any order."""
        association = self._association
        try:
            for message_id, answer in exchange(association, self._requests()):
                if answer.field != Field.C_STORE_RSP:
                    raise ProtocolViolation("the peer answers C-STORE with another message")
                self.answered += 1
                yield from self._taken_unsent()
                yield _answered(self._under_way.pop(message_id), answer)
            with suppress(AditError):  # every file has its answer
                association.release()
        except AditError as error:
            self.error = error
            yield from self._unanswered(str(error), str(error))
        except EOFError:
            yield from self._unanswered(CUT_OFF, "has become shorter while it was sent; the association was given up")
        except OSError as error:
            yield from self._unanswered(CUT_OFF, f"cannot be read: {(error.strerror or 'error').lower()}")
        finally:
            if association.usable:
                association.abort()
        yield from self._taken_unsent()

    def _requests(self) -> Iterator[Request[int]]:
        """Takes the next file from `left` whenever there is room for one."""
        while self._left:
            file = self._left.pop(0)
            context = self._association.context(*file.kind)
            kind = "SOP class {} in transfer syntax {}".format(*file.kind)
            why = f"the peer takes no {kind}" if context is None else changed(file)
            if context is None or why:
                self._unsent.append(Outcome(str(file.path), State.FAILED, words=why))
                continue
            message_id = self._association.next_message_id()
            self._under_way[message_id] = file
            command = commands.request(Field.C_STORE_RQ, message_id, file.sop_class_uid, file.sop_instance_uid)
            yield Request(message_id, context.context_id, command, (file.data_set,))

    def _unanswered(self, of_others: str, of_last: str) -> Iterator[Outcome]:
        """All under way; the last is the one that was being sent, where a file is to blame."""
        self._association.abort()
        while self._under_way:
            file = self._under_way.pop(next(iter(self._under_way)))
            yield Outcome(str(file.path), State.FAILED, words=of_others if self._under_way else of_last)

    def _taken_unsent(self) -> Iterator[Outcome]:
        while self._unsent:
            yield self._unsent.pop(0)


def _answered(file: DicomFile, answer: Message) -> Outcome:
    name = str(file.path)
    if answer.status == SUCCESS:
        return Outcome(name, State.DONE, file.data_set.length)
    state = State.WARNING if is_warning(answer.status) else State.FAILED
    return Outcome(name, state, file.data_set.length, words_of(answer.command))
