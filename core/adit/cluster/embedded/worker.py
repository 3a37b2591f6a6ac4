"""The threads that touch the file, so that the event loop never waits for a disk or for another process's lock."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from adit.cluster.cluster import ClusterUnavailable
from adit.cluster.embedded.store import LogLimits, Store, translated

T = TypeVar("T")


class Worker:
    """One thread with one connection; its work is done in the order it was given, from any event loop."""

    def __init__(self, path: Path, limits: LogLimits, name: str) -> None:
        self._path = path
        self._store = Store(path, limits)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"adit-cluster-{name}")

    async def read(self, question: Callable[[Store], T]) -> T:
        """Ask about one moment of the file."""
        return await self._run(lambda store: _inside(store.reading, store, question))

    async def write(self, change: Callable[[Store], T]) -> T:
        """Change the file, all or nothing. An awaiting task that is cancelled does not undo it."""
        return await self._run(lambda store: _inside(store.writing, store, change))

    async def data_version(self) -> int:
        return await self._run(lambda store: store.data_version())

    async def close(self) -> None:
        """Finish what was begun, then let go of the file."""
        await asyncio.to_thread(self._thread.shutdown)
        self._store.close()

    async def _run(self, work: Callable[[Store], T]) -> T:
        try:
            call = self._thread.submit(work, self._store)
        except RuntimeError as error:
            raise ClusterUnavailable("the embedded cluster is closed") from error
        try:
            return await asyncio.wrap_future(call)
        except sqlite3.Error as error:
            raise translated(error, self._path) from error


def _inside(transaction: Callable[[], Any], store: Store, work: Callable[[Store], T]) -> T:
    with transaction():
        return work(store)
