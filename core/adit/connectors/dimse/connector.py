"""DimseConnector: one PACS over the DICOM upper layer, on one association that is kept while it fits what is asked."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydicom import Dataset

from adit.connectors.dimse import commands, contexts
from adit.connectors.dimse.association import Association, NoContextAccepted, hang_up, open_association
from adit.connectors.dimse.commands import Field
from adit.connectors.dimse.contexts import Proposal
from adit.connectors.dimse.find import answers, find_model, patients, send_find
from adit.connectors.dimse.get import Tally, get_model, identifiers, instances, send_get
from adit.connectors.dimse.messages import ConnectionLost, Message
from adit.connectors.dimse.peer import Peer, dimse_of
from adit.connectors.dimse.status import query_error
from adit.connectors.dimse.store import (
    Pairs,
    UnreadableInstance,
    no_context,
    pair_of,
    send_store,
    stored,
    unreadable,
)
from adit.connectors.matching import matches
from adit.connectors.target import Target
from adit.errors import RetryableError
from adit.query import Level, Query, Selection
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement


class DimseConnector:
    """A Connector (connectors/connector.py); one operation at a time, so starting one ends an unfinished other."""

    def __init__(self, target: Target) -> None:
        self.name = target.name
        self._peer = Peer.of(target)
        self._dimse = dimse_of(target)
        self._association: Association | None = None
        self._opening: Any = None
        self._busy = False
        self._aborted = False
        self._pairs = Pairs()

    # operations -------------------------------------------------------------------------------------------------------

    def echo(self) -> None:
        """C-ECHO."""
        with self._exchange(self._find_proposals(), _send_echo) as (_, answer):
            error = query_error(answer.status, "C-ECHO", self._peer)
        if error is not None:
            raise error

    def find(self, query: Query) -> Iterator[Dataset]:
        """C-FIND; once `query.limit` is reached the association is aborted, for C-CANCEL is honoured by few."""
        model = find_model(self._dimse.find, query, self.name)

        def send(association: Association) -> None:
            send_find(association, model, query, self._dimse.specific_character_set)

        with self._exchange(self._find_proposals(), send) as (association, first):
            found: Iterator[Dataset] = (answer for answer in answers(association, first) if matches(query, answer))
            if query.level is Level.PATIENT and model == "StudyRoot":
                found = patients(found)
            for count, answer in enumerate(found, start=1):
                yield answer
                if count == query.limit:
                    self._drop(association)
                    return

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        """C-GET, one request per series or study; failures are told after everything that came."""
        model = get_model(self._dimse.find)
        tally = Tally()
        for identifier in identifiers(selection):

            def send(association: Association, identifier: Dataset = identifier) -> None:
                association.messages.spool = spool
                charset = self._dimse.specific_character_set
                send_get(association, model, identifier, selection.patient_id, charset)

            with self._exchange(contexts.for_get(model, self._dimse.find), send) as (association, first):
                yield from instances(association, first, tally)
        error = tally.outcome(self.name)
        if error is not None:
            raise error

    def store(
        self,
        instances: Iterable[Instance],
        placement: Placement,  # noqa: ARG002 - a PACS places by UIDs
    ) -> Iterator[StoreOutcome]:
        """C-STORE, as encoded; the association is opened again when a SOP class or syntax comes that it lacks."""
        self._pairs.refused.clear()
        first = True
        for instance in instances:
            yield self._store(instance, may_repeat=first)
            first = False

    def _store(self, instance: Instance, *, may_repeat: bool) -> StoreOutcome:
        pair = pair_of(instance)
        if pair in self._pairs.refused:
            return no_context(instance, self._peer)
        self._pairs.meet(pair)
        needed, wished = contexts.for_store([pair]), contexts.for_store(self._pairs.to_propose())

        def send(association: Association) -> None:
            send_store(association, instance)

        try:
            if self._associate(needed, wished).context(*pair) is None:
                self._pairs.refused.add(pair)
                return no_context(instance, self._peer)
            with self._exchange(needed, send, wished=wished, may_repeat=may_repeat) as (association, answer):
                return stored(association, instance, answer)
        except NoContextAccepted:
            self._pairs.refused.add(pair)
            return no_context(instance, self._peer)
        except UnreadableInstance as error:
            return unreadable(instance, error)

    def abort(self) -> None:
        """A-ABORT from any thread; the connector is of no use afterwards."""
        self._aborted = True
        opening, association = self._opening, self._association
        if association is not None:
            association.abort()
        elif opening is not None:
            hang_up(opening)

    def close(self) -> None:
        """A-RELEASE."""
        association, self._association = self._association, None
        if association is not None:
            association.abort() if self._busy else association.release()
        self._busy = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # the association --------------------------------------------------------------------------------------------------

    def _find_proposals(self) -> tuple[Proposal, ...]:
        return contexts.for_echo_and_find(self._dimse.find)

    @contextmanager
    def _exchange(
        self,
        needed: Sequence[Proposal],
        send: Callable[[Association], None],
        *,
        wished: Sequence[Proposal] = (),
        may_repeat: bool = True,
    ) -> Iterator[tuple[Association, Message]]:
        """Send a request and hand out its first answer; whatever goes wrong or is left unfinished ends the association.

        An association that rested may have been dropped by the peer meanwhile: lost before the first answer, the
        request is sent once more on a new one.
        """
        association = self._associate(needed, wished)
        try:
            self._busy = True
            try:
                first = _first(association, send)
            except ConnectionLost:
                if not (may_repeat and association.rested) or self._aborted:
                    raise
                self._drop(association)
                association = self._associate(needed, wished)
                self._busy = True
                first = _first(association, send)
            yield association, first
        except BaseException as error:
            self._drop(association)
            if self._aborted and isinstance(error, RetryableError):
                raise RetryableError(f"the exchange with {self.name} was aborted", reason="Aborted") from error
            raise
        self._rest(association)

    def _associate(self, needed: Sequence[Proposal], wished: Sequence[Proposal] = ()) -> Association:
        """The association in hand if it is free and was opened with what is needed, else a new one in its place."""
        if self._aborted:
            raise RetryableError(f"the exchange with {self.name} was aborted", reason="Aborted")
        current = self._association
        if current is not None and current.usable and not self._busy and current.proposals >= set(needed):
            return current
        self.close()
        self._association = open_association(self._peer, wished or needed, self._note_opening)
        self._opening = None
        if self._aborted:  # by another thread, while it was being opened
            self._drop(self._association)
            raise RetryableError(f"the exchange with {self.name} was aborted", reason="Aborted")
        return self._association

    def _note_opening(self, raw: Any) -> None:
        self._opening = raw
        if self._aborted:
            hang_up(raw)

    def _rest(self, association: Association) -> None:
        if association is self._association:
            association.rested = True
            self._busy = False

    def _drop(self, association: Association) -> None:
        association.abort()
        if association is self._association:
            self._association, self._busy = None, False


def _send_echo(association: Association) -> None:
    context = association.context(contexts.VERIFICATION)
    if context is None:
        raise NoContextAccepted(f"{association.peer.name} accepts no C-ECHO from {association.peer.calling_ae_title}")
    command = commands.request(Field.C_ECHO_RQ, association.next_message_id(), contexts.VERIFICATION)
    association.send(context.context_id, command)


def _first(association: Association, send: Callable[[Association], None]) -> Message:
    send(association)
    return association.receive()
