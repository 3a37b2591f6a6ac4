"""adit pacs: the embedded test PACS by itself, and the notice by which `adit populate --reset` finds it."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from adit.cluster.embedded.folder import prepare_data_folder
from adit.errors import BadInput, PermanentError
from adit.testing.pacs import LoopbackPacs
from adit_cli.app import app, session_of
from adit_cli.errors import reported

CLEAR_SIGNAL = signal.SIGUSR1
SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, CLEAR_SIGNAL})


@dataclass(frozen=True, slots=True)
class Notice:
    """A running test PACS, as it says of itself in the data folder."""

    ae_title: str
    port: int
    process_id: int


@app.command()
def pacs(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The DICOM port on 127.0.0.1; 0 takes a free one.")] = 0,
    ae_title: Annotated[str, typer.Option("--aet", help="Its AE title; callers must use it.")] = "PACS",
    directory: Annotated[Path | None, typer.Option("--dir", help="Where it keeps its instances.")] = None,
    move_to: Annotated[
        list[str] | None, typer.Option(metavar="AET=HOST:PORT", help="Who C-MOVE may send to; may be repeated.")
    ] = None,
) -> None:
    """Run a small PACS for trying things out (C-ECHO, C-FIND, C-GET, C-MOVE, C-STORE) until Ctrl-C.

    It listens on 127.0.0.1 only, asks nobody who they are, and is no place for patients' data.

    Example: [bold]adit pacs --port 10104 --aet SOURCE --dir /tmp/source[/bold]
    """
    session = session_of(context)
    with reported(session.err):
        data = prepare_data_folder(session.data)
        folder = directory or data / "pacs" / ae_title
        served = LoopbackPacs(folder, ae_title, port, destinations=dict(map(_destination, move_to or ())))
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # before its threads start: they inherit it
        try:
            served.start()
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise PermanentError(
                f"port {port} cannot be opened: {why}. Choose another --port, or 0 for a free one"
            ) from error
        try:
            with _announced(data, Notice(ae_title, served.port, os.getpid())):
                session.out.print(
                    f"{ae_title} listens on {served.host}:{served.port}, instances in {folder}", soft_wrap=True
                )
                _until_told(served)
        finally:
            served.stop()


def notice_of(data: Path, port: int) -> Notice:
    """The test PACS that listens on a port. Raises BadInput where none of `adit pacs` does."""
    try:
        notice = Notice(**json.loads(_notice_path(data, port).read_text()))
        os.kill(notice.process_id, 0)
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"nothing started by adit pacs listens on port {port}: only such a test PACS can be emptied"
        ) from error
    return notice


def _until_told(served: LoopbackPacs) -> None:
    """Serve until SIGINT or SIGTERM; empty the PACS at CLEAR_SIGNAL."""
    while signal.sigwait(SIGNALS) == CLEAR_SIGNAL:
        served.clear()


@contextmanager
def _announced(data: Path, notice: Notice) -> Iterator[None]:
    path = _notice_path(data, notice.port)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(json.dumps(asdict(notice)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _notice_path(data: Path, port: int) -> Path:
    return data / "pacs" / f"{port}.json"


def _destination(text: str) -> tuple[str, tuple[str, int]]:
    ae_title, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    if not (ae_title and host and port.isdecimal()):
        raise BadInput(f"--move-to {text}: not of the form AET=HOST:PORT")
    return ae_title, (host, int(port))
