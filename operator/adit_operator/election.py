"""Election: of several operators one decides; the others stand by, healthy, until its Lease stands still."""

import asyncio
import json
import os
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

import structlog
from aiohttp import web

from adit.cluster.kubernetes.leadership import Leadership

EXIT_LOST = 3
log = structlog.get_logger()


def identity(pod_name: str) -> str:
    """Who we are in the Lease: the pod, else the machine, and a word that no restart has twice."""
    return f"{pod_name or socket.gethostname()}_{uuid.uuid4().hex[:12]}"


def end_at_once(reason: str) -> NoReturn:
    """Leave without tidying up: somebody else may decide from now on, so nothing more may be written."""
    log.error("the operator ends: it does not lead any more", reason=reason, exit_code=EXIT_LOST)
    sys.stdout.flush()
    os._exit(EXIT_LOST)


async def lead(
    leadership: Leadership,
    work: Callable[[], Awaitable[None]],
    *,
    health_port: int,
    leads: Callable[[int], None],
    lost: Callable[[str], object] = end_at_once,
) -> None:
    """Stand by, then work as the leader until the work ends, or SIGTERM ends the waiting.

    `leads` is told 1 or 0. `lost` is called where the Lease is lost meanwhile, and does not return in a program.
    """
    leads(0)
    if not await _won(leadership, health_port):
        log.info("the operator ends while it stands by, as it was asked to")
        return
    leads(1)
    log.info("the operator leads")
    working = asyncio.ensure_future(work())
    keeping = asyncio.create_task(leadership.keep())
    try:
        await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            lost(keeping.result())
        else:
            await working
    finally:
        for task in (working, keeping):
            task.cancel()
        await asyncio.wait({working, keeping})
        await leadership.release()


async def _won(leadership: Leadership, health_port: int) -> bool:
    """Whether we lead; False where a signal came first."""
    told: list[str] = []

    def waiting(holder: str) -> None:
        if told[-1:] != [holder]:
            log.info("the operator stands by", leader=holder)
        told[:] = [holder]

    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, asked.set)
    try:
        async with standing_by(health_port, lambda: told[-1] if told else ""):
            winning, ending = asyncio.create_task(leadership.win(waiting)), asyncio.create_task(asked.wait())
            try:
                await asyncio.wait({winning, ending}, return_when=asyncio.FIRST_COMPLETED)
                if ending.done():
                    return False
                await winning
                return True
            finally:
                for task in (winning, ending):
                    task.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({winning, ending})
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


@asynccontextmanager
async def standing_by(port: int, leader: Callable[[], str]) -> AsyncIterator[None]:
    """Answer the probes of the kubelet while the context is open; port 0 answers none."""
    if not port:
        yield
        return

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text=json.dumps({"standsBy": True, "leader": leader()}), content_type="application/json")

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104  # the kubelet asks the pod's address
        yield
    finally:
        await runner.cleanup()
