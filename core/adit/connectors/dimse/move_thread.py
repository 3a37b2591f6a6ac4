"""The thread that asks a peer to send: it reads the answers of C-MOVEs while others take in what they bring."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Self

from pydicom import Dataset

from adit.connectors.dimse.association import Association
from adit.connectors.dimse.move import Answers, Moved, MoveRequest, Signals, send_move
from adit.connectors.dimse.session import Session
from adit.connectors.pace import Pace
from adit.dimse.negotiation import Proposal
from adit.errors import AditError, PermanentError

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
        self.answered = Moved(counted=True)
        self._pending = 0
        self._line = line
        self._request = request
        self._identifiers = identifiers
        self._association: Association | None = None
        self._signals = Signals(time.monotonic())
        self._over = Event()
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, name="move", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signals.canceled = True
        self._abort_late()
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

    def alive(self, moment: float) -> None:
        """Then (monotonic seconds) something came, or was awaited again: the peer has the whole time-out from there."""
        self._signals.alive = moment

    def unwatched(self) -> None:
        """Nobody looks for instances until `alive` is called: that none is seen says nothing of the peer."""
        self._signals.alive = math.inf

    def _abort_late(self) -> None:
        """Whoever does not end a canceled C-MOVE in time is left alone."""
        deadline = time.monotonic() + CANCEL_SECONDS
        while not self._over.wait(0.1):
            association = self._association
            if association is not None and time.monotonic() > deadline:
                association.abort()

    def _run(self) -> None:
        try:
            for identifier in self._identifiers:
                if self._signals.canceled or isinstance(self.answered.error, PermanentError):
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
        answers = Answers(self._request, self._signals, self._note)
        with self._line.session.exchange(self._line.proposals, send, receive=answers.receive) as (association, first):
            return answers.final(association, first)

    def _note(self, done: int) -> None:
        self._pending = done

    def _take(self, moved: Moved) -> None:
        before = self.answered
        self._pending = 0
        self.answered = Moved(
            before.completed + moved.completed,
            before.failed + moved.failed,
            before.counted and moved.counted,
            moved.error or before.error,
        )
