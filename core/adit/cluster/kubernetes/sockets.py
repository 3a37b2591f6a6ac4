"""The sockets of a connection pool: what a request that was given up leaves open is ended when the pool is closed.

Over TLS a closed connection says farewell and waits for the peer's, and no pool knows it any more meanwhile.
"""

import asyncio
import socket
from contextlib import suppress
from weakref import WeakSet

from aiohttp import AddrInfoType

_SECONDS = 1.0
_LOOK_SECONDS = 0.01


class Sockets:
    """A factory of sockets that remembers those which are still open."""

    def __init__(self) -> None:
        self._made: WeakSet[socket.socket] = WeakSet()

    def make(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        self._made.add(made)
        return made

    async def end(self) -> None:
        """Hang up where something is still open, and wait (at most a second) until the event loop has let go of it."""
        for one in self._open():
            with suppress(OSError):  # the peer was faster
                one.shutdown(socket.SHUT_RDWR)
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                while self._open():  # noqa: ASYNC110 - nobody signals that a transport has closed its socket
                    await asyncio.sleep(_LOOK_SECONDS)

    def _open(self) -> list[socket.socket]:
        return [one for one in self._made if one.fileno() != -1]
