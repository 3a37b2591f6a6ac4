"""The source's thread: it fetches ahead of what is being stored, as far as a budget of spooled bytes allows.

The destination stays with the caller's thread. Where it is slow the source is not read any further, so that its
association stalls and the spool does not grow.
"""

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from types import TracebackType
from typing import Self

from adit.errors import AditError
from adit.transfer.instance import Instance
from adit.transfer.spooled import closed

# Over C-MOVE another 8 MiB wait before it is their turn (transmit/client.py): together they are 64 MiB.
AHEAD_BYTES = 56 << 20
# A file takes a block at least, and an instance that lies elsewhere takes memory: no budget lets in any number of them.
LEAST_BYTES = 4096
POLL_SECONDS = 0.1
ABORT_AFTER_SECONDS = 0.5

Fetch = Callable[[], Iterator[Instance]]


class FetchAhead:
    """The instances of one fetch, in order; a context manager for one thread, which it leaves only when its own ended.

    The next instance is fetched while less than `budget` bytes are fetched and not let go; one always is where the
    caller has none left to take, since a destination may gather several before it answers for any. So at most one more
    lies in the spool than the budget allows, or as many as the destination gathers.
    """

    def __init__(
        self,
        fetch: Fetch,
        budget: int,
        *,
        stop: Callable[[], bool],
        abort: Callable[[], None],
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """`end` tells the source that nobody takes any more of this fetch; `abort` makes it of no use afterwards."""
        self.stopped = False
        self._fetch = fetch
        self._budget = budget
        self._stop = stop
        self._abort = abort
        self._end = end
        self._changed = Condition()
        self._waiting: deque[Instance] = deque()
        self._held = 0
        self._hungry = self._closing = self._ended = False
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, name="fetch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the fetch after the instance that is arriving; after a stop, the source is aborted if that takes long."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._end()
        waited = 0.0
        while self._thread.is_alive():
            if waited >= ABORT_AFTER_SECONDS and self._stop():
                self._abort()
            self._thread.join(POLL_SECONDS)
            waited += POLL_SECONDS
        failure, self._failure = self._failure, None
        # What closing cuts short is no news; a defect of ours is, whatever else has gone wrong.
        if failure is not None and not isinstance(failure, AditError):
            raise failure

    def __iter__(self) -> Iterator[Instance]:
        """Until the fetch has ended, then what it raised; or until the stop signal, and then `stopped` says so."""
        while True:
            with self._changed:
                while not self._waiting and not self._ended and not self._stop():
                    self._hungry = True
                    self._changed.notify_all()
                    self._changed.wait(POLL_SECONDS)
                self._hungry = False
                if not self._waiting and self._ended:
                    break
                if self._stop():
                    self.stopped = True
                    return
                instance = self._waiting.popleft()
            yield instance
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def let_go(self, instance: Instance) -> None:
        """Its files are gone from the spool."""
        with self._changed:
            self._held -= _size(instance)
            self._changed.notify_all()

    def left(self) -> tuple[Instance, ...]:
        """What was fetched and nobody took, once the context is left."""
        return tuple(self._waiting)

    def _run(self) -> None:
        try:
            with closed(self._fetch()) as instances:
                while self._has_room() and (instance := next(instances, None)) is not None:
                    self._put(instance)
        except BaseException as failure:  # noqa: BLE001 - raised on the caller's thread, which is the one that can judge
            self._failure = failure
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait until another instance may be fetched; False where none is wanted any more."""
        with self._changed:
            while not self._closing and self._held >= self._budget and not (self._hungry and not self._waiting):
                self._changed.wait()
            return not self._closing

    def _put(self, instance: Instance) -> None:
        with self._changed:
            self._held += _size(instance)
            self._waiting.append(instance)
            self._changed.notify_all()


def _size(instance: Instance) -> int:
    return max(instance.length, LEAST_BYTES)
