"""The way of a PACS of this machine to the receiver's port on the node: no other leads into the node's network."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

CHUNK = 1 << 16


@contextmanager
def gate(dial: Callable[[], socket.socket]) -> Iterator[int]:
    """A port of 127.0.0.1 whose connections are carried to what `dial` opens; its connections end with the context."""
    listener = socket.create_server(("127.0.0.1", 0))
    carried: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return  # the context ended
            try:
                far = dial()
            except OSError:
                near.close()
                continue
            carried.extend((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in carried:
            one.close()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(CHUNK):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
