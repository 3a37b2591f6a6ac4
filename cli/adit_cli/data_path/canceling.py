"""A C-GET or C-MOVE that is under way: Ctrl-C and SIGTERM cancel it first, and abort what does not end by that."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from adit.dimse.association import Association, Message, OpenSink
from adit.dimse.errors import PeerSilent
from adit.errors import AditError
from adit_cli.data_path.ending import Canceled, ending_by

GRACE_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 0.1


class Responses:
    """What comes for one request; `interrupt` may be called between any two steps of it, as by a signal."""

    def __init__(self, association: Association, context_id: int, message_id: int, silence: float) -> None:
        self._association = association
        self._context_id, self._message_id, self._silence = context_id, message_id, silence
        self._abort = threading.Timer(GRACE_SECONDS, association.abort)
        self._abort.daemon = True
        self._canceled = False
        self.interrupted = False

    def receive(self, sink: OpenSink | None = None) -> Message:
        """The next message, as of Association.receive; where we were interrupted, C-CANCEL leaves before."""
        give_up = time.monotonic() + self._silence
        while not self._association.readable(LOOK_SECONDS):
            self._cancel()
            if time.monotonic() > give_up:
                self._association.abort()
                raise PeerSilent(f"nothing came within {self._silence:g} s")
        self._cancel()
        return self._association.receive(sink)

    def interrupt(self) -> None:
        """Cancel it; who cannot wait for that interrupts again."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        self._abort.start()

    def end(self) -> None:
        """Nothing more is awaited."""
        self._abort.cancel()

    def _cancel(self) -> None:
        if self.interrupted and not self._canceled:
            self._canceled = True
            self._association.cancel(self._message_id, self._context_id)


@contextmanager
def responses(association: Association, context_id: int, message_id: int, silence: float) -> Iterator[Responses]:
    """Await responses for as long as the context is open; `silence` in seconds is the longest.

    An interruption raises Canceled where the peer ended the request, and KeyboardInterrupt where it was aborted.
    """
    awaited = Responses(association, context_id, message_id, silence)
    with ending_by(awaited.interrupt):
        try:
            yield awaited
        except AditError as error:
            if awaited.interrupted:
                raise KeyboardInterrupt from error
            raise
        finally:
            awaited.end()
    if awaited.interrupted:
        association.release()
        raise Canceled
