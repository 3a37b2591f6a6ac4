"""DIMSE messages over one association: what pynetdicom's threads deliver, and what is sent through them.

`Messages` stands where pynetdicom keeps its own DIMSE provider (the public attribute `dimse` of an association). That
one (a) lets two threads take answers off one queue, so that an answer is now and then thrown away and the caller waits
for its time-out: here the association's reactor is never given a message; (b) holds whole instances in memory: here a
received data set goes to a file as it arrives, and only a window of what is sent waits in the queue.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from pynetdicom.pdu_primitives import P_DATA

from adit.connectors.dimse.association import Message
from adit.connectors.dimse.failures import ended, not_dicom, silent, spool_failure
from adit.connectors.dimse.pynetdicom_layer.incoming import Incoming
from adit.dimse import commands
from adit.dimse.association import MAX_INSTANCE_BYTES
from adit.dimse.commands import Command
from adit.errors import AditError

MAX_WAITING = 64
WINDOW = 2 << 20
MAX_FRAGMENT = 256 << 10
MIN_FRAGMENT = 1024
_PDV_OVERHEAD = 6
_COMMAND, _LAST = 1, 2
_CHECK_SECONDS = 0.25


class Messages:
    """Both directions of one association; one thread uses `receive` and `send`, the rest is pynetdicom's."""

    def __init__(
        self,
        peer: str,
        send_pdu: Callable[[Any], None],
        alive: Callable[[], bool],
        *,
        max_instance_bytes: int = MAX_INSTANCE_BYTES,
    ) -> None:
        self.peer = peer
        self.msg_queue = _End(self)
        self._send_pdu = send_pdu
        self._alive = alive
        self._changed = threading.Condition()
        self._arrived: deque[Message] = deque()
        self._unsent = 0
        self._heard = 0.0
        self._ended = False
        self._failure: AditError | None = None
        self._incoming = Incoming(peer, max_instance_bytes)

    def receive_into(self, spool: Path) -> None:
        """Take instances from now on, each into a file under `spool`."""
        self._incoming.spool = spool

    # for the user thread ----------------------------------------------------------------------------------------------

    def receive(self, silence: float) -> Message:
        """The next message; raises PeerSilent when nothing at all arrives for `silence` seconds, or ConnectionLost."""
        with self._changed:
            self._heard = time.monotonic()
            while not self._arrived:
                self._check(silence)
                self._changed.wait(_CHECK_SECONDS)
            message = self._arrived.popleft()
            self._changed.notify_all()
            return message

    def readable(self, seconds: float) -> bool:
        """Whether `receive` would find something, the end included; waits for it no longer than that."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (self._arrived or self._ended or self._failure is not None) and self._alive():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, _CHECK_SECONDS))
            return True

    def send(self, context_id: int, command: Command, chunks: Iterable[bytes], *, max_pdu: int, silence: float) -> None:
        """Send a command and its data set in fragments, never more than a window ahead of the socket."""
        size = fragment_size(max_pdu)
        parts: Iterable[tuple[int, bytes]] = _fragments(_COMMAND, [commands.encode(command)], size)
        if commands.has_data_set(command):
            parts = chain(parts, _fragments(0, chunks, size))
        for header, fragment in parts:
            self._take_credit(max(2, WINDOW // size), silence)
            primitive = P_DATA()
            primitive.presentation_data_value_list.append((context_id, bytes((header,)) + fragment))
            self._send_pdu(primitive)

    def discard(self) -> None:
        """Let go of everything after the association has ended, an unfinished file included."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            for message in self._arrived:
                message.discard()
            self._arrived.clear()
            self._incoming.discard()

    # for pynetdicom's threads -----------------------------------------------------------------------------------------

    def get_msg(self, block: bool = False) -> tuple[None, None]:  # noqa: ARG002, FBT001, FBT002 - pynetdicom's signature
        """Nothing for the association's reactor, which would answer or drop what the user thread waits for."""
        return None, None

    def receive_primitive(self, primitive: Any) -> None:
        """Take in the fragments of one P-DATA indication (called by pynetdicom's network thread)."""
        with self._changed:
            self._heard = time.monotonic()
            if self._ended or self._failure is not None:
                return
            try:
                for context_id, value in primitive.presentation_data_value_list:
                    message = self._incoming.take(context_id, value)
                    if message is not None:
                        self._deliver(message)
            except OSError as error:
                self._fail(spool_failure(self.peer, error))
            except AditError as error:
                self._fail(error)
            except ValueError as error:
                self._fail(not_dicom(self.peer, str(error)))

    def sent(self, count: int = 1) -> None:
        """Count PDUs that have gone out."""
        with self._changed:
            self._unsent = max(0, self._unsent - count)
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will arrive; what has arrived is still handed out."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    # inside -----------------------------------------------------------------------------------------------------------

    def _check(self, silence: float) -> None:
        if self._failure is not None:
            raise self._failure
        if self._ended or not self._alive():
            raise ended(self.peer, "before it had answered everything")
        if time.monotonic() - self._heard > silence:
            raise silent(self.peer, silence)

    def _take_credit(self, window: int, silence: float) -> None:
        with self._changed:
            self._heard = time.monotonic()
            while self._unsent >= window:
                self._check(silence)
                self._changed.wait(_CHECK_SECONDS)
            if self._ended or not self._alive():
                raise ended(self.peer, "while we were sending")
            self._unsent += 1

    def _deliver(self, message: Message) -> None:
        self._arrived.append(message)
        self._changed.notify_all()
        while len(self._arrived) >= MAX_WAITING and not self._ended:
            self._changed.wait(_CHECK_SECONDS)  # so the socket is not read, and the peer has to wait

    def _fail(self, error: AditError) -> None:
        self._failure = error
        self._incoming.discard()
        self._changed.notify_all()


class _End:
    """What pynetdicom's state machine calls a queue: it puts one empty message there when the connection ends."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def put(self, _: object) -> None:
        self._messages.end()


def fragment_size(max_pdu: int) -> int:
    """Bytes of data in one PDV for a peer that takes PDUs of `max_pdu` (0: any); even, as PS3.8 9.3.5 asks."""
    size = (max_pdu or MAX_FRAGMENT) - _PDV_OVERHEAD
    return min(max(size, MIN_FRAGMENT), MAX_FRAGMENT) // 2 * 2


def _fragments(kind: int, chunks: Iterable[bytes], size: int) -> Iterator[tuple[int, bytes]]:
    """Cut what comes in any lengths into `size` bytes each; the last one, even of nothing, says that it is the last."""
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        while len(pending) > size:
            yield kind, bytes(pending[:size])
            del pending[:size]
    yield kind | _LAST, bytes(pending)
