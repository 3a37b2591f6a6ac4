"""The embedded receiver: beside the host, as a process of its own, while ADIT_RECEIVER_PORT names the port of PACS.

It dies with the host, and is started again where it ends by itself: what had come lies in `<data>/receiver`.
"""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from adit.cluster.embedded.folder import LOGS, open_private, private_folder
from adit.cluster.embedded.pod_log import PodLog
from adit.cluster.embedded.process import PodProcess
from adit.cluster.embedded.volumes import INHERITED
from adit.errors import BadInput, RetryableError

log = structlog.get_logger()

LOOPBACK = "127.0.0.1"
FOLDER, NAME, KEY_FILE = "receiver", "receiver", "receiver.key"
COMMAND = ("python", "-m", "adit_receiver")
PORT_ENV, TRANSMIT_ENV = "ADIT_RECEIVER_PORT", "ADIT_TRANSMIT_PORT"
# Below the ports that a system gives to connections, so that none of them takes it while the receiver starts again.
FIRST_TRANSMIT_PORT, TRANSMIT_PORTS = 14638, 200
START_SECONDS, GRACE_SECONDS, PATIENCE_SECONDS = 30.0, 5.0, 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
LAST_WORDS = 2000


class ReceiverSettings(BaseSettings):
    """ADIT_RECEIVER_PORT; what else begins so goes to the receiver as it is."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    port: Annotated[int | None, Field(alias=PORT_ENV, ge=1, le=65_535)] = None
    transmit_port: Annotated[int | None, Field(alias=TRANSMIT_ENV, ge=1, le=65_535)] = None


@dataclass(frozen=True, slots=True)
class Place:
    """The ports of an embedded receiver, and the data folder that it lies in."""

    data: Path
    port: int
    transmit_port: int

    @property
    def key_file(self) -> Path:
        return self.data / KEY_FILE


async def receiver_place(data: Path) -> Place | None:
    """Where the receiver is to be; None where none is asked for. Raises BadInput for a port that cannot be had.

    It waits a moment for the port: the receiver of a host that was just killed may still be ending.
    """
    try:
        settings = ReceiverSettings()
    except ValidationError as error:
        names = sorted({str(one["loc"][0]) for one in error.errors(include_input=False, include_url=False)})
        raise BadInput(f"{', '.join(names)}: is a port, 1 to 65535", reason="UnusableEnvironment") from None
    if settings.port is None:
        return None
    refused = why_not("", settings.port)
    give_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while refused is not None and asyncio.get_running_loop().time() < give_up:
        await asyncio.sleep(0.1)
        refused = why_not("", settings.port)
    if refused is not None:
        raise BadInput(f"the receiver cannot take port {settings.port} ({PORT_ENV}): {refused}", reason="PortTaken")
    return Place(data, settings.port, settings.transmit_port or _free_transmit_port())


def why_not(host: str, port: int) -> str | None:
    """Why nobody could listen on this port now, in words; None where it is free."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
            door.listen(1)
        except OSError as error:
            taken = "another program listens there; end it, or choose another port"
            return taken if error.errno == errno.EADDRINUSE else (error.strerror or "it cannot be opened").lower()
    return None


def _free_transmit_port() -> int:
    for port in range(FIRST_TRANSMIT_PORT, FIRST_TRANSMIT_PORT + TRANSMIT_PORTS):
        if why_not(LOOPBACK, port) is None:
            return port
    raise BadInput(f"no port from {FIRST_TRANSMIT_PORT} on is free: set {TRANSMIT_ENV}", reason="PortTaken")


def write_key(place: Place, key: bytes) -> None:
    """The key as a file that only its user may read; the one that lies there already is replaced."""
    with os.fdopen(open_private(place.key_file), "wb") as file:
        file.truncate(0)
        file.write(key)


@asynccontextmanager
async def received(
    place: Place, ae_title: str, environ: Mapping[str, str], command: Sequence[str] = COMMAND
) -> AsyncIterator[None]:
    """Take in while the context is open. Raises BadInput with the receiver's last words where it does not start."""
    private_folder(place.data / FOLDER)
    keeper = _Keeper(place, command, _environment(place, ae_title, environ))
    task = asyncio.create_task(keeper.keep())
    try:
        await keeper.started(task)
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Keeper:
    """Keeps one receiver running."""

    def __init__(self, place: Place, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._place, self._command, self._environment = place, command, environment
        self._process: PodProcess | None = None

    async def keep(self) -> None:
        """Start it, and again where it ends; cancelled, let it end with its grace."""
        for pause in _pauses():
            ended = asyncio.Event()
            process = await PodProcess.start(
                self._command,
                self._environment,
                folder=self._place.data,
                log=PodLog(self._place.data, NAME),
                ended=ended.set,
            )
            self._process = process
            try:
                await ended.wait()
            except asyncio.CancelledError:
                process.stop(GRACE_SECONDS)
                await ended.wait()
                raise
            finally:
                await process.finish()
            log.warning("the receiver ended, and is started again", code=process.code, log=str(self._log_file))
            await asyncio.sleep(pause)

    async def started(self, keeping: "asyncio.Task[None]") -> None:
        """Wait until runners can reach it. Raises BadInput."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + START_SECONDS
        while why_not(LOOPBACK, self._place.transmit_port) is None:
            if keeping.done():
                await keeping  # raises why it could not be started
            if self._process is not None and self._process.code is not None:
                raise BadInput(f"the receiver does not start: {self._last_words()}", reason="ReceiverNotStarting")
            if loop.time() > give_up:
                raise RetryableError(f"the receiver is not there after {START_SECONDS:g} s; see {self._log_file}")
            await asyncio.sleep(0.05)

    @property
    def _log_file(self) -> Path:
        return self._place.data / LOGS / f"{NAME}.log"

    def _last_words(self) -> str:
        said = self._log_file.read_bytes()[-LAST_WORDS:].decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"see {self._log_file}"


def _environment(place: Place, ae_title: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What the receiver is told: its own names as they are, and what the host decides."""
    kept = {name: environ[name] for name in INHERITED if name in environ}
    kept |= {name: value for name, value in environ.items() if name.startswith("ADIT_RECEIVER_")}
    return kept | {
        "PYTHONUNBUFFERED": "1",
        "RECEIVER_AE_TITLE": ae_title,
        PORT_ENV: str(place.port),
        TRANSMIT_ENV: str(place.transmit_port),
        "ADIT_TRANSMIT_LISTEN": LOOPBACK,
        "ADIT_RECEIVER_SPOOL": str(place.data / FOLDER),
        "ADIT_RECEIVER_KEY_FILE": str(place.key_file),
        "ADIT_METRICS_PORT": "0",
    }


def _pauses() -> Iterator[float]:
    """Between two starts."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(LONGEST_PAUSE, 2 * pause)
