"""Prober: one question to one server, C-ECHO or a one-row QIDO, that says whether it answers."""

import asyncio
from pathlib import Path
from typing import Protocol

from adit.api.resource import DicomServer
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
from adit.errors import PeerUnavailable

LIMIT_SECONDS = 10.0


class Prober(Protocol):
    """Asks a server whether it answers."""

    async def probe(self, server: DicomServer, authorization: str | None) -> None:
        """Return when it does. Raises an AditError that says what it did instead."""
        ...


class ConnectorProber:
    """Asks over our own connectors, in a thread, for ten seconds at most."""

    def __init__(self, *, calling_ae_title: str, mount_dir: str, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._calling_ae_title = calling_ae_title
        self._mount_dir = mount_dir
        self._limit_seconds = limit_seconds

    async def probe(self, server: DicomServer, authorization: str | None) -> None:
        target = Target(
            name=server.metadata.name,
            spec=server.spec,
            calling_ae_title=self._calling_ae_title,
            mount_dir=Path(self._mount_dir),
            authorization=authorization,
        )
        connector = open_connector(target)
        asking = asyncio.create_task(asyncio.to_thread(_echo, connector))
        done, _ = await asyncio.wait({asking}, timeout=self._limit_seconds)
        if not done:
            connector.abort()  # the thread ends with an error of its own, which nobody needs
            asking.add_done_callback(lambda task: task.cancelled() or task.exception())
            raise PeerUnavailable(f"{server.metadata.name} did not answer within {self._limit_seconds:g} s")
        await asking


def _echo(connector: Connector) -> None:
    with connector:
        connector.echo()
