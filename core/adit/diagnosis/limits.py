"""A blocking look in a thread, for so many seconds at most; whoever leaves earlier ends it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from adit.errors import PeerUnavailable

T = TypeVar("T")


class TookTooLong(PeerUnavailable):
    """The look was ended by us."""

    default_reason = "PeerTimeout"


async def within(seconds: float, look: Callable[[], T], abort: Callable[[], None] = lambda: None) -> T:
    """What the look gives. Raises TookTooLong after `seconds`; `abort` must make the thread end."""
    looking = asyncio.create_task(asyncio.to_thread(look))
    try:
        done, _ = await asyncio.wait({looking}, timeout=seconds)
    except asyncio.CancelledError:
        _forget(looking, abort)
        raise
    if not done:
        _forget(looking, abort)
        raise TookTooLong(f"no answer within {seconds:g} s")
    return await looking


def _forget(looking: "asyncio.Task[T]", abort: Callable[[], None]) -> None:
    abort()
    looking.add_done_callback(lambda task: task.cancelled() or task.exception())
