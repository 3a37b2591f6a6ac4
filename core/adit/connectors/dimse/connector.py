"""DimseConnector: one PACS over the DICOM upper layer, on one association that is kept while it fits what is asked."""

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pydicom import Dataset

from adit.connectors.dimse import contexts
from adit.connectors.dimse.association import Association, NoContextAccepted, UnreadableInstance
from adit.connectors.dimse.fetch import Fetch
from adit.connectors.dimse.find import answers, cancel, find_model, patients, send_find
from adit.connectors.dimse.get import get_model, identifiers
from adit.connectors.dimse.holdings import Holdings
from adit.connectors.dimse.move import MoveRequest, for_move
from adit.connectors.dimse.move_fetch import MoveFetch
from adit.connectors.dimse.move_thread import Line, MoveThread
from adit.connectors.dimse.peer import Peer, dimse_of
from adit.connectors.dimse.session import Session
from adit.connectors.dimse.status import query_error
from adit.connectors.dimse.store import (
    Pairs,
    no_context,
    pair_of,
    send_store,
    stored,
    unreadable,
)
from adit.connectors.matching import matches
from adit.connectors.target import Target
from adit.dimse import commands
from adit.dimse.commands import Field
from adit.dimse.negotiation import Proposal
from adit.query import Level, Query, Selection
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement

PROGRESS_SECONDS = 0.2


class DimseConnector:
    """A Connector (connectors/connector.py); one operation at a time, so starting one ends an unfinished other."""

    def __init__(self, target: Target, *, move: bool = False) -> None:
        """`move` fetches by C-MOVE over the receiver of the target, instead of by C-GET."""
        self.name = target.name
        self._peer = Peer.of(target)
        self._dimse = dimse_of(target)
        self._pace = target.pace
        self._receiver = target.receiver if move else None
        self._session = Session(self._peer)
        self._pairs = Pairs()
        self._holdings = Holdings()
        self._move: MoveFetch | None = None

    def echo(self) -> None:
        """C-ECHO."""
        with self._session.exchange(self._find_proposals(), _send_echo) as (_, answer):
            error = query_error(answer.status, "C-ECHO", self._peer)
        if error is not None:
            raise error

    def find(self, query: Query) -> Iterator[Dataset]:
        """C-FIND; once `query.limit` is reached it is canceled, and aborted where the peer does not honour that."""
        model = find_model(self._dimse.find, query, self.name)

        def send(association: Association) -> None:
            self._pace.began()
            send_find(association, model, query, self._dimse.specific_character_set)

        self._pace.turn()
        self._holdings.begin(query)
        with self._session.exchange(self._find_proposals(), send) as (association, first):
            found: Iterator[Dataset] = (answer for answer in answers(association, first) if matches(query, answer))
            if query.level is Level.PATIENT and model == "StudyRoot":
                found = patients(found)
            for count, answer in enumerate(found, start=1):
                self._holdings.note(query, answer)
                yield answer
                if count == query.limit:
                    if not cancel(association, model):
                        self._session.drop(association)
                    return
            self._holdings.end(query)

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        """C-GET, or C-MOVE to the receiver, per series or study; failures are told after everything that came."""
        if self._receiver is not None:
            self._move = MoveFetch(
                self._session,
                get_model(self._dimse.find),
                self._dimse.find,
                self._dimse.specific_character_set,
                selection,
                spool,
                self.find,
                self._pace,
                self._receiver,
                names=self._holdings.names(selection),
            )
            return self._move.run()
        return Fetch(
            self._session,
            get_model(self._dimse.find),
            self._dimse.find,
            self._dimse.specific_character_set,
            selection,
            spool,
            self.find,
            self._pace,
            self._holdings.classes(selection),
        ).run()

    def move_to(self, selection: Selection, ae_title: str) -> Iterator[int]:
        """C-MOVE to a third party; yields every moment how many the peer says it has sent, then raises its refusal."""
        model = get_model(self._dimse.find)
        message_id = secrets.randbelow(0xFFFF) + 1
        charset = self._dimse.specific_character_set
        request = MoveRequest(model, ae_title, message_id, selection.patient_id, charset)
        line = Line(self._session, for_move(model, self._dimse.find), self._pace)
        with MoveThread(line, request, tuple(identifiers(selection))) as asked:
            while not asked.wait(PROGRESS_SECONDS):
                yield asked.done
        yield asked.done
        if asked.answered.error is not None:
            raise asked.answered.error

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

    def end_fetch(self) -> None:
        """Nobody takes any more of a C-MOVE that is under way: it is canceled. From any thread."""
        if self._move is not None:
            self._move.wanted = False

    def abort(self) -> None:
        """A-ABORT from any thread; the connector is of no use afterwards."""
        self._session.abort()

    def close(self) -> None:
        """A-RELEASE."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find_proposals(self) -> tuple[Proposal, ...]:
        return contexts.for_echo_and_find(self._dimse.find)

    def _store(self, instance: Instance, *, may_repeat: bool) -> StoreOutcome:
        pair = pair_of(instance)
        if pair in self._pairs.refused:
            return no_context(instance, self._peer)
        self._pairs.meet(pair)
        needed, wished = contexts.for_store([pair]), contexts.for_store(self._pairs.to_propose())

        def send(association: Association) -> None:
            send_store(association, instance)

        try:
            if self._session.associate(needed, wished).context(*pair) is None:
                self._pairs.refused.add(pair)
                return no_context(instance, self._peer)
            with self._session.exchange(needed, send, wished=wished, may_repeat=may_repeat) as (association, answer):
                return stored(association, instance, answer)
        except NoContextAccepted:
            self._pairs.refused.add(pair)
            return no_context(instance, self._peer)
        except UnreadableInstance as error:
            return unreadable(instance, error)


def _send_echo(association: Association) -> None:
    context = association.context(contexts.VERIFICATION)
    if context is None:
        raise NoContextAccepted(f"{association.peer.name} accepts no C-ECHO from {association.peer.calling_ae_title}")
    command = commands.request(Field.C_ECHO_RQ, association.next_message_id(), contexts.VERIFICATION)
    association.send(context.context_id, command)
