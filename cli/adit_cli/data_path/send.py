"""adit send: C-STORE of files as they lie on the disk."""

import argparse
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from adit.dimse.pipeline import MOST_OUTSTANDING
from adit.errors import AditError, BadInput
from adit_cli.data_path.caller import Caller
from adit_cli.data_path.command import Command, OpenSession, Parser, add_verbose, number
from adit_cli.data_path.ending import interruption
from adit_cli.data_path.files import DicomFile, found
from adit_cli.data_path.options import add_connection, address_of, connection_of
from adit_cli.data_path.outcome import Outcome
from adit_cli.data_path.parts import shares
from adit_cli.data_path.peers import peer
from adit_cli.data_path.report import Report
from adit_cli.data_path.screen import Screen
from adit_cli.data_path.sending import sent
from adit_cli.exit_codes import ExitCode


def _options(parser: Parser) -> None:
    parser.add_argument("words", nargs="+", metavar="DIR|FILE…", help="What to send, and to whom: the last word.")
    parser.add_argument(
        "--associations", type=number(int, 1, 64), default=1, metavar="N", help="At once, a process for each (1)."
    )
    parser.add_argument(
        "--window",
        type=number(int, 1, MOST_OUTSTANDING),
        default=1,
        metavar="N",
        help="Unanswered at once, if agreed (1).",
    )
    add_verbose(parser, "file")
    add_connection(parser)


def _run(given: argparse.Namespace, screen: Screen, session: OpenSession) -> ExitCode:
    if len(given.words) < 2:  # noqa: PLR2004 - what, and where to
        raise BadInput("adit send needs files or folders, and after them a server or HOST:PORT")
    *paths, to = given.words
    looked_at = list(found(map(Path, paths)))
    files = [one for one in looked_at if isinstance(one, DicomFile)]
    connection = connection_of(given)
    with Report(screen, "stored", total=len(files), every=given.verbose) as report:
        for one in looked_at:
            if isinstance(one, Outcome):
                report.add(one)
        if not files:
            report.close()
            raise BadInput(_nothing(paths, to))
        with peer(session, to, connection, min(given.associations, len(files))) as caller:
            report.restart()
            _carry_out(replace(caller, window=given.window), files, given.associations, report)
    return report.tally.code


def _carry_out(caller: Caller, files: Sequence[DicomFile], associations: int, report: Report) -> None:
    with closing(_outcomes(caller, files, associations)) as outcomes:
        try:
            for outcome in outcomes:
                report.add(outcome)
        except (AditError, KeyboardInterrupt) as error:
            report.close()
            if isinstance(error, KeyboardInterrupt):
                report.say(interruption(caller.name, error), "yellow")
            raise
    report.close()


def _outcomes(caller: Caller, files: Sequence[DicomFile], associations: int) -> Generator[Outcome, None, None]:
    if associations == 1:
        return sent(caller, files)
    from adit_cli.data_path.workers import sent_by_several  # noqa: PLC0415 - one association needs no processes

    return sent_by_several(caller, shares(files, associations))


def _nothing(paths: Sequence[str], to: str) -> str:
    if address_of(to) is None and Path(to).exists():
        return f"{to} is a file or folder: the last word must be a server or HOST:PORT"
    return f"nothing that could be sent in {', '.join(paths[:3])}{' …' if len(paths) > 3 else ''}"  # noqa: PLR2004 - enough


COMMAND: Final = Command(
    name="send",
    usage="DIR|FILE… SERVER|HOST:PORT",
    manual="""Send DICOM files to a PACS (C-STORE), byte for byte as they are, and say of each what the PACS said.

In folders everything is looked at; what is no DICOM file is named, counted and left out.
Exit codes: 0 all stored, 3 some with a warning, 1 some not stored, 2 nothing that could be sent or a wrong option,
130 interrupted.""",
    examples=(
        "adit send /data/ct source",
        "adit send a.dcm b.dcm 127.0.0.1:11112 --aec PACS",
        "adit send /data/ct PACS@127.0.0.1:11112 --associations 2 --tls --tls-ca ca.pem",
    ),
    add_options=_options,
    run=_run,
)
