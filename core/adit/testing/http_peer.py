"""A scripted HTTP server for the faults that no real DICOMweb server shows on request."""

import re
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
MAX_KEPT_BODY = 1 << 20
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Response:
    """One scripted answer, for requests of `method` whose path and query begin with a match of the regex `path`."""

    method: str
    path: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: tuple[bytes, ...] = ()
    """Written piece by piece, so that a client sees a stream"""
    close_after: int | None = None
    """Close the connection after this many pieces, although the announced length promises more"""
    once: bool = False
    """Answer one request only; the next one gets the response that follows in the script"""


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; `body` is kept up to 1 MiB, `body_size` counts all of it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body_size: int
    body: bytes


class HttpPeer:
    """Serves scripted responses on 127.0.0.1: the first that fits, else 404. Use it as a context manager."""

    def __init__(self, responses: Iterable[Response]) -> None:
        self._responses = list(responses)
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        peer = self

        class Handler(_Handler):
            def setup(self) -> None:
                peer.opened(self.request)
                super().setup()

            def respond(self) -> None:
                peer.respond(self)

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = False  # server_close() waits for them, so that none outlives a test
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="http-peer")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        with self._lock:
            for connection in self._connections:
                _shut(connection)  # a client that keeps its connection alive would hold the thread
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in order."""
        with self._lock:
            return tuple(self._requests)

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def respond(self, handler: "_Handler") -> None:
        body, size = handler.read_body()
        request = Request(handler.command, handler.path, dict(handler.headers.items()), size, body)
        with self._lock:
            self._requests.append(request)
            response = self._next(request)
        handler.write(response)

    def _next(self, request: Request) -> Response:
        for response in self._responses:
            if response.method == request.method and re.match(response.path, request.path):
                if response.once:
                    self._responses.remove(response)
                return response
        return Response(request.method, request.path, 404, {"Content-Type": "text/plain"}, (b"not scripted",))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10  # an idle keep-alive connection ends, and with it its thread
    disable_nagle_algorithm = True

    def respond(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.respond()

    def do_DELETE(self) -> None:
        self.respond()

    def read_body(self) -> tuple[bytes, int]:
        """The head of the request's body, and its whole size in bytes."""
        kept, size = bytearray(), 0
        for piece in self._pieces():
            size += len(piece)
            kept += piece[: MAX_KEPT_BODY - len(kept)]
        return bytes(kept), size

    def _pieces(self) -> Iterable[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while length := int(self.rfile.readline(32).split(b";")[0], 16):
                yield self.rfile.read(length)
                self.rfile.readline(8)
            self.rfile.readline(8)
            return
        left = int(self.headers.get("Content-Length", "0"))
        while left > 0 and (piece := self.rfile.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece

    def write(self, response: Response) -> None:
        """Send the response, all of it or as far as it is scripted to go."""
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if not {"content-length", "transfer-encoding"} & {name.lower() for name in response.headers}:
            self.send_header("Content-Length", str(sum(map(len, response.body))))
        self.end_headers()
        for piece in response.body[: response.close_after]:
            self.wfile.write(piece)
            self.wfile.flush()
        if response.close_after is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is of the standard library
        """Stay quiet; `HttpPeer.requests` tells what came."""


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has been closed before
        return
