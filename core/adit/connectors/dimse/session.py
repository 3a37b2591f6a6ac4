"""The one association of a connector: kept while it fits what is asked, ended when anything is left unfinished."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from adit.connectors.dimse.association import Association, Message, Opening
from adit.connectors.dimse.implementation import open_association
from adit.connectors.dimse.peer import Peer
from adit.dimse.errors import ConnectionLost
from adit.dimse.negotiation import Proposal
from adit.errors import AditError, RetryableError

Receive = Callable[[Association], Message]


def _receive(association: Association) -> Message:
    return association.receive()


class Session:
    """At most one association with a peer at any moment; for one thread, except `abort`."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._association: Association | None = None
        self._opening: Opening | None = None
        self._busy = False
        self._aborted = False

    @property
    def aborted(self) -> bool:
        """Whether somebody has ended it."""
        return self._aborted

    @contextmanager
    def exchange(
        self,
        needed: Sequence[Proposal],
        send: Callable[[Association], None],
        *,
        wished: Sequence[Proposal] = (),
        may_repeat: bool = True,
        receive: Receive = _receive,
    ) -> Iterator[tuple[Association, Message]]:
        """Send a request and hand out its first answer; whatever goes wrong or is left unfinished ends the association.

        An association that rested may have been dropped by the peer meanwhile: lost before the first answer, the
        request is sent once more on a new one. `wished` is proposed instead of `needed` where one has to be opened;
        `receive` waits for the first answer.
        """
        association = self.associate(needed, wished)
        try:
            self._busy = True
            try:
                first = _first(association, send, receive)
            except ConnectionLost:
                if not (may_repeat and association.rested) or self._aborted:
                    raise
                self.drop(association)
                association = self.associate(needed, wished)
                self._busy = True
                first = _first(association, send, receive)
            yield association, first
        except BaseException as error:
            self.drop(association)
            if self._aborted and isinstance(error, RetryableError):
                raise self.was_aborted() from error
            raise
        if association is self._association:
            association.rested = True
            self._busy = False

    def associate(self, needed: Sequence[Proposal], wished: Sequence[Proposal] = ()) -> Association:
        """The association in hand if it is free and was opened with what is needed, else a new one in its place."""
        if self._aborted:
            raise self.was_aborted()
        current = self._association
        if current is not None and current.usable and not self._busy and current.proposals >= set(needed):
            return current
        self.close()
        began = time.monotonic()
        try:
            opened = open_association(self.peer, wished or needed, self._note_opening)
        except AditError as error:
            if self._aborted:
                raise self.was_aborted() from error
            self.peer.openings.failed(error.reason)
            raise
        self.peer.openings.opened(time.monotonic() - began)
        self._association, self._opening = opened, None
        if self._aborted:  # by another thread, while it was being opened
            self.drop(opened)
            raise self.was_aborted()
        return opened

    def drop(self, association: Association) -> None:
        """Abort an association; it is of no use any more."""
        association.abort()
        association.close()
        if association is self._association:
            self._association, self._busy = None, False

    def abort(self) -> None:
        """End everything from any thread; the session is of no use afterwards."""
        self._aborted = True
        opening, association = self._opening, self._association
        if opening is not None:
            opening.hang_up()
        if association is not None:
            association.abort()

    def close(self) -> None:
        """Release the association, or abort it in the middle of something."""
        association, self._association = self._association, None
        busy, self._busy = self._busy, False
        if association is not None and busy:
            self.drop(association)
        elif association is not None:
            association.release()

    def _note_opening(self, opening: Opening) -> None:
        self._opening = opening
        if self._aborted:
            opening.hang_up()

    def was_aborted(self) -> RetryableError:
        """The error of whatever an abort ended."""
        return RetryableError(f"the exchange with {self.peer.name} was aborted", reason="Aborted")


def _first(association: Association, send: Callable[[Association], None], receive: Receive) -> Message:
    send(association)
    return receive(association)
