"""Prober: one question to one server, C-ECHO or a one-row QIDO, that says whether it answers."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from adit.api.resource import DicomServer
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
from adit.connectors.credentials import laid_out
from adit.errors import PeerUnavailable

LIMIT_SECONDS = 10.0


class Prober(Protocol):
    """Asks a server whether it answers."""

    async def probe(self, server: DicomServer, credentials: Mapping[str, bytes]) -> None:
        """Return when it does; `credentials` are contents by file. Raises an AditError that says what it did else."""
        ...


class ConnectorProber:
    """Asks over our own connectors, in a thread, for ten seconds at most."""

    def __init__(self, *, calling_ae_title: str, mount_dir: str, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._calling_ae_title = calling_ae_title
        self._mount_dir = mount_dir
        self._limit_seconds = limit_seconds

    async def probe(self, server: DicomServer, credentials: Mapping[str, bytes]) -> None:
        with laid_out(credentials) as given:
            await self._ask(
                Target(
                    name=server.metadata.name,
                    spec=server.spec,
                    calling_ae_title=self._calling_ae_title,
                    mount_dir=Path(self._mount_dir),
                    authorization=given.authorization,
                    tls=given.tls,
                )
            )

    async def _ask(self, target: Target) -> None:
        connector = open_connector(target)
        asking = asyncio.create_task(asyncio.to_thread(_echo, connector))
        done, _ = await asyncio.wait({asking}, timeout=self._limit_seconds)
        if not done:
            connector.abort()  # the thread ends with an error of its own, which nobody needs
            asking.add_done_callback(lambda task: task.cancelled() or task.exception())
            raise PeerUnavailable(f"{target.name} did not answer within {self._limit_seconds:g} s")
        await asking


def _echo(connector: Connector) -> None:
    with connector:
        connector.echo()
