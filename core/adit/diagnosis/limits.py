"""A blocking look in a thread, for so many seconds at most; whoever leaves earlier ends it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from adit.errors import PeerUnavailable

T = TypeVar("T")


class TookTooLong(PeerUnavailable):
    """The look was ended by us."""

    default_reason = "PeerTimeout"


async def within(seconds: float, look: Callable[[], T], abort: Callable[[], None] = lambda: None) -> T:
    """What the look gives. Raises TookTooLong after `seconds`; `abort` should make the thread end.

    A thread that cannot be ended, such as one that waits for a name server, is left behind and holds no exit.
    """
    looking = asyncio.wrap_future(_started(look))
    try:
        done, _ = await asyncio.wait({looking}, timeout=seconds)
    except asyncio.CancelledError:
        _forget(looking, abort)
        raise
    if not done:
        _forget(looking, abort)
        raise TookTooLong(f"no answer within {seconds:g} s")
    return looking.result()


def _started(look: Callable[[], T]) -> "Future[T]":
    """In a daemon thread: those of an executor are waited for, by asyncio.run and by the interpreter."""
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()

    def run() -> None:
        try:
            given = look()
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answer.set_exception(error)
        else:
            answer.set_result(given)

    threading.Thread(target=run, name="look", daemon=True).start()
    return answer


def _forget(looking: "asyncio.Future[T]", abort: Callable[[], None]) -> None:
    looking.cancel()
    abort()
