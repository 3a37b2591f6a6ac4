"""What may end the work early, as flags that the event loop sets and the DICOM thread looks at between instances."""

from collections.abc import Iterable
from threading import Event, Lock

from adit.api.task_set import Stop
from adit.connectors.connector import Connector


class Control:
    """Set from any thread; a flag once set stays."""

    def __init__(self) -> None:
        self._after_task = Event()
        self._now = Event()
        self._lost = Event()
        self._lock = Lock()
        self._connectors: tuple[Connector, ...] = ()
        self.lost_reason = ""
        self.stop_reason = ""

    def stop(self, when: Stop, reason: str = "") -> None:
        """Stop after the task in hand, or after the instance in hand; the first reason given is the one told."""
        self.stop_reason = self.stop_reason or reason
        self._after_task.set()
        if when == "Now":
            self._now.set()

    def lose(self, reason: str) -> None:
        """The set is not ours any more: tear everything down at once and write nothing."""
        self.lost_reason = self.lost_reason or reason
        self._lost.set()
        self.stop("Now")
        self.abort()

    def abort(self) -> None:
        """Tear down the associations, so that a silent peer does not keep the DICOM thread."""
        with self._lock:
            connectors = self._connectors
        for connector in connectors:
            connector.abort()

    def watch(self, connectors: Iterable[Connector]) -> None:
        """These are the connectors to tear down."""
        with self._lock:
            self._connectors = tuple(connectors)

    @property
    def stop_after_task(self) -> bool:
        """Whether no further task may begin."""
        return self._after_task.is_set()

    def stop_now(self) -> bool:
        """Whether no further instance may be moved."""
        return self._now.is_set()

    @property
    def lost(self) -> bool:
        """Whether somebody else may be working the set."""
        return self._lost.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep, but not on through a stop."""
        self._now.wait(seconds)
