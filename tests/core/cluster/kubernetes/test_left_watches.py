"""Watches and requests that are left in the middle, as the operator does at its end: no socket stays open behind."""

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trustme

from adit.cluster.kubernetes.connection import Call, Connection
from adit.cluster.kubernetes.credentials import ServiceAccount

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[ServiceAccount]:
    """The account at an API server that begins an answer and then says nothing more, a farewell neither."""
    with served(tmp_path, HEAD) as account:
        yield account


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[ServiceAccount]:
    """The account at an API server that never answers."""
    with served(tmp_path, b"") as account:
        yield account


@contextmanager
def served(tmp_path: Path, answer: bytes) -> Iterator[ServiceAccount]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "token").write_text("secret")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    over = threading.Event()

    def serve(door: socket.socket) -> None:
        with context.wrap_socket(door.accept()[0], server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(answer)
            over.wait(30)

    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        thread = threading.Thread(target=serve, args=[door])
        thread.start()
        try:
            yield ServiceAccount("127.0.0.1", str(door.getsockname()[1]), tmp_path)
        finally:
            over.set()
            thread.join(30)


def test_a_watch_that_is_left_leaves_no_socket_behind(account: ServiceAccount) -> None:
    async def leave() -> None:
        connection = Connection(account)
        async with connection.chunks(Call("GET", "/api/v1/pods", "pods"), idle_seconds=10) as stream:
            assert [part async for part in _first(stream)] == [b"{}\n"]
        await connection.close()

    asyncio.run(leave())
    gc.collect()  # a transport that was left open says so when it is collected, and pytest takes that for a failure


def test_a_request_that_is_given_up_leaves_no_socket_behind(silent: ServiceAccount) -> None:
    async def give_up() -> None:
        connection = Connection(silent)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await connection.call(Call("GET", "/api/v1/pods", "pods"))
        await connection.close()

    asyncio.run(give_up())
    gc.collect()


async def _first(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for part in stream:
        yield part
        return
