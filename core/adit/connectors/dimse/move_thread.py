"""The thread that asks a peer to send: it reads the answers of C-MOVEs while others take in what they bring."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Self

from pydicom import Dataset

from adit.connectors.dimse.association import Association
from adit.connectors.dimse.move import Moved, MoveRequest, cancel_move, final_answer, send_move
from adit.connectors.dimse.session import Session
from adit.connectors.pace import Pace
from adit.dimse.negotiation import Proposal
from adit.errors import AditError, PermanentError, RetryableError

CANCEL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """How a peer is asked: its session, what is proposed, the requests' pace."""

    session: Session
    proposals: Sequence[Proposal]
    pace: Pace


class MoveThread:
    """Asks one C-MOVE after the other while it is entered; left early, they are canceled, then aborted.

    Nobody else uses the session meanwhile.
    """

    def __init__(self, line: Line, request: MoveRequest, identifiers: Sequence[Dataset]) -> None:
        self.answered = Moved()
        self._pending = 0
        self._line = line
        self._request = request
        self._identifiers = identifiers
        self._association: Association | None = None
        self._ending = False
        self._over = Event()
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, name="move", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        if not self._over.is_set():
            self._cancel()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    @property
    def over(self) -> bool:
        """Whether the last final response has come, or none will."""
        return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for that; whether it is over."""
        return self._over.wait(seconds)

    @property
    def done(self) -> int:
        """Sub-operations that went well, as the peer says."""
        return self.answered.completed + self._pending

    def _cancel(self) -> None:
        association = self._association
        if association is not None and association.usable:
            with suppress(RetryableError):  # it is gone, which is what was wanted
                cancel_move(association, self._request)
        deadline = time.monotonic() + CANCEL_SECONDS
        while not self._over.wait(0.1):
            association = self._association
            if association is not None and time.monotonic() > deadline:
                association.abort()

    def _run(self) -> None:
        try:
            for identifier in self._identifiers:
                if self._ending or isinstance(self.answered.error, PermanentError):
                    break
                self._take(self._ask(identifier))
        except AditError as error:
            self._take(Moved(error=error))
        except BaseException as failure:  # noqa: BLE001 - raised on the thread that waits for us
            self._failure = failure
        finally:
            self._over.set()

    def _ask(self, identifier: Dataset) -> Moved:
        def send(association: Association) -> None:
            self._association = association
            self._line.pace.began()
            send_move(association, self._request, identifier)

        self._line.pace.turn()
        with self._line.session.exchange(self._line.proposals, send) as (association, first):
            return final_answer(association, first, self._request.destination, self._note)

    def _note(self, done: int) -> None:
        self._pending = done

    def _take(self, moved: Moved) -> None:
        before = self.answered
        self._pending = 0
        self.answered = Moved(
            before.completed + moved.completed, before.failed + moved.failed, moved.error or before.error
        )
