"""A TCP proxy that breaks a connection after so many bytes from the server, to see what survives it."""

import socket
import threading
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
_PIECE = 1 << 16


class CuttingProxy:
    """Passes connections on to `port`; each of the first `len(cuts)` ends after that many bytes to the client."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        self._target = port
        self._cuts = list(cuts)
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.broken = 0
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            sockets = [self._listener, *self._sockets]
        for one in sockets:
            _shut(one)
        for thread in list(self._threads):
            thread.join()
        for one in [self._listener, *self._sockets]:
            one.close()

    def _start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, name="cutting-proxy")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection((HOST, self._target))
            except OSError:  # the proxy ends, or the server is not there
                return
            with self._lock:
                self._sockets += [client, server]
            left = self._cuts.pop(0) if self._cuts else None
            self._start(self._pass_on, client, server, None)
            self._start(self._pass_on, server, client, left)

    def _pass_on(self, source: socket.socket, sink: socket.socket, left: int | None) -> None:
        try:
            while left is None or left > 0:
                data = source.recv(_PIECE if left is None else min(_PIECE, left))
                if not data:
                    break
                sink.sendall(data)
                left = None if left is None else left - len(data)
        except OSError:
            pass  # the other direction has ended it
        if left == 0:
            self.broken += 1
        _shut(source)
        _shut(sink)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # shut already
        return
