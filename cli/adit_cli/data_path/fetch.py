"""adit fetch: C-GET of a study into a folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from adit.dimse.association import Association
from adit.errors import AditError, BadInput, PermanentError
from adit.transfer.part10 import is_uid
from adit_cli.app import app, session_of
from adit_cli.data_path.ending import ending_at_sigterm, interruption
from adit_cli.data_path.fetching import Fetching, Wanted, proposals
from adit_cli.data_path.options import Connection, with_connection
from adit_cli.data_path.peers import peer
from adit_cli.data_path.report import Report
from adit_cli.data_path.store_folder import StoreFolder
from adit_cli.errors import reported
from adit_cli.exit_codes import ExitCode


@app.command()
@with_connection
def fetch(  # noqa: PLR0917 - Typer reads the options of a command from its parameters
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SERVER|AET@HOST:PORT", help="Whom to ask.")],
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the files go: UID.dcm each; made where absent.")
    ],
    connection: Callable[[], Connection],
    study: Annotated[str, typer.Option(help="Study Instance UID.")],
    series: Annotated[str, typer.Option(help="Series Instance UID, for one series alone.")] = "",
    sop_class: Annotated[
        list[str] | None, typer.Option(help="A SOP class UID to ask for, instead of the usual ones; may be repeated.")
    ] = None,
    syntax: Annotated[
        list[str] | None, typer.Option(help="A transfer syntax UID to take, instead of all; may be repeated.")
    ] = None,
    fsync: Annotated[bool, typer.Option("--fsync", help="Answer only when the instance is safe on the disk.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="A line for every instance, not for failures only.")
    ] = False,
) -> None:
    """Fetch a study from a PACS (C-GET) into a folder, each instance in the transfer syntax that it comes in.

    Exit codes: 0 all fetched, 3 the PACS has a warning, 1 some not fetched, or none at all, 2 a wrong option,
    130 interrupted.

    Examples: [bold]adit fetch source --study 1.2.3 /tmp/study[/bold] ·
    [bold]adit fetch PACS@127.0.0.1:11112 --study 1.2.3 --series 1.2.3.4 /tmp/series --force[/bold]
    """
    session = session_of(context)
    with reported(session.err), ending_at_sigterm():
        wanted = _wanted(study, series)
        folder = _folder(directory, fsync=fsync, force=force)
        try:
            offered = proposals(sop_class or (), syntax or ())
        except ValueError as error:
            raise BadInput(str(error)) from error
        with (
            Report(session.out, session.err, "fetched", total=None, every=verbose) as report,
            peer(session, source, connection()) as caller,
        ):
            report.restart()
            fetching = _carried_out(caller.associate(offered), folder, wanted, report, caller.name)
    raise typer.Exit(_code(fetching, report))


def _carried_out(association: Association, folder: StoreFolder, wanted: Wanted, report: Report, name: str) -> Fetching:
    fetching = Fetching(association, folder)
    try:
        for outcome in fetching.run(wanted):
            report.total = fetching.expected
            report.add(outcome)
        association.release()
    except (AditError, KeyboardInterrupt) as error:
        report.close()
        if isinstance(error, KeyboardInterrupt):
            report.say(interruption(name), "yellow")
        raise
    finally:
        association.close()
    report.total = None
    report.close()
    if fetching.words:
        report.say(f"{name} says: {fetching.words}", "yellow")
    if fetching.lost:
        report.say(
            f"{fetching.lost} instances could not be sent to us, by its own count; --sop-class and --syntax ask for "
            "what is not among the usual",
            "red",
        )
    if fetching.refused and not report.tally.moved:
        raise PermanentError(f"{name} refuses the retrieval: {fetching.words}")
    if not report.tally.moved and not fetching.lost:
        raise PermanentError(f"{name} has nothing of this study, or nothing for us")
    return fetching


def _code(fetching: Fetching, report: Report) -> ExitCode:
    if fetching.lost or fetching.refused:
        return ExitCode.FAILURE
    return report.tally.code or (ExitCode.WARNING if fetching.words else ExitCode.SUCCESS)


def _wanted(study: str, series: str) -> Wanted:
    for option, uid in (("--study", study), ("--series", series)):
        if (uid or option == "--study") and not is_uid(uid):
            raise BadInput(f"{option} {uid}: not a UID")
    return Wanted(study, series)


def _folder(directory: Path, *, fsync: bool, force: bool) -> StoreFolder:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{directory} cannot be made: {(error.strerror or 'error').lower()}") from error
    return StoreFolder(directory, fsync=fsync, replace=force)
