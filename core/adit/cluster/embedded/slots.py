"""Interactive slots embedded: a row of the SQLite file each, and a flock that says whether its holder still lives."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from adit.api.endpoint import Endpoint
from adit.cluster.embedded.folder import SLOTS, private_folder
from adit.cluster.embedded.locks import is_free, try_vanishing_lock
from adit.cluster.embedded.store import Store
from adit.cluster.embedded.worker import Worker
from adit.cluster.slots import ACQUIRE_SECONDS, SlotsTaken

_POLL_SECONDS = 0.1
_MAX_HOLDER = 200


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One slot that is held; the flock of the file named by `token` says whether it still is."""

    endpoint: str
    token: str
    holder: str
    since: str


class EmbeddedSlots:
    """The slots of every endpoint, shared by the processes of a data folder."""

    def __init__(self, data: Path, worker: Worker, clock: Callable[[], str]) -> None:
        self._folder = private_folder(data / SLOTS)
        self._worker = worker
        self._clock = clock

    @contextlib.asynccontextmanager
    async def acquire(
        self,
        endpoint: Endpoint,
        capacity: int,
        holder: str,
        timeout: float = ACQUIRE_SECONDS,  # noqa: ASYNC109  # its end is an answer that names the holders
    ) -> AsyncIterator[None]:
        """Hold one of `capacity` slots. Raises SlotsTaken after `timeout` seconds."""
        row = SlotRow(str(endpoint), str(uuid.uuid4()), holder[:_MAX_HOLDER], self._clock())
        with try_vanishing_lock(self._folder / row.token) as taken:
            assert taken, "nobody else knows the token"
            await self._wait(row, capacity, timeout)
            try:
                yield
            finally:
                await self._worker.write(partial(_remove, token=row.token))

    async def _wait(self, row: SlotRow, capacity: int, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            others = await self._worker.write(partial(take, row=row, capacity=capacity, folder=self._folder))
            if others is None:
                return
            if not others or time.monotonic() >= end:
                raise SlotsTaken(_refusal(row.endpoint, capacity, others))
            await asyncio.sleep(_POLL_SECONDS)


def take(store: Store, row: SlotRow, capacity: int, folder: Path) -> list[SlotRow] | None:
    """Take a slot where one is free; else who holds them. Rows of the dead are removed on the way."""
    held = []
    for other in _rows(store, row.endpoint):
        if is_free(folder / other.token):
            _remove(store, other.token)
        else:
            held.append(other)
    if len(held) >= capacity:
        return held
    values = (row.endpoint, row.token, row.holder, row.since)
    store.connection.execute("INSERT INTO slots VALUES (?, ?, ?, ?)", values)
    return None


def _rows(store: Store, endpoint: str) -> list[SlotRow]:
    query = "SELECT endpoint, token, holder, since FROM slots WHERE endpoint = ? ORDER BY since, token"
    return [SlotRow(*row) for row in store.connection.execute(query, (endpoint,)).fetchall()]


def _remove(store: Store, token: str) -> None:
    store.connection.execute("DELETE FROM slots WHERE token = ?", (token,))


def _refusal(endpoint: str, capacity: int, holders: list[SlotRow]) -> str:
    if not holders:
        return f"{endpoint} keeps no association for people: raise limits.reservedInteractive of its DicomServer"
    names = ", ".join(f"{row.holder} since {row.since}" for row in holders)
    count = "the interactive slot" if capacity == 1 else f"all {capacity} interactive slots"
    verb = "is" if capacity == 1 else "are"
    return f"{count} of {endpoint} {verb} taken by {names}: try again when one is done"
