"""A fetch by C-MOVE: announced at the receiver, asked of the source, and reconciled by name with what it said it holds.

What is missing is asked for again, series by series and then by instance; what is missing then is the caller's to name.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from pydicom import Dataset

from adit.api.dicom_server import QueryModel
from adit.connectors.dimse.get import identifiers
from adit.connectors.dimse.move import Moved, MoveRequest, for_move
from adit.connectors.dimse.move_thread import Line, MoveThread
from adit.connectors.dimse.session import Session
from adit.connectors.pace import Pace
from adit.errors import AccessDenied, AditError, PeerUnavailable, PermanentError, RetryableError
from adit.query import Level, Query, Selection
from adit.transfer.instance import Instance
from adit.transmit.access import ReceiverAccess
from adit.transmit.client import Awaited, awaited

# Some answer before their last instance is sent, and what the receiver has taken in must still come here.
QUIET_SECONDS = 10.0
# Where nothing is known by name, a count that is reached is believed once it has been quiet for so long.
UNNAMED_QUIET_SECONDS = 1.0
POLL_SECONDS = 0.2
MAX_UIDS = 200_000

Find = Callable[[Query], Iterator[Dataset]]


class Arriving(Protocol):
    """What transmit/client.py hands out."""

    message_id: int

    def next(self, seconds: float) -> Instance | None: ...
    def take_unreadable(self) -> frozenset[str]: ...
    @property
    def heard(self) -> float: ...


Stopped = Callable[[], bool]
Listen = Callable[[ReceiverAccess, Awaited, Path, Stopped], AbstractContextManager[Arriving]]


def listen_to(
    access: ReceiverAccess, wanted: Awaited, spool: Path, stopped: Stopped
) -> AbstractContextManager[Arriving]:
    """At every replica of the receiver."""
    return awaited(access, wanted, spool, stopped=stopped)


@dataclass(slots=True)
class MoveFetch:
    """What to fetch, how and whereto; `find` asks the same peer, where it can be asked."""

    session: Session
    model: QueryModel
    find_models: tuple[QueryModel, ...]
    character_set: str
    selection: Selection
    spool: Path
    find: Find
    pace: Pace
    receiver: ReceiverAccess
    listen: Listen = listen_to
    quiet_seconds: float = QUIET_SECONDS
    names: dict[str, str] = field(default_factory=dict)
    """SOP UID → series of all that is selected, where searches before told it: then none has to be repeated."""
    expected: dict[str, str] = field(default_factory=dict)
    """SOP UID → series of what was asked for; empty where the peer cannot name it."""
    received: set[str] = field(default_factory=set)
    wanted: bool = True
    """Whether somebody takes what comes; another thread may say that nobody does any more."""
    unreadable: set[str] = field(default_factory=set)
    """What the receiver has of what was asked for last, and cannot read."""

    def run(self) -> Iterator[Instance]:
        """Yield what comes; then raise what went wrong."""
        self.expected = self._named()
        wanted = Awaited(self.session.peer.called_ae_title, self.selection.study_instance_uid, frozenset(self.expected))
        with self.listen(self.receiver, wanted, self.spool, self._is_left) as arriving:
            moved = yield from self._ask(self.selection, arriving)
            for narrower in self._narrower():
                if not self._missing() or _is_final(moved.error) or self._is_left():
                    break
                moved = yield from self._ask(narrower(), arriving)
        error = self._outcome(moved) if self.wanted else None
        if error is not None:
            raise error

    def _ask(self, selection: Selection, arriving: Arriving) -> Generator[Instance, None, Moved]:
        request = MoveRequest(
            self.model, self.receiver.ae_title, arriving.message_id, selection.patient_id, self.character_set
        )
        line = Line(self.session, for_move(self.model, self.find_models), self.pace)
        arrived, alive, asking = 0, time.monotonic(), time.monotonic()
        self.unreadable.clear()
        with MoveThread(line, request, tuple(identifiers(selection))) as asked:
            while not self._is_left():
                over, complete = asked.over, self._complete()
                if complete:
                    asked.wait(POLL_SECONDS)
                # Behind the last answer it looks once more: another job's copy of the same may be on its way to us.
                instance = arriving.next(0 if complete and not over else POLL_SECONDS)
                if instance is not None:
                    arrived += 1
                    self.received.add(instance.sop_instance_uid)
                    asked.unwatched()
                    yield instance
                    alive = time.monotonic()  # not before: how long the caller takes is nobody's silence
                else:
                    alive = max(alive, arriving.heard)
                asked.alive(alive)
                if instance is not None:
                    continue
                self.unreadable |= arriving.take_unreadable()
                if not over:
                    asking = time.monotonic()
                elif self._settled(selection, asked.answered, arrived, time.monotonic() - max(alive, asking)):
                    break
        if not self.expected and arrived < asked.answered.completed:
            lost = asked.answered.completed - arrived
            return replace(asked.answered, completed=arrived, failed=asked.answered.failed + lost)
        return asked.answered

    def _is_left(self) -> bool:
        return self.session.aborted or not self.wanted

    def _complete(self) -> bool:
        """Whether all that was expected by name has come."""
        return 0 < len(self.expected) <= len(self.received) and not self._missing()

    def _settled(self, selection: Selection, moved: Moved, arrived: int, quiet: float) -> bool:
        """Whether nothing more is on its way: what is missing is no more than what the peer failed to send.

        `quiet` seconds have passed since the last sign of life.
        """
        if quiet > self.quiet_seconds or (_is_final(moved.error) and not moved.completed):
            return True
        if self.expected:
            return len(self._missing_of(selection).keys() - self.unreadable) <= moved.failed
        counted = moved.counted and arrived + len(self.unreadable) >= moved.completed
        return counted and quiet > min(UNNAMED_QUIET_SECONDS, self.quiet_seconds)

    def _named(self) -> dict[str, str]:
        """What is selected, by name, as far as a C-FIND at image level tells."""
        if self.names:
            return self.names
        named = dict(self.selection.sop_instance_uids)
        series = list(dict.fromkeys((*self.selection.series_instance_uids, *named)))
        query = Query(
            Level.SERIES,
            patient_id=self.selection.patient_id,
            study_instance_uid=self.selection.study_instance_uid,
        )
        found = {uid: one for one in named for uid in named[one]}
        whole = [one for one in series if one not in named]
        if series and not whole:
            return found
        try:
            for uid in whole or [str(one.get("SeriesInstanceUID") or "") for one in self.find(query)]:
                for image in self.find(replace(query, level=Level.IMAGE, series_instance_uid=uid)):
                    found[str(image.get("SOPInstanceUID") or "")] = uid
        except (AccessDenied, RetryableError):
            raise
        except PermanentError:
            return {}  # it does not search at this level: then its counts have to do
        return {} if "" in found or len(found) > MAX_UIDS else found

    def _narrower(self) -> Sequence[Callable[[], Selection]]:
        """How what is missing is asked for again."""
        if self.selection.sop_instance_uids:
            return ()
        return (self._of_instances,) if self.selection.series_instance_uids else (self._of_series, self._of_instances)

    def _of_series(self) -> Selection:
        return replace(self.selection, series_instance_uids=tuple(dict.fromkeys(self._missing().values())))

    def _of_instances(self) -> Selection:
        by_series: dict[str, list[str]] = {}
        for uid, series in self._missing().items():
            by_series.setdefault(series, []).append(uid)
        chosen = tuple((series, tuple(uids)) for series, uids in by_series.items())
        return replace(self.selection, series_instance_uids=(), sop_instance_uids=chosen)

    def _missing(self) -> dict[str, str]:
        return {uid: series for uid, series in self.expected.items() if uid not in self.received}

    def _missing_of(self, selection: Selection) -> dict[str, str]:
        series = {*selection.series_instance_uids, *(uid for uid, _ in selection.sop_instance_uids)}
        missing = self._missing()
        return {uid: one for uid, one in missing.items() if one in series} if series else missing

    def _outcome(self, moved: Moved) -> AditError | None:
        """Nothing where all arrived that was expected by name; else why not, and the peer's refusal before all."""
        failed = len(self._missing()) if self.expected else moved.failed
        if self.session.aborted:
            return moved.error or (None if self._complete() else self.session.was_aborted())
        if _is_final(moved.error):
            return moved.error
        if failed:
            came = len(self.expected) - failed if self.expected else moved.completed
            message = (
                f"{self.session.peer.name} sent {came} of {came + failed} instances by C-MOVE to "
                f"{self.receiver.ae_title} and {failed} did not arrive, though asked for again; its own log and the "
                "receiver's may say why"
            )
            if self.unreadable:
                message += f"; {len(self.unreadable)} of them the receiver has and cannot read: look at its disk"
            return RetryableError(message, reason="PartialRetrieve")
        if self.expected or self.received or moved.counted:
            return None if self.expected else moved.error
        return moved.error or RetryableError(
            f"{self.session.peer.name} ended our C-MOVE without saying how many instances it sent to "
            f"{self.receiver.ae_title}, and none arrived; its own log and the receiver's may say why",
            reason="PartialRetrieve",
        )


def _is_final(error: AditError | None) -> bool:
    return isinstance(error, PermanentError | PeerUnavailable) or (error is not None and error.reason == "Aborted")
