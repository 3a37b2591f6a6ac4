"""Watches of the embedded cluster: the event log read on, woken by this process's writes and by other processes'."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial

from adit.cluster.cluster import Expired, WatchEvent
from adit.cluster.embedded.store import LoggedEvent, Store
from adit.cluster.embedded.worker import Worker
from adit.cluster.kinds import KINDS

POLL_SECONDS = 0.05
BOOKMARK_SECONDS = 60.0
_BATCH = 200


class Changes:
    """Says that the file has changed: a set event. One poller serves all watches of an event loop."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poller: asyncio.Task[None] | None = None
        self._watchers = 0

    @property
    def next(self) -> asyncio.Event:
        """Set at the next change; take it before looking, so that none is missed."""
        return self._event

    def notify(self) -> None:
        """This process has written; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._beat)

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Poll while this context is open."""
        self._watchers += 1
        if self._poller is None or self._poller.done():
            self._loop = asyncio.get_running_loop()
            self._poller = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                poller, self._poller, self._loop = self._poller, None, None
                poller.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await poller

    def _beat(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def _poll(self) -> None:
        try:
            seen = await self._worker.data_version()
            while True:
                await asyncio.sleep(POLL_SECONDS)
                found = await self._worker.data_version()
                if found != seen:
                    seen = found
                    self._beat()
        finally:
            self._beat()  # a watch that waits meets the same error, and tells its reader


@dataclass(frozen=True, slots=True)
class Selection:
    """What a watch follows."""

    kind: str
    namespace: str | None
    labels: Mapping[str, str]

    def seen(self, logged: LoggedEvent) -> WatchEvent | None:
        """The event as this selection sees it; an object that loses the labels is gone, one that gains them new."""
        now = logged.type != "DELETED" and self._selects(logged.object["metadata"].get("labels", {}))
        before = logged.type != "ADDED" and self._selects(logged.earlier_labels)
        version = str(logged.version)
        if now:
            return WatchEvent("MODIFIED" if before else "ADDED", logged.object, version)
        if before:
            metadata = {**logged.object["metadata"], "labels": logged.earlier_labels}
            return WatchEvent("DELETED", {**logged.object, "metadata": metadata}, version)
        return None

    def bookmark(self, version: int) -> WatchEvent:
        api_version = KINDS[self.kind].api_version
        body = {"apiVersion": api_version, "kind": self.kind, "metadata": {"resourceVersion": str(version)}}
        return WatchEvent("BOOKMARK", body, str(version))

    def _selects(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in self.labels.items())


@dataclass(frozen=True, slots=True)
class Reading:
    """A stretch of the log: what happened, and how far it was read."""

    events: tuple[LoggedEvent, ...]
    position: int


def read_log(store: Store, selection: Selection, after: int) -> Reading:
    """The next events. Raises Expired where the log no longer holds, or never held, this position."""
    newest = store.version()
    if after < store.forgotten() or after > newest:
        raise Expired(f"the watch position {after} is not in the log any more: list again")
    events = tuple(store.events(selection.kind, after, selection.namespace, _BATCH))
    return Reading(events, events[-1].version if len(events) == _BATCH else newest)


@contextlib.asynccontextmanager
async def watch(
    worker: Worker, changes: Changes, selection: Selection, since: str
) -> AsyncIterator[AsyncIterator[WatchEvent]]:
    """Open a watch. Raises Expired, here or while it is read."""
    if not since.isdecimal():
        raise Expired(f"the watch position {since[:40]!r} is none of this cluster: list again")
    async with changes.followed():
        events = _follow(worker, changes, selection, int(since))
        try:
            yield events
        finally:
            await events.aclose()


async def _follow(
    worker: Worker, changes: Changes, selection: Selection, position: int
) -> AsyncGenerator[WatchEvent, None]:
    told = position
    while True:
        change = changes.next
        reading = await worker.read(partial(read_log, selection=selection, after=position))
        position = reading.position
        for event in filter(None, map(selection.seen, reading.events)):
            told = int(event.resource_version)
            yield event
        if len(reading.events) == _BATCH:
            continue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BOOKMARK_SECONDS):  # wait_for of Python 3.11 may swallow a cancellation
                await change.wait()
            continue
        if told != position:
            told = position
            yield selection.bookmark(position)
