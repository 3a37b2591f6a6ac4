"""The queue of the embedded node: which Jobs to look at next."""

import asyncio

from adit.cluster.kinds import Ref


class WorkQueue:
    """Names of Jobs, each at most once, in the order of their first mention."""

    def __init__(self) -> None:
        self._waiting: dict[Ref, None] = {}
        self._filled = asyncio.Event()

    def put(self, ref: Ref) -> None:
        self._waiting[ref] = None
        self._filled.set()

    def put_later(self, ref: Ref, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.put, ref)

    async def get(self) -> Ref:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        ref = next(iter(self._waiting))
        del self._waiting[ref]
        return ref
