"""A connection that a person waits for: it takes one of the server's interactive slots while it is open."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adit.api.dicom_server import DicomServerSpec
from adit.api.resource import DicomServer
from adit.cluster.credential import credential_files
from adit.cluster.kinds import Ref
from adit.cluster.slots import interactive_capacity, interactive_slot
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
from adit.connectors.credentials import laid_out
from adit.errors import BadInput
from adit_cli.session import Session
from adit_cli.settings import ProgramSettings


@dataclass(frozen=True, slots=True)
class Peer:
    """An open connector to a server, and the server's own description."""

    connector: Connector
    server: DicomServerSpec

    @property
    def most(self) -> int:
        """How many answers it wants to be asked for at most."""
        return self.server.limits.max_search_results


@asynccontextmanager
async def connected(session: Session, name: str) -> AsyncIterator[Peer]:
    """Open the named DicomServer on an interactive slot. Raises SlotsTaken naming who holds them, ObjectNotFound."""
    async with reserved(session, name) as target:
        assert isinstance(target.spec, DicomServerSpec)
        with open_connector(target) as connector:
            yield Peer(connector, target.spec)


@asynccontextmanager
async def reserved(session: Session, name: str, slots: int = 1) -> AsyncIterator[Target]:
    """So many interactive slots of the named DicomServer, and what it takes to reach it.

    Raises as `connected`, and BadInput at once where the server does not have so many.
    """
    settings = ProgramSettings()
    async with session.cluster() as cluster, AsyncExitStack() as held:

        async def described() -> DicomServer:
            return DicomServer.read(await cluster.get(Ref("DicomServer", session.namespace, name)))

        server = await described()
        if slots > (most := interactive_capacity(server)):
            raise BadInput(
                f"DicomServer/{name} gives people {most} association{'s' if most > 1 else ''} at once, not {slots}; "
                "ask for fewer, set its spec.limits.reservedInteractive, or name the peer as HOST:PORT"
            )
        files = await credential_files(cluster, server)
        holder = f"{session.person} (adit, process {settings.process_id})"
        for _ in range(slots):
            slot = interactive_slot(
                cluster.interactive_slots(), server, holder, again=described, timeout=settings.slot_seconds
            )
            await held.enter_async_context(slot)
        given = held.enter_context(laid_out(files))
        yield Target(
            name,
            server.spec,
            settings.calling_ae_title,
            Path(settings.mount_dir),
            given.authorization,
            given.tls,
        )
