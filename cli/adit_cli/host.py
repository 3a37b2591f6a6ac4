"""Embedded mode's one host: the process that holds the operator lock runs operator and node; the others follow.

When the host ends, another process that waits takes the lock over and goes on where the cluster stands.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease, try_operator_lock
from adit.cluster.embedded.node import EmbeddedNode
from adit_cli.receiver import LOOPBACK, received, receiver_place, write_key
from adit_operator.clock import SystemClock
from adit_operator.operator import Operator
from adit_operator.prober import ConnectorProber
from adit_operator.receiver import receiver_key_of
from adit_operator.settings import OperatorSettings, read_settings

TAKEOVER_SECONDS = 0.5
WRITES_PER_SECOND = 200
STATUS_SECONDS = 0.2


def operator_settings(data: Path) -> OperatorSettings:
    """The operator's settings from the environment; folders lie in the data folder unless MOUNT_DIR says otherwise."""
    # a file on this machine takes more than an API server, and a person watches the numbers
    settings = read_settings(writes_per_second=WRITES_PER_SECOND, status_seconds=STATUS_SECONDS)
    if os.environ.get("MOUNT_DIR"):
        return settings
    return settings.model_copy(update={"mount_dir": str(data / "folders")})


async def host(data: Path) -> None:
    """Run operator and node for as long as this process holds the lock; wait for it until then. Ends when cancelled."""
    while True:
        with try_operator_lock(data) as held:
            if held:
                await _serve(data)
        await asyncio.sleep(TAKEOVER_SECONDS)


async def _serve(data: Path) -> None:
    place = await receiver_place(data)
    if place is None:
        await _operate(data, operator_settings(data))
        return
    given = {"receiver_host": LOOPBACK, "transmit_port": place.transmit_port}
    settings = operator_settings(data).model_copy(update=given)
    assert settings.receiver is not None
    async with EmbeddedCluster.open(data) as cluster:
        write_key(place, await receiver_key_of(cluster, settings))
    async with received(place, settings.receiver.ae_title, os.environ):
        await _operate(data, settings)


async def _operate(data: Path, settings: OperatorSettings) -> None:
    prober = ConnectorProber(calling_ae_title=settings.calling_ae_title, mount_dir=settings.mount_dir)
    async with EmbeddedCluster.open(data) as cluster, EmbeddedNode(cluster, data):
        slots = cluster.interactive_slots()
        await Operator(cluster, FlockLease(data), settings, prober, SystemClock(), slots=slots).run()


@asynccontextmanager
async def hosted(data: Path) -> AsyncIterator["asyncio.Task[None]"]:
    """Host in the background while the context is open; leaving stops the runners with their grace."""
    task = asyncio.create_task(host(data))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
