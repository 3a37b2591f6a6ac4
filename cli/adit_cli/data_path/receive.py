"""adit receive: a C-STORE SCP that writes what comes into a folder, until Ctrl-C."""

import argparse
import os
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adit.dimse.requestor import MAX_PDU
from adit.dimse.server import Server
from adit.dimse.timeouts import Timeouts
from adit.dimse.tls import acceptor_context
from adit.errors import BadInput, PermanentError
from adit_cli.data_path.command import Command, OpenSession, Parser, add_verbose, number
from adit_cli.data_path.ending import ending_by
from adit_cli.data_path.options import MAX_PDU_HELP, ae_title
from adit_cli.data_path.outcome import Outcome
from adit_cli.data_path.receiving import Receiving
from adit_cli.data_path.report import Report
from adit_cli.data_path.screen import Screen
from adit_cli.data_path.store_folder import StoreFolder
from adit_cli.exit_codes import ExitCode

if TYPE_CHECKING:
    import ssl

REST_SECONDS: Final = 0.05
Told = queue.SimpleQueue[tuple[float, Outcome | str] | None]  # when it happened; None: it is to end


def _options(parser: Parser) -> None:
    add, seconds = parser.add_argument, number(float, 0.1, 3600)
    add("--port", type=number(int, 0, 65535), required=True, help="The port to listen at; 0 takes a free one.")
    add("--dir", type=Path, required=True, help="Where the files go: UID.dcm each; made where it is absent.")
    add("--aet", metavar="AET", help="Our AE title; who calls another is refused. Any where absent.")
    add("--address", default="127.0.0.1", help="The address to listen at (127.0.0.1); 0.0.0.0 for every one.")
    add("--fsync", action="store_true", help="Answer only when the instance is safe on the disk.")
    add("--force", action="store_true", help="Replace a file of the same UID; else both are kept.")
    add("--max-pdu", type=number(int, 0, 1 << 30), default=MAX_PDU, metavar="BYTES", help=MAX_PDU_HELP)
    add("--associations", type=number(int, 1, 1000), default=100, metavar="N", help="At once; more are refused (100).")
    add("--timeout", type=seconds, default=60.0, metavar="SECONDS", help="Of silence within a message (60).")
    add("--tls-cert", type=Path, metavar="FILE", help="The PEM certificate that we show; with it TLS is spoken.")
    add("--tls-key", type=Path, metavar="FILE", help="Its key.")
    add("--tls-ca", type=Path, metavar="FILE", help="PEM certificates that a caller's must come from.")
    add_verbose(parser, "instance")


def _run(given: argparse.Namespace, screen: Screen, _session: OpenSession) -> ExitCode:
    told: Told = queue.SimpleQueue()
    tls = _tls(given.tls_cert, given.tls_key, given.tls_ca)
    service = Receiving(
        _folder(given.dir, fsync=given.fsync, force=given.force),
        lambda one: told.put((time.perf_counter(), one)),
        ae_titles=None if given.aet is None else frozenset({ae_title(given.aet)}),
        max_length=given.max_pdu,
    )
    timeouts = Timeouts(association=given.timeout, response=given.timeout)
    address = given.address, given.port
    server = Server(address, service, max_associations=given.associations, timeouts=timeouts, tls=tls)
    with Report(screen, "received", total=None, every=given.verbose) as report, _listening(server):
        with ending_by(lambda: told.put(None)):  # an exception might come between taking an outcome and counting it
            who = given.aet or "any AE title"
            report.say(f"{who} listens on {given.address}:{server.port}, files go to {given.dir}")
            _until_ended(told, report)
        server.stop_accepting()
    _rest(told, report)
    report.close(at_the_last=True)
    return report.tally.code


def _until_ended(told: Told, report: Report) -> None:
    """Many at a time: to show each at once would take the interpreter from the thread that receives the next."""
    while (one := told.get()) is not None:
        _show(*one, report)
        if told.empty():
            time.sleep(REST_SECONDS)


def _rest(told: Told, report: Report) -> None:
    while not told.empty():
        if (one := told.get()) is not None:
            _show(*one, report)


def _show(at: float, one: Outcome | str, report: Report) -> None:
    if isinstance(one, str):
        report.say(one)
    else:
        report.begin(at)
        report.add(one, at)


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


def _tls(certificate: Path | None, key: Path | None, authorities: Path | None) -> "ssl.SSLContext | None":
    if certificate is None or key is None:
        if certificate or key or authorities:
            raise BadInput("--tls-cert and --tls-key belong together, and --tls-ca needs them")
        return None
    try:
        return acceptor_context(certificate, key, authorities=authorities)
    except (OSError, ValueError) as error:
        raise BadInput(f"the files of --tls-cert, --tls-key and --tls-ca cannot be used: {error}") from error


COMMAND: Final = Command(
    name="receive",
    usage="--port PORT --dir DIR",
    manual="""Take in what is sent to it (C-STORE, C-ECHO), in whatever transfer syntax it comes, until Ctrl-C.

Says who calls, whom it refuses and why, and ends with a summary. It keeps no list of who may send: listen beyond
127.0.0.1 only where the network is yours.
Exit codes: 0 all kept, 1 some not kept, 2 a wrong option, 130 never: Ctrl-C is how it ends.""",
    examples=(
        "adit receive --port 11112 --aet STORE_1 --dir /tmp/in",
        "adit receive --port 11112 --dir /tmp/in --address 0.0.0.0 --fsync",
    ),
    add_options=_options,
    run=_run,
)
