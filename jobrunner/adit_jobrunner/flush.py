"""Writes `status.runner`: every few seconds while something changes, after so many tasks, and as the last word."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from adit.api.task_set import RunnerStatus
from adit.cluster.cluster import Manifest
from adit.errors import RetryableError
from adit_jobrunner.control import Control
from adit_jobrunner.journal import Journal
from adit_jobrunner.status import HolderLost, Writer

LAST_TRIES, LAST_PAUSE = 15, 2.0


class Flusher:
    """Brings the journal into the status; a set that is lost is told to the control."""

    def __init__(
        self,
        writer: Writer,
        journal: Journal,
        control: Control,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._writer = writer
        self._journal = journal
        self._control = control
        self._sleep = sleep
        self._written: dict[str, Any] | None = None
        self._writes = 0
        self._one_at_a_time = asyncio.Lock()

    async def keep_flushing(self, every: float) -> None:
        """Flush at this rhythm (seconds) until cancelled, unless something was written meanwhile.

        An API that is away is for the heartbeat to judge.
        """
        while not self._control.lost:
            before = self._writes
            await self._sleep(every)
            if self._writes == before:
                await self.flush()

    async def flush(self) -> bool:
        """Write what changed; False where it could not be written now."""
        try:
            await self.write({})
        except HolderLost as lost:
            self._control.lose(lost.message)
            return False
        except RetryableError:
            return False
        return True

    async def write(self, patch: Manifest) -> None:
        """Write a sign of life and what changed since the last write, as one. Raises HolderLost or RetryableError."""
        async with self._one_at_a_time:
            runner = _with_nulls(self._journal.status())
            if runner != self._written:
                patch = {**patch, "runner": self._patch(runner)}
            if patch:
                await self._writer.write(patch)
                self._written = runner
                self._writes += 1

    async def flush_surely(self) -> bool:
        """Try again until it is written; False where the set was lost over it."""
        while not self._control.lost:
            if await self.flush():
                return True
            await self._sleep(LAST_PAUSE)
        return False

    async def last_word(self) -> bool:
        """Write the end and let go of the set, in one write; False where nobody heard it."""
        runner = _with_nulls(self._journal.status())
        return await say_last(self._writer, self._control, {"runner": self._patch(runner), "holder": None}, self._sleep)

    def _patch(self, runner: dict[str, Any]) -> dict[str, Any]:
        """A merge patch that also removes the reasons that are not counted any more."""
        gone = dict.fromkeys((self._written or {}).get("reasons", {}))
        return {**runner, "reasons": {**gone, **runner["reasons"]}}


async def say_last(
    writer: Writer, control: Control, patch: Manifest, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> bool:
    """Write the last patch, again and again where the API is away; False where the set was lost or nobody heard it."""
    for _ in range(LAST_TRIES):
        if control.lost:  # guard: lost-writes-nothing
            return False
        try:
            await writer.write(patch)
        except HolderLost as lost:
            control.lose(lost.message)
        except RetryableError:
            await sleep(LAST_PAUSE)
        else:
            return True
    return False


def _with_nulls(status: RunnerStatus) -> dict[str, Any]:
    """With null for what is not set, so that the merge patch removes it."""
    return status.model_dump(mode="json", by_alias=True)
