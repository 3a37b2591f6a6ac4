"""Pace: keeps the requests to one peer apart, so that it is never asked more often than its owner allows.

A request is a C-FIND, a C-GET, or one HTTP request (a page of QIDO-RS, a WADO-RS, a STOW-RS). The C-STORE requests on
an association are none: they are the load that its slot stands for.
"""

import time
from collections.abc import Callable

from adit.errors import RetryableError

MINUTE = 60.0


class Pace:
    """Lets one request begin every 60 s ÷ `per_minute`; nothing is saved up, so there are no bursts.

    The first one waits as long as any other, since whoever had the slot before may have asked a moment ago. So in no
    minute more begin in one slot than `per_minute`, rounded up, however many runners follow each other there. `clock`
    is monotonic (seconds); `sleep` may return early once `stopped` says so. Without `per_minute` nobody waits. For one
    thread.
    """

    def __init__(
        self,
        per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._apart = MINUTE / per_minute if per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._stopped = stopped
        self._next = clock() + self._apart

    def turn(self) -> None:
        """Wait until the next request may begin. Raises RetryableError (Aborted) where a stop ended the waiting."""
        while (left := self._next - self._clock()) > 0:
            if self._stopped():
                raise RetryableError("stopped while waiting for its turn to send a request", reason="Aborted")
            self._sleep(left)
        self.began()

    def began(self) -> None:
        """The request leaves only now, after a connection had to be opened: the next one keeps apart from this."""
        self._next = self._clock() + self._apart


AT_WILL = Pace()
