"""Sends files over associations, one after another, and says of each what the peer said."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Final

from adit.dimse import commands
from adit.dimse.association import Association
from adit.dimse.commands import Field
from adit.dimse.errors import ProtocolViolation
from adit.errors import AditError
from adit_cli.data_path.caller import Caller
from adit_cli.data_path.files import DicomFile, changed
from adit_cli.data_path.outcome import Outcome, State
from adit_cli.data_path.parts import batches, proposals_for
from adit_cli.data_path.statuses import SUCCESS, is_warning, words_of

# In a row, each of which lost its association: then it is not the files.
FRUITLESS: Final = 3


def sent(caller: Caller, files: Sequence[DicomFile]) -> Generator[Outcome, None, None]:
    """Send every file over as many associations as its kinds need, one at a time.

    A file that costs an association (it shrinks while it is read, the peer aborts) is an outcome, and the rest goes
    over another. Raises the AditError of an association that cannot be opened, or when files fail so three in a row;
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
        association = caller.associate(proposals_for(left))
        before = len(left)
        error = yield from _over(association, left)
        fruitless = fruitless + 1 if error is not None and before - len(left) == 1 else 0
        if error is not None and fruitless == FRUITLESS:
            raise error


class _Spoilt(Exception):
    """Our own file failed in the middle of a message."""


def _over(association: Association, left: list[DicomFile]) -> Generator[Outcome, None, AditError | None]:
    """Send from the front of `left` until it is empty or the association is lost; gives the error of the latter."""
    try:
        while left:
            file = left[0]
            try:
                outcome = _one(association, file)
            except (_Spoilt, AditError) as error:
                del left[0]
                association.abort()
                yield Outcome(str(file.path), State.FAILED, words=str(error))
                return error if isinstance(error, AditError) else None
            del left[0]
            yield outcome
        with suppress(AditError):  # every file has its answer
            association.release()
    finally:
        if association.usable:
            association.abort()
    return None


def _one(association: Association, file: DicomFile) -> Outcome:
    name = str(file.path)
    context = association.context(*file.kind)
    if context is None:
        kind = "SOP class {} in transfer syntax {}".format(*file.kind)
        return Outcome(name, State.FAILED, words=f"the peer takes no {kind}")
    if why := changed(file):
        return Outcome(name, State.FAILED, words=why)
    message_id = association.next_message_id()
    command = commands.request(Field.C_STORE_RQ, message_id, file.sop_class_uid, file.sop_instance_uid)
    try:
        association.send(context.context_id, command, (file.data_set,))
    except EOFError as error:
        raise _Spoilt("has become shorter while it was sent; the association was given up") from error
    except OSError as error:
        raise _Spoilt(f"cannot be read: {(error.strerror or 'error').lower()}") from error
    answer = association.receive()
    if answer.field != Field.C_STORE_RSP:
        raise ProtocolViolation("the peer answers C-STORE with another message")
    if answer.status == SUCCESS:
        return Outcome(name, State.DONE, file.data_set.length)
    state = State.WARNING if is_warning(answer.status) else State.FAILED
    return Outcome(name, state, file.data_set.length, words_of(answer.command))
