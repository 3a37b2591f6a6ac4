"""One connected socket, plain or TLS: bytes in and out, each within its time, and at once.

What is received goes into one buffer that is used again and again; what is read of it is a view, good until the next
read.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from adit.dimse.errors import ConnectionLost, PeerSilent

BUFFER_BYTES: Final = 1 << 20
# A peer that gives or takes less than this within the time-out only pretends to be alive.
PROGRESS_BYTES: Final = 16 << 10
_MOST_PER_TLS_RECORD_RUN: Final = 1 << 20
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux alone has it


class Wire:
    """A connection; one thread reads and writes, `hang_up` any."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._socket = connection
        self._secured = isinstance(connection, ssl.SSLSocket)
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._seconds = seconds
        self._marked, self._since_mark = 0.0, 0
        with suppress(OSError):  # not a TCP socket, as in a test
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(seconds)

    @property
    def secured(self) -> bool:
        return self._secured

    def within(self, seconds: float) -> None:
        """How long from now on the peer may keep silent, or let us wait with what we send."""
        if seconds != self._seconds:
            self._seconds = seconds
            self._socket.settimeout(seconds)

    # receiving --------------------------------------------------------------------------------------------------------

    def exactly(self, count: int) -> memoryview:
        """The next `count` bytes (at most BUFFER_BYTES), all of them within the time-out.

        Raises ConnectionLost, PeerSilent.
        """
        if self._end - self._start < count:
            self._make_room(count)
            deadline = time.monotonic() + self._seconds
            while self._end - self._start < count:
                self._receive()
                if self._end - self._start < count and time.monotonic() > deadline:
                    raise PeerSilent(f"only a part of what was due came within {self._seconds:g} s")
        taken = self._view[self._start : self._start + count]
        self._start += count
        return taken

    def some(self, most: int) -> memoryview:
        """The next bytes, at least one and at most `most`. Raises ConnectionLost, PeerSilent."""
        if self._start == self._end:
            self._start = self._end = 0
            self._receive()
            self._judge_progress()
        taken = self._view[self._start : min(self._end, self._start + most)]
        self._start += len(taken)
        return taken

    def begin(self) -> None:
        """A stream of `some` begins: its progress is judged from now on."""
        self._marked, self._since_mark = time.monotonic(), 0

    def _make_room(self, count: int) -> None:
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + count > BUFFER_BYTES:
            rest = bytes(self._view[self._start : self._end])
            self._view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)

    def _receive(self) -> None:
        """Take in what is there, or wait for it. Our acknowledgement goes out at once.

        dcmtk and Orthanc write a PDU in two small pieces with Nagle on, and hold the second until the first is
        acknowledged: 40 ms each time. TCP_QUICKACK is not sticky, so it is armed around every receive.
        """
        self._acknowledge()
        try:
            count = self._socket.recv_into(self._view[self._end :])
        except TimeoutError as error:
            raise PeerSilent(f"nothing came within {self._seconds:g} s") from error
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            raise ConnectionLost(f"the connection broke ({_words(error)})") from error
        if not count:
            raise ConnectionLost("the connection was closed")
        self._acknowledge()
        self._end += count
        self._since_mark += count

    def _judge_progress(self) -> None:
        now = time.monotonic()
        if self._since_mark >= PROGRESS_BYTES:
            self._marked, self._since_mark = now, 0
        elif now - self._marked > self._seconds:
            raise PeerSilent(f"only {self._since_mark} bytes of a data set came within {self._seconds:g} s")

    def _acknowledge(self) -> None:
        if _QUICKACK is not None:
            with suppress(OSError):  # it has just been closed, or is no TCP socket
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    # sending ----------------------------------------------------------------------------------------------------------

    def send(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Send all of them, in order; over TLS they are joined, at most a mebibyte at a time.

        Raises ConnectionLost, PeerSilent.
        """
        try:
            if self._secured:
                self._send_secured(buffers)
            else:
                self._send_plain(list(buffers))
        except TimeoutError as error:
            raise PeerSilent(f"the peer took nothing, or too little, within {self._seconds:g} s") from error
        except (OSError, ValueError) as error:
            raise ConnectionLost(f"the connection broke ({_words(error)})") from error

    def _send_plain(self, left: list[bytes | memoryview]) -> None:
        total = sum(len(one) for one in left)
        deadline, progress = time.monotonic() + self._seconds, 0
        while True:
            sent = self._socket.sendmsg(left)
            total -= sent
            if not total:
                return
            progress += sent
            position = 0
            while sent >= len(left[position]):
                sent -= len(left[position])
                position += 1
            left = left[position:]
            left[0] = memoryview(left[0])[sent:]
            if progress >= PROGRESS_BYTES:
                deadline, progress = time.monotonic() + self._seconds, 0
            elif time.monotonic() > deadline:
                raise TimeoutError

    def _send_secured(self, buffers: Sequence[bytes | memoryview]) -> None:
        run: list[bytes | memoryview] = []
        size = 0
        for one in buffers:
            if size and size + len(one) > _MOST_PER_TLS_RECORD_RUN:
                self._socket.sendall(b"".join(run))
                run, size = [], 0
            run.append(one)
            size += len(one)
        self._socket.sendall(b"".join(run))

    # the end ----------------------------------------------------------------------------------------------------------

    def hang_up(self) -> None:
        """Shut the connection, from any thread, so that one blocked in it comes back."""
        with suppress(OSError, ValueError):  # it is shut already, or not yet connected
            # not SSLSocket's own, which would take TLS away from under the thread that reads
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self.hang_up()
        self._socket.close()


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__).lower()
