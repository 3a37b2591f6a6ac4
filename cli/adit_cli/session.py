"""What every command starts from: the data folder, the namespace, and the cluster in the person's name."""

import getpass
import os
import signal
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console

if TYPE_CHECKING:
    from adit.cluster.embedded import EmbeddedCluster

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation of the program: where its data lies, whose name it acts in, and where it prints."""

    data: Path
    namespace: str
    person: str
    out: Console
    err: Console

    @asynccontextmanager
    async def cluster(self) -> "AsyncIterator[EmbeddedCluster]":
        """The embedded cluster, asked in the person's name."""
        from adit.cluster.embedded import EmbeddedCluster  # noqa: PLC0415 - `adit send` needs none, and starts at once

        async with EmbeddedCluster.open(self.data) as cluster:
            yield cluster.acting_as(self.person)


def local_person() -> str:
    """The name of the local user, for the record of who asked."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"uid-{os.getuid()}"


def environment() -> Mapping[str, str]:
    """The process environment, read at this door only."""
    return os.environ


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run one command's coroutine; Ctrl-C and SIGTERM cancel it and reach the caller as KeyboardInterrupt."""
    import asyncio  # noqa: PLC0415 - `adit send` needs no loop, and starts at once

    terminated = threading.Event()

    async def main() -> T:
        if threading.current_thread() is threading.main_thread():  # Python hands signals to no other
            task = asyncio.current_task()
            assert task is not None

            def terminate() -> None:
                terminated.set()
                task.cancel()

            # asyncio turns SIGINT into an orderly end; a service manager's SIGTERM deserves the same.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if terminated.is_set():
            raise KeyboardInterrupt from None
        raise
