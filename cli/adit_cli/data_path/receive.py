"""adit receive: a C-STORE SCP that writes what comes into a folder, until Ctrl-C."""

import os
import queue
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from adit.dimse.requestor import MAX_PDU
from adit.dimse.server import Server
from adit.dimse.timeouts import Timeouts
from adit.dimse.tls import acceptor_context
from adit.errors import BadInput, PermanentError
from adit_cli.app import app, session_of
from adit_cli.data_path.ending import ending_at_sigterm
from adit_cli.data_path.options import ae_title
from adit_cli.data_path.outcome import Outcome
from adit_cli.data_path.receiving import Receiving
from adit_cli.data_path.report import Report
from adit_cli.data_path.store_folder import StoreFolder
from adit_cli.errors import reported

LOOK_SECONDS = 0.5


@app.command()
def receive(  # noqa: PLR0917 - Typer reads the options of a command from its parameters
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0 takes a free one.")],
    directory: Annotated[
        Path, typer.Option("--dir", help="Where the files go: UID.dcm each; made where it is absent.")
    ],
    calling: Annotated[
        str | None, typer.Option("--aet", help="Our AE title; who calls another is refused. Any where absent.")
    ] = None,
    address: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 for every one.")] = "127.0.0.1",
    fsync: Annotated[bool, typer.Option("--fsync", help="Answer only when the instance is safe on the disk.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of the same UID; else both are kept.")] = False,
    max_pdu: Annotated[
        int, typer.Option(min=0, max=1 << 30, help="The longest PDU that we take, in bytes; 0 is any.")
    ] = MAX_PDU,
    associations: Annotated[int, typer.Option(min=1, max=1000, help="Associations at once; more are refused.")] = 100,
    timeout: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds of silence within a message.")] = 60,
    tls_cert: Annotated[
        Path | None, typer.Option(help="The PEM certificate that we show; with it TLS is spoken.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key.")] = None,
    tls_ca: Annotated[Path | None, typer.Option(help="PEM certificates that a caller's must come from.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="A line for every instance, not for failures only.")
    ] = False,
) -> None:
    """Take in what is sent to it (C-STORE, C-ECHO), in whatever transfer syntax it comes, until Ctrl-C.

    Says who calls, whom it refuses and why, and ends with a summary. It keeps no list of who may send: listen beyond
    127.0.0.1 only where the network is yours.
    Exit codes: 0 all kept, 1 some not kept, 2 a wrong option, 130 never: Ctrl-C is how it ends.

    Examples: [bold]adit receive --port 11112 --aet STORE_1 --dir /tmp/in[/bold] ·
    [bold]adit receive --port 11112 --dir /tmp/in --address 0.0.0.0 --fsync[/bold]
    """
    session = session_of(context)
    with reported(session.err), ending_at_sigterm():
        told: queue.SimpleQueue[Outcome | str] = queue.SimpleQueue()
        tls = _tls(tls_cert, tls_key, tls_ca)
        service = Receiving(
            _folder(directory, fsync=fsync, force=force),
            told.put,
            ae_titles=None if calling is None else frozenset({ae_title(calling)}),
            max_length=max_pdu,
        )
        timeouts = Timeouts(association=timeout, response=timeout)
        server = Server((address, port), service, max_associations=associations, timeouts=timeouts, tls=tls)
        with Report(session.out, session.err, "received", total=None, every=verbose) as report, _listening(server):
            report.say(f"{calling or 'any AE title'} listens on {address}:{server.port}, files go to {directory}")
            try:
                _until_interrupted(told, report)
            except KeyboardInterrupt:
                server.stop_accepting()
        _rest(told, report)
        report.close(at_the_last=True)
    raise typer.Exit(report.tally.code)


def _until_interrupted(told: "queue.SimpleQueue[Outcome | str]", report: Report) -> None:
    while True:
        try:
            _show(told.get(timeout=LOOK_SECONDS), report)
        except queue.Empty:
            continue


def _rest(told: "queue.SimpleQueue[Outcome | str]", report: Report) -> None:
    while not told.empty():
        _show(told.get(), report)


def _show(one: Outcome | str, report: Report) -> None:
    if isinstance(one, str):
        report.say(one)
    else:
        report.begin()
        report.add(one)


@contextmanager
def _listening(server: Server) -> Iterator[None]:
    """The server while it is open; an address that cannot be had is said in words."""
    try:
        server.__enter__()
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise PermanentError(f"the port cannot be opened: {why}. Choose another --port or --address") from error
    try:
        yield
    finally:
        server.__exit__(None, None, None)


def _folder(directory: Path, *, fsync: bool, force: bool) -> StoreFolder:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--dir {directory} cannot be made: {(error.strerror or 'error').lower()}") from error
    return StoreFolder(directory, fsync=fsync, replace=force)


def _tls(certificate: Path | None, key: Path | None, authorities: Path | None) -> ssl.SSLContext | None:
    if certificate is None or key is None:
        if certificate or key or authorities:
            raise BadInput("--tls-cert and --tls-key belong together, and --tls-ca needs them")
        return None
    try:
        return acceptor_context(certificate, key, authorities=authorities)
    except (OSError, ValueError) as error:
        raise BadInput(f"the files of --tls-cert, --tls-key and --tls-ca cannot be used: {error}") from error
