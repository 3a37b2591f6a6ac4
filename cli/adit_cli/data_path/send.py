"""adit send: C-STORE of files as they lie on the disk."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from adit.errors import AditError, BadInput
from adit_cli.app import app, session_of
from adit_cli.data_path.caller import Caller
from adit_cli.data_path.ending import ending_at_sigterm, interruption
from adit_cli.data_path.files import DicomFile, found
from adit_cli.data_path.options import Connection, address_of, with_connection
from adit_cli.data_path.outcome import Outcome
from adit_cli.data_path.parts import shares
from adit_cli.data_path.peers import peer
from adit_cli.data_path.report import Report
from adit_cli.data_path.sending import sent
from adit_cli.data_path.workers import sent_by_several
from adit_cli.errors import reported


@app.command()
@with_connection
def send(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="DIR|FILE… SERVER|HOST:PORT", help="What to send, and to whom: the last word."),
    ],
    connection: Callable[[], Connection],
    associations: Annotated[int, typer.Option(min=1, max=64, help="Associations at once, a process for each.")] = 1,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="A line for every file, not for failures only.")
    ] = False,
) -> None:
    """Send DICOM files to a PACS (C-STORE), byte for byte as they are, and say of each what the PACS said.

    In folders everything is looked at; what is no DICOM file is named, counted and left out.
    Exit codes: 0 all stored, 3 some with a warning, 1 some not stored, 2 nothing that could be sent or a wrong option,
    130 interrupted.

    Examples: [bold]adit send /data/ct source[/bold] · [bold]adit send a.dcm b.dcm 127.0.0.1:11112 --aec PACS[/bold] ·
    [bold]adit send /data/ct PACS@127.0.0.1:11112 --associations 2 --tls --tls-ca ca.pem[/bold]
    """
    session = session_of(context)
    with reported(session.err), ending_at_sigterm():
        if len(words) < 2:  # noqa: PLR2004 - what, and where to
            raise BadInput("adit send needs files or folders, and after them a server or HOST:PORT")
        *paths, to = words
        looked_at = list(found(map(Path, paths)))
        files = [one for one in looked_at if isinstance(one, DicomFile)]
        options = connection()
        with Report(session.out, session.err, "stored", total=len(files), every=verbose) as report:
            for one in looked_at:
                if isinstance(one, Outcome):
                    report.add(one)
            if not files:
                report.close()
                raise BadInput(_nothing(paths, to))
            with peer(session, to, options, min(associations, len(files))) as caller:
                report.restart()
                _carry_out(caller, files, associations, report)
    raise typer.Exit(report.tally.code)


def _carry_out(caller: Caller, files: Sequence[DicomFile], associations: int, report: Report) -> None:
    with closing(_outcomes(caller, files, associations)) as outcomes:
        try:
            for outcome in outcomes:
                report.add(outcome)
        except (AditError, KeyboardInterrupt) as error:
            report.close()
            if isinstance(error, KeyboardInterrupt):
                report.say(interruption(caller.name), "yellow")
            raise
    report.close()


def _outcomes(caller: Caller, files: Sequence[DicomFile], associations: int) -> Generator[Outcome, None, None]:
    if associations == 1:
        return sent(caller, files)
    return sent_by_several(caller, shares(files, associations))


def _nothing(paths: Sequence[str], to: str) -> str:
    if address_of(to) is None and Path(to).exists():
        return f"{to} is a file or folder: the last word must be a server or HOST:PORT"
    return f"nothing that could be sent in {', '.join(paths[:3])}{' …' if len(paths) > 3 else ''}"  # noqa: PLR2004 - enough
