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
from adit.cluster.embedded.folder import DATABASE, SLOTS, now, prepare_data_folder, private_folder
from adit.cluster.embedded.locks import is_free, try_vanishing_lock
from adit.cluster.embedded.store import LogLimits, Store, prepare_database
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no slot, and whether waiting is of no use."""

    message: str
    final: bool = False


class EmbeddedSlots:
    """The slots of every endpoint, shared by the processes of a data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    @contextlib.asynccontextmanager
    async def acquire(
        self,
        endpoint: Endpoint,
        capacity: int,
        holder: str,
        timeout: float = ACQUIRE_SECONDS,  # noqa: ASYNC109  # its end is an answer that names the holders
    ) -> AsyncIterator[None]:
        """Hold one of `capacity` slots. Raises SlotsTaken after `timeout` seconds."""
        data = prepare_data_folder(self._data)
        folder = private_folder(data / SLOTS)
        row = SlotRow(str(endpoint), str(uuid.uuid4()), holder[:_MAX_HOLDER], now())
        async with open_worker(data) as worker:
            with try_vanishing_lock(folder / row.token) as taken:
                assert taken, "nobody else knows the token"
                await _wait(worker, partial(take, row=row, capacity=capacity, folder=folder), timeout)
                try:
                    yield
                finally:
                    await worker.write(partial(_remove, token=row.token))


@contextlib.asynccontextmanager
async def open_worker(data: Path) -> AsyncIterator[Worker]:
    """A connection of one's own to the file of a data folder."""
    limits = LogLimits()
    prepare_database(data, limits)
    worker = Worker(data / DATABASE, limits, "slots")
    try:
        yield worker
    finally:
        await worker.close()


async def _wait(worker: Worker, attempt: Callable[[Store], Refusal | None], seconds: float) -> None:
    end = time.monotonic() + seconds
    while (refusal := await worker.write(attempt)) is not None:
        if refusal.final or time.monotonic() >= end:
            raise SlotsTaken(refusal.message)
        await asyncio.sleep(_POLL_SECONDS)


def take(store: Store, row: SlotRow, capacity: int, folder: Path) -> Refusal | None:
    """Take a slot where one is free, else say who holds them. Rows of the dead are removed on the way."""
    if capacity < 1:
        return Refusal(
            f"{row.endpoint} keeps no association for people: raise limits.reservedInteractive of its DicomServer",
            final=True,
        )
    held = []
    for other in _rows(store, row.endpoint):
        if is_free(folder / other.token):
            _remove(store, other.token)
        else:
            held.append(other)
    if len(held) >= capacity:
        names = ", ".join(f"{other.holder} since {other.since}" for other in held)
        return Refusal(f"no interactive slot of {row.endpoint} is free ({len(held)} of {capacity} taken): {names}")
    values = (row.endpoint, row.token, row.holder, row.since)
    store.connection.execute("INSERT INTO slots VALUES (?, ?, ?, ?)", values)
    return None


def _rows(store: Store, endpoint: str) -> list[SlotRow]:
    query = "SELECT endpoint, token, holder, since FROM slots WHERE endpoint = ? ORDER BY since, token"
    return [SlotRow(*row) for row in store.connection.execute(query, (endpoint,)).fetchall()]


def _remove(store: Store, token: str) -> None:
    store.connection.execute("DELETE FROM slots WHERE token = ?", (token,))
