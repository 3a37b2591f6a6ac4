"""Work that may take its time in the network, left behind where a stop signal comes first."""

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from adit.errors import RetryableError

LOOK_SECONDS: Final = 0.1
Result = TypeVar("Result")


class _Work(Generic[Result]):
    """One piece of work on a thread of its own."""

    def __init__(self, work: Callable[[], Result], undo: Callable[[Result], None]) -> None:
        self._work = work
        self._undo = undo
        self._lock = threading.Lock()
        self._left_behind = False
        self.done = threading.Event()
        self.results: list[Result] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            result = self._work()
        except BaseException as failure:  # noqa: BLE001 - raised on the thread that waits for it
            self.failure = failure
        else:
            with self._lock:
                self.results.append(result)
                late = self._left_behind
            if late:
                self._undo(result)
        self.done.set()

    def leave_behind(self) -> None:
        """Nobody waits for it any more; what it still brings about is undone."""
        with self._lock:
            self._left_behind = True
            results = tuple(self.results)
        for result in results:
            self._undo(result)


def unless_stopped(
    work: Callable[[], Result], stopped: Callable[[], bool], undo: Callable[[Result], None] = lambda _: None
) -> Result:
    """Do it, and give back or raise what it does; RetryableError (Aborted) soon after `stopped` says so.

    The work is not interrupted: it needs time-outs of its own.
    """
    one = _Work(work, undo)
    threading.Thread(target=one.run, name="transmit-open", daemon=True).start()
    while not one.done.wait(LOOK_SECONDS):
        if stopped():
            one.leave_behind()
            raise RetryableError("stopped before the receiver knew what to await", reason="Aborted")
    if one.failure is not None:
        raise one.failure
    return one.results[0]
