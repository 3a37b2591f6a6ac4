"""How these commands end early: Ctrl-C and SIGTERM alike abort what is open, and say how far it came."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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


def interrupt(_: int, __: FrameType | None) -> None:
    """A signal handler."""
    raise KeyboardInterrupt


def interruption(peer: str) -> str:
    """What was done about the association."""
    return f"the association with {peer} was aborted; what is counted above is there"
