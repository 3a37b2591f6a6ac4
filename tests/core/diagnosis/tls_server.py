"""A TLS server that shows a certificate and says nothing, for the handshakes of the tests."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trustme


@contextmanager
def serving(certificate: trustme.LeafCert) -> Iterator[int]:
    """The port that it listens on."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(0.05)
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(door, context, ended))
        thread.start()
        try:
            yield int(door.getsockname()[1])
        finally:
            ended.set()
            thread.join()


def _serve(door: socket.socket, context: ssl.SSLContext, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(TimeoutError, OSError):  # the client hangs up on what it does not trust
            connection, _ = door.accept()
            with connection, context.wrap_socket(connection, server_side=True):
                pass


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client that trusts this authority only."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
