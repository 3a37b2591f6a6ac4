"""One connected socket, plain or TLS: bytes in and out, each within its time, and at once.

What is received goes into one buffer that is used again and again; what is read of it is a view, good until the next
read.
"""

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from adit.dimse.errors import ConnectionLost, PeerSilent, TlsRefused
from adit.dimse.tls import alert
from adit.errors import AditError

if TYPE_CHECKING:
    import ssl

BUFFER_BYTES: Final = 1 << 20
# A peer that gives or takes less than this within the time-out only pretends to be alive.
PROGRESS_BYTES: Final = 16 << 10
_MOST_PER_TLS_RECORD_RUN: Final = 1 << 20
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux alone has it


class Wire:
    """A connection; one thread reads and writes, `hang_up` any."""

    def __init__(self, connection: socket.socket, seconds: float, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._socket = connection
        # What TLS has decrypted and nobody has read; no other socket has it.
        self._pending: Callable[[], int] | None = getattr(connection, "pending", None)
        self._secured = self._pending is not None
        self._buffer = bytearray(buffer_bytes)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._seconds = seconds
        self._waited, self._since_mark = 0.0, 0
        with suppress(OSError):  # not a TCP socket, as in a test
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(seconds)

    @property
    def secured(self) -> bool:
        return self._secured

    def within(self, seconds: float) -> None:
        """How long from now on the peer may keep silent, or let us wait with what we send."""
        self.begin()
        if seconds != self._seconds:
            self._seconds = seconds
            with suppress(OSError):  # closed by another thread, as who reads or writes next is told
                self._socket.settimeout(seconds)

    # receiving --------------------------------------------------------------------------------------------------------

    def exactly(self, count: int) -> memoryview:
        """The next `count` bytes, all of them within the time-out; the caller bounds how many they are.

        Raises ConnectionLost, PeerSilent.
        """
        if self._end - self._start < count:
            self._make_room(count)
            while self._end - self._start < count:
                self._receive()
        taken = self._view[self._start : self._start + count]
        self._start += count
        return taken

    def some(self, most: int) -> memoryview:
        """The next bytes, at least one and at most `most`. Raises ConnectionLost, PeerSilent."""
        if self._start == self._end:
            self._start = self._end = 0
            self._receive()
        taken = self._view[self._start : min(self._end, self._start + most)]
        self._start += len(taken)
        return taken

    def begin(self) -> None:
        """Something new is awaited: the peer has the whole time-out for it, however long the last one took."""
        self._waited, self._since_mark = 0.0, 0

    def quiet(self) -> bool:
        """Whether nothing has come that was not read, the end included; does not wait."""
        return not self.readable(0)

    def readable(self, seconds: float) -> bool:
        """Whether something has come that was not read, the end included; waits for it no longer than that."""
        if self._start != self._end or (self._pending is not None and self._pending()):
            return True
        poll = select.poll()
        try:
            poll.register(self._socket, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        except (OSError, ValueError):  # closed by another thread
            return True

    def _make_room(self, count: int) -> None:
        if self._start == self._end:
            self._start = self._end = 0
        if self._start + count > len(self._buffer):
            rest = bytes(self._view[self._start : self._end])
            if count > len(self._buffer):
                self._buffer = bytearray(count)
                self._view = memoryview(self._buffer)
            self._view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)

    def _receive(self) -> None:
        """Take in what is there, or wait for it. Our acknowledgement goes out at once.

        dcmtk and Orthanc write a PDU in two small pieces with Nagle on, and hold the second until the first is
        acknowledged: 40 ms each time. TCP_QUICKACK is not sticky, so it is armed around every receive.
        """
        self._acknowledge()
        begun = time.monotonic()
        try:
            count = self._socket.recv_into(self._view[self._end :])
        except TimeoutError as error:
            raise PeerSilent(f"nothing came within {self._seconds:g} s") from error
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            raise _broken(error) from error
        if not count:
            raise ConnectionLost("the connection was closed")
        self._acknowledge()
        self._end += count
        self._judge_progress(count, time.monotonic() - begun)

    def _judge_progress(self, count: int, waited: float) -> None:
        """Only the time counts in which we waited: how long we take to write what came is not the peer's fault."""
        self._since_mark += count
        self._waited += waited
        if self._since_mark >= PROGRESS_BYTES:
            self.begin()
        elif self._waited > self._seconds:
            raise PeerSilent(f"only {self._since_mark} bytes came within {self._seconds:g} s")

    def _acknowledge(self) -> None:
        if _QUICKACK is not None:
            try:  # noqa: SIM105 - often; a context manager costs more than the call
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            except OSError:
                pass  # it has just been closed, or is no TCP socket

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
            raise _broken(self._last_words() or error) from error

    def _last_words(self) -> "ssl.SSLError | None":
        """The TLS alert that a peer left behind when it hung up on us while we were sending."""
        if self._secured:
            import ssl  # noqa: PLC0415 - a tenth of a plain command's start

            try:
                self._socket.settimeout(0.1)
                self._socket.recv(1)
            except ssl.SSLError as error:
                return error
            except (OSError, ValueError):
                pass  # none
        return None

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


def _broken(error: OSError | ValueError) -> AditError:
    """In TLS 1.3 a server says what it thinks of our certificate after the handshake, instead of data."""
    if isinstance(error, OSError) and (words := alert(error, "the peer")):
        return TlsRefused(words)
    return ConnectionLost(
        f"the connection broke ({(getattr(error, 'strerror', None) or type(error).__name__).lower()})"
    )
