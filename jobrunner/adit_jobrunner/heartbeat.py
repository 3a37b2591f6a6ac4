"""The sign of life: renewTime every 10 s; who cannot renew for 40 s must assume that another will take over."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adit.api.task_set import Holder
from adit.cluster.cluster import Manifest
from adit.errors import RetryableError
from adit_jobrunner.control import Control
from adit_jobrunner.status import HolderLost, Writer


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between renewals, seconds without one after which the set is given up, by a monotonic clock."""

    every: float
    fence: float
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True)
class Carrier:
    """Where signs of life are written: alone at first, then with what the work has to say, which saves a write."""

    writer: Writer

    async def write(self, patch: Manifest) -> None:
        """Raises HolderLost or RetryableError."""
        await self.writer.write(patch)


async def keep_alive(writer: Writer, holder: Callable[[], Holder], control: Control, rhythm: Rhythm) -> None:
    """Renew until cancelled, or until the set is lost; then everything is torn down at once."""
    renewed = rhythm.clock()
    pause = rhythm.every
    while True:
        await rhythm.sleep(pause)
        left = rhythm.fence - (rhythm.clock() - renewed)
        try:
            # An answer that comes after the fence is none.
            async with asyncio.timeout(max(left, 0)):  # wait_for of Python 3.11 may swallow a cancellation
                await writer.write({"holder": holder().manifest()})
            renewed, pause = rhythm.clock(), rhythm.every
        except HolderLost as lost:
            control.lose(lost.message)
            return
        except (RetryableError, TimeoutError):
            pause = min(rhythm.every / 5, 1.0)
        if rhythm.clock() - renewed >= rhythm.fence:  # guard: silence-is-loss
            control.lose(f"the cluster could not be reached for {rhythm.fence:.0f} s")
            return
