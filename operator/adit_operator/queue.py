"""The work queue: each key once, never worked twice at a time, and later and later after failures."""

import asyncio
from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")

FIRST_DELAY = 1.0
LONGEST_DELAY = 300.0


class WorkQueue(Generic[Key]):
    """Keys to work on; a key that is added while it is worked comes again afterwards."""

    def __init__(self, *, first_delay: float = FIRST_DELAY, longest_delay: float = LONGEST_DELAY) -> None:
        self._first, self._longest = first_delay, longest_delay
        self._waiting: OrderedDict[Key, None] = OrderedDict()
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._filled = asyncio.Event()
        self.retries = 0

    @property
    def depth(self) -> int:
        """How many keys wait to be worked, those in back-off not counted."""
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Work on this key soon; a change overtakes a back-off, since it may be the remedy."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._working:
            self._again.add(key)
            return
        self._waiting[key] = None
        self._filled.set()

    def add_later(self, key: Key, seconds: float) -> None:
        """Work on this key in so many seconds, unless it comes sooner anyway."""
        if not seconds:
            self.add(key)
        elif key not in self._waiting and key not in self._again and key not in self._timers:
            self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._due, key)

    async def get(self) -> Key:
        """The next key, which the caller then works and gives back by `done` or `failed`."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        key, _ = self._waiting.popitem(last=False)
        self._working.add(key)
        return key

    def done(self, key: Key) -> None:
        """The work succeeded: its failures are forgotten."""
        self._failures.pop(key, None)
        self._release(key)

    def failed(self, key: Key) -> float:
        """The work failed: it comes again after a back-off, which is answered in seconds."""
        self.retries += 1
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = float(min(self._longest, self._first * 2 ** min(failures - 1, 30)))
        if key in self._again:
            self._release(key)
            return 0.0
        self._release(key)
        self._timers[key] = asyncio.get_running_loop().call_later(delay, self._due, key)
        return delay

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _release(self, key: Key) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
