"""adit populate: fills a server with the example patients, so that there is something to move."""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from adit.api.dicom_server import DicomServerSpec
from adit.connectors.connector import Connector
from adit.errors import BadInput, PermanentError, RetryableError
from adit.query import Level, Query
from adit.testing.example_patients import example_patients
from adit.testing.pacs_index import read_instance
from adit.testing.part10 import read_meta
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.placement import Placement
from adit_cli.app import app, session_of
from adit_cli.errors import reported
from adit_cli.interactive import connected
from adit_cli.pacs import CLEAR_SIGNAL, notice_of
from adit_cli.servers import ServerName
from adit_cli.session import run_async

RESET_SECONDS = 10.0


@app.command()
def populate(
    context: typer.Context,
    server: ServerName,
    reset: Annotated[
        bool, typer.Option("--reset", help="Empty it first; only a PACS of [bold]adit pacs[/bold].")
    ] = False,
) -> None:
    """Store the example patients at a server: fictional people, and the real files of pydicom's test data.

    Example: [bold]adit populate source --reset[/bold]
    """
    session = session_of(context)
    with reported(session.err):

        async def work() -> int:
            async with connected(session, server) as peer:
                if reset:
                    await asyncio.to_thread(_emptied, peer.connector, session.data, peer.server)
                return await asyncio.to_thread(stored_examples, peer.connector)

        count = run_async(work())
        session.out.print(f"{count} instances stored at {server}", highlight=False)


def stored_examples(connector: Connector) -> int:
    """Send every example instance. Raises PermanentError naming how many were refused, and why."""
    with tempfile.TemporaryDirectory(prefix="adit-populate-") as folder:
        instances = [_instance(path) for path in example_patients(Path(folder))]
        outcomes = list(connector.store(instances, Placement("populate")))
    refused = [outcome for outcome in outcomes if not outcome.stored]
    if refused:
        raise PermanentError(
            f"{len(refused)} of {len(outcomes)} instances were refused, the first one with: "
            f"{refused[0].reason} {refused[0].message}"
        )
    return len(outcomes)


def _instance(path: Path) -> Instance:
    meta, known = read_meta(path), read_instance(path, 0)
    data_set = FileSlice(path, meta.offset, path.stat().st_size - meta.offset)
    return Instance(known.sop_class_uid, known.sop_instance_uid, known.transfer_syntax_uid, (data_set,))


def _emptied(connector: Connector, data: Path, spec: DicomServerSpec) -> None:
    if spec.dimse is None:
        raise BadInput("--reset needs a server with a DICOM port")
    os.kill(notice_of(data, spec.dimse.port).process_id, CLEAR_SIGNAL)
    give_up = time.monotonic() + RESET_SECONDS
    while next(connector.find(Query(Level.STUDY, limit=1)), None) is not None:
        if time.monotonic() > give_up:
            raise RetryableError(f"the PACS on port {spec.dimse.port} did not empty itself; try again")
        time.sleep(0.1)
