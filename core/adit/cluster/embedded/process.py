"""One pod's process: started in a session of its own, tied to the node's life, its output written to its log."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from adit.cluster.embedded import child
from adit.cluster.embedded.pod_log import PodLog

DRAIN_SECONDS = 2.0


class PodProcess(asyncio.SubprocessProtocol):
    """The running process; `code` is None until it has ended, then its exit code (negative: the signal)."""

    def __init__(self, log: PodLog, ended: Callable[[], None]) -> None:
        self.code: int | None = None
        self._closed = asyncio.Event()
        self._log = log
        self._ended = ended
        self._transport: asyncio.SubprocessTransport | None = None
        self._killer: asyncio.TimerHandle | None = None

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path,
        log: PodLog,
        ended: Callable[[], None],
    ) -> "PodProcess":
        """Start a command. Raises OSError where the machine cannot."""
        program = [sys.executable if command[0] == "python" else command[0], *command[1:]]
        # a session of its own: Ctrl-C in a terminal is for the node, which then stops its pods gracefully
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(log, ended),
            *(sys.executable, "-I", "-S", child.__file__, str(os.getpid()), *program),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
            umask=0o077,
        )
        return process

    def stop(self, grace_seconds: float) -> None:
        """Ask the process to end; after the grace it and all that it started are killed."""
        if self.code is None and self._transport is not None:
            with contextlib.suppress(ProcessLookupError):
                self._transport.terminate()
            self._killer = asyncio.get_running_loop().call_later(grace_seconds, self.kill)

    def kill(self) -> None:
        """End the process and all that it started, now."""
        if self._transport is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)

    async def finish(self) -> None:
        """Wait for the last of its output; a child that hid in another session may not hold that up."""
        assert self._transport is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._closed.wait()
        self._transport.close()
        await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        del fd
        self._log.write(data if isinstance(data, bytes) else data.encode())

    def process_exited(self) -> None:
        """The process has ended: what it left running goes as well, as with a container."""
        assert self._transport is not None
        if self._killer is not None:
            self._killer.cancel()
        self.kill()
        self.code = self._transport.get_returncode()
        self._ended()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._log.close()
        self._closed.set()
