"""A connection that a person waits for: it takes one of the server's interactive slots while it is open."""

import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adit.api.dicom_server import DicomServerSpec
from adit.api.endpoint import endpoint_of
from adit.api.labels import PURPOSE
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.cluster.slots import SlotsTaken
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
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
    settings = ProgramSettings()
    async with session.cluster() as cluster:
        server = DicomServer.read(await cluster.get(Ref("DicomServer", session.namespace, name)))
        authorization = await _authorization(cluster, server)
        holder = f"{session.person} (adit, process {settings.process_id})"
        slots, wait = cluster.interactive_slots(), settings.slot_seconds
        async with slots.acquire(endpoint_of(server.spec), _capacity(server), holder, timeout=wait):
            target = Target(name, server.spec, settings.calling_ae_title, Path(settings.mount_dir), authorization)
            with open_connector(target) as connector:
                yield Peer(connector, server.spec)


def _capacity(server: DicomServer) -> int:
    """The interactive slots of a server; one that keeps none lends one while no runner uses it."""
    limits = server.spec.limits
    if limits.reserve:
        return limits.reserve
    if server.status.allocated:
        raise SlotsTaken(
            f"all {limits.max_associations} associations of DicomServer/{server.metadata.name} are for runners, and "
            f"{server.status.allocated} work now: wait until they end, or set spec.limits.reservedInteractive"
        )
    return 1


async def _authorization(cluster: Cluster, server: DicomServer) -> str | None:
    web = server.spec.dicomweb
    if web is None or web.authorization is None:
        return None
    reference = web.authorization.secret_ref
    ref = Ref("Secret", server.metadata.namespace, reference.name)
    try:
        secret = await cluster.get(ref)
        if secret["metadata"].get("labels", {}).get(PURPOSE) != "credential":
            raise BadInput(
                f"{ref} may not be read as the credential of DicomServer/{server.metadata.name}: add the label "
                f'"{PURPOSE}: credential" to its manifest and apply it again'
            )
        return base64.b64decode(secret.get("data", {})[reference.key], validate=True).decode().strip()
    except ObjectNotFound as error:
        raise BadInput(f"{ref} does not exist, but DicomServer/{server.metadata.name} needs it") from error
    except (KeyError, binascii.Error, UnicodeDecodeError) as error:
        raise BadInput(f"{ref} has no readable key {reference.key}") from error
