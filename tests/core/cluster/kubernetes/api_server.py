"""An API server that answers what a test has scripted, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from kubernetes.aio.client import Configuration


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer; chunks are sent one by one, and with `hangs` the answer never ends."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[bytes, ...] = ()
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: tuple[tuple[str, str], ...]
    body: Any

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


def answer(manifest: Any, status: int = 200, **headers: str) -> Scripted:
    """A JSON answer; underscores in a header's name stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted(status, json.dumps(manifest).encode(), named)


def status(code: int, message: str = "", *, reason: str = "", causes: list[dict[str, str]] | None = None) -> Any:
    """The object by which an API server refuses."""
    details = {"causes": causes} if causes else {}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }


def event(kind: str, version: str, name: str = "settings") -> bytes:
    """One line of a watch."""
    manifest = {"metadata": {"name": name, "namespace": "default", "resourceVersion": version}}
    return json.dumps({"type": kind, "object": manifest}).encode() + b"\n"


class ApiServer:
    """Answers in the order of the script; asked for more, it answers 500."""

    def __init__(self) -> None:
        self.script: list[Scripted] = []
        self.asked: list[Asked] = []
        self.tokens: list[str] = []
        self.host = ""
        self._never = asyncio.Event()

    def will(self, *answers: Scripted) -> None:
        self.script.extend(answers)

    async def fill(self, configuration: Configuration) -> None:
        """Credentials: every time one token after the other, as an exec plugin would bring them."""
        configuration.host = self.host
        if self.tokens:
            configuration.api_key["BearerToken"] = f"Bearer {self.tokens.pop(0)}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(
            Asked(
                request.method,
                request.raw_path.partition("?")[0],
                dict(request.query),
                tuple((key, value) for key, value in request.headers.items()),
                json.loads(body) if body else None,
            )
        )
        scripted = self.script.pop(0) if self.script else Scripted(500, b"the script is over")
        response = web.StreamResponse(status=scripted.status, headers=dict(scripted.headers))
        await response.prepare(request)
        for chunk in scripted.chunks or (scripted.body,):
            await response.write(chunk)
        if scripted.hangs:
            await self._never.wait()
        return response

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ApiServer"]:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.host = f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            self._never.set()
            await runner.cleanup()
