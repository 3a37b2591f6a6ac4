"""adit fetch: C-GET of a study into a folder."""

import argparse
from pathlib import Path
from typing import Final

from adit.dimse.association import Association
from adit.errors import AditError, BadInput, PermanentError
from adit.transfer.part10 import is_uid
from adit_cli.data_path.command import Command, OpenSession, Parser, add_verbose
from adit_cli.data_path.ending import interruption
from adit_cli.data_path.fetching import Fetching, Wanted, proposals
from adit_cli.data_path.options import add_connection, connection_of
from adit_cli.data_path.peers import peer
from adit_cli.data_path.report import Report
from adit_cli.data_path.screen import Screen
from adit_cli.data_path.store_folder import StoreFolder
from adit_cli.exit_codes import ExitCode


def _options(parser: Parser) -> None:
    add = parser.add_argument
    add("source", metavar="SERVER|AET@HOST:PORT", help="Whom to ask.")
    add("directory", type=Path, metavar="DIR", help="Where the files go: UID.dcm each; made where absent.")
    add("--study", required=True, metavar="UID", help="Study Instance UID.")
    add("--series", default="", metavar="UID", help="Series Instance UID, for one series alone.")
    add(
        "--sop-class",
        action="append",
        metavar="UID",
        help="A SOP class UID to ask for; may be repeated. Else the usual.",
    )
    add("--syntax", action="append", metavar="UID", help="A transfer syntax UID to take; may be repeated. Else all.")
    add("--fsync", action="store_true", help="Answer only when the instance is safe on the disk.")
    add("--force", action="store_true", help="Replace files that are there already.")
    add_verbose(parser, "instance")
    add_connection(parser)


def _run(given: argparse.Namespace, screen: Screen, session: OpenSession) -> ExitCode:
    wanted = _wanted(given.study, given.series)
    folder = _folder(given.directory, fsync=given.fsync, force=given.force)
    try:
        offered = proposals(given.sop_class or (), given.syntax or ())
    except ValueError as error:
        raise BadInput(str(error)) from error
    with (
        Report(screen, "fetched", total=None, every=given.verbose) as report,
        peer(session, given.source, connection_of(given)) as caller,
    ):
        report.restart()
        association = caller.associate(offered)
        fetching = Fetching(association, folder, caller.timeouts.response)
        _carry_out(association, fetching, wanted, report, caller.name)
    return _code(fetching, report)


def _carry_out(association: Association, fetching: Fetching, wanted: Wanted, report: Report, name: str) -> None:
    try:
        for outcome in fetching.run(wanted):
            report.total = fetching.expected
            report.add(outcome)
        association.release()
    except (AditError, KeyboardInterrupt) as error:
        report.close()
        if isinstance(error, KeyboardInterrupt):
            report.say(interruption(name, error), "yellow")
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


COMMAND: Final = Command(
    name="fetch",
    usage="SERVER|AET@HOST:PORT DIR --study UID",
    manual="""Fetch a study from a PACS (C-GET) into a folder, each instance in the transfer syntax that it comes in.

Exit codes: 0 all fetched, 3 the PACS has a warning, 1 some not fetched, or none at all, 2 a wrong option,
130 interrupted.""",
    examples=(
        "adit fetch source --study 1.2.3 /tmp/study",
        "adit fetch PACS@127.0.0.1:11112 --study 1.2.3 --series 1.2.3.4 /tmp/series --force",
    ),
    add_options=_options,
    run=_run,
)
