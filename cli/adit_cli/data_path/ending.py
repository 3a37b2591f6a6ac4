"""How these commands end early: Ctrl-C and SIGTERM alike abort what is open, and say how far it came."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Canceled(KeyboardInterrupt):
    """Interrupted, and the peer ended in good order what it was doing."""


@contextmanager
def ending_at_sigterm() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does, while the context is open."""
    if threading.current_thread() is not threading.main_thread():  # Python hands signals to no other
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def ending_by(act: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM do this, between two steps of ours, and interrupt none, while the context is open."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, lambda _, __: act()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def interrupt(_: int, __: FrameType | None) -> None:
    """A signal handler."""
    raise KeyboardInterrupt


def interruption(peer: str, error: KeyboardInterrupt) -> str:
    """What was done about the association."""
    done = (
        f"{peer} ended it when it was told to"
        if isinstance(error, Canceled)
        else f"the association with {peer} was aborted"
    )
    return f"{done}; what is counted above is there"
