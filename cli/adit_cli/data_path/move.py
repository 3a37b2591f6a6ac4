"""adit move: C-MOVE, the peer sends a study to a third party (PS3.4 C.4.2)."""

import argparse
from collections.abc import Iterator
from typing import Final

from adit.dimse import commands
from adit.dimse.association import Association
from adit.dimse.commands import Command as CommandSet
from adit.dimse.commands import Element, Field
from adit.dimse.errors import ProtocolViolation
from adit.dimse.negotiation import Proposal
from adit.errors import AditError, BadInput, PermanentError
from adit.transfer.part10 import is_uid
from adit_cli.data_path.canceling import Responses, responses
from adit_cli.data_path.command import Command, OpenSession, Parser
from adit_cli.data_path.ending import Canceled
from adit_cli.data_path.identifier import IMPLICIT_LITTLE_ENDIAN, identifier
from adit_cli.data_path.options import add_connection, ae_title, connection_of
from adit_cli.data_path.outcome import State
from adit_cli.data_path.peers import peer
from adit_cli.data_path.report import Report
from adit_cli.data_path.screen import Screen
from adit_cli.data_path.statuses import PENDING, SUCCESS, is_warning, words_of
from adit_cli.exit_codes import ExitCode

STUDY_ROOT_MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
_ENDED: Final = ((Element.COMPLETED, State.DONE), (Element.WARNING, State.WARNING), (Element.FAILED, State.FAILED))


def _options(parser: Parser) -> None:
    add = parser.add_argument
    add("source", metavar="SERVER|AET@HOST:PORT", help="Who has the study, and sends it.")
    add("--study", required=True, metavar="UID", help="Study Instance UID.")
    add("--to", required=True, metavar="AET", help="The AE title to send to; SERVER must know its host and port.")
    add("--series", default="", metavar="UID", help="Series Instance UID, for one series alone.")
    add_connection(parser)


def _run(given: argparse.Namespace, screen: Screen, session: OpenSession) -> ExitCode:
    for option, uid in (("--study", given.study), ("--series", given.series)):
        if (uid or option == "--study") and not is_uid(uid):
            raise BadInput(f"{option} {uid}: not a UID")
    destination = ae_title(given.to)
    with (
        Report(screen, "sent", total=None, every=False) as report,
        peer(session, given.source, connection_of(given)) as caller,
    ):
        report.restart()
        association = caller.associate((Proposal(STUDY_ROOT_MOVE, (IMPLICIT_LITTLE_ENDIAN,)),))
        try:
            wanted = identifier(given.study, given.series)
            end = _followed(association, destination, wanted, report, caller.timeouts.response)
            association.release()
        finally:
            association.close()
        report.close()
    _say_counts(report)
    status = commands.number(end, Element.STATUS)
    if status != SUCCESS:
        sentence = f"{caller.name} says: {words_of(end)}"
        if not is_warning(status):
            raise PermanentError(sentence + _advice(status, destination))
        report.say(sentence, "yellow")
    elif not sum(report.tally.counts.values()):
        report.say(f"{caller.name} had nothing to send", "yellow")
    return report.tally.code


def _followed(association: Association, destination: str, wanted: bytes, report: Report, silence: float) -> CommandSet:
    """Ask, and count until the final response."""
    context = association.context(STUDY_ROOT_MOVE)
    if context is None:
        raise PermanentError("the peer offers no C-MOVE (Study Root) to us")
    message_id = association.next_message_id()
    request = commands.request(Field.C_MOVE_RQ, message_id, STUDY_ROOT_MOVE, destination=destination)
    association.send(context.context_id, request, (wanted,))
    answer: CommandSet = {}
    try:
        with responses(association, context.context_id, message_id, silence) as awaited:
            for answer in _each_of(awaited):
                _count(answer, report)
    except (AditError, KeyboardInterrupt) as error:
        report.close()
        _say_counts(report)
        if isinstance(error, Canceled):
            report.say("the peer says that it stopped sending", "yellow")
        else:
            report.say("the association was aborted: the peer may go on sending all the same", "yellow")
        raise
    return answer


def _each_of(awaited: Responses) -> Iterator[CommandSet]:
    while True:
        message = awaited.receive()
        if message.field != Field.C_MOVE_RSP:
            raise ProtocolViolation("the peer answers C-MOVE with another message")
        yield message.command
        if message.status not in PENDING:
            return


def _count(answer: CommandSet, report: Report) -> None:
    """The peer counts, and names none of them."""
    for element, state in _ENDED:
        report.count(state, max(0, commands.number(answer, element) - report.tally.counts[state]))
    if Element.REMAINING in answer:
        ended = sum(report.tally.counts.values())
        report.total = ended + commands.number(answer, Element.REMAINING)


def _say_counts(report: Report) -> None:
    named = {State.WARNING: "with a warning", State.FAILED: "failed"}
    others = [f"{report.tally.counts[state]} {words}" for state, words in named.items() if report.tally.counts[state]]
    if others:
        report.say(f"{', '.join(others)}, by the peer's own count; its log may say which", "yellow")


def _advice(status: int, destination: str) -> str:
    unknown = 0xA801
    return f"; it must know host and port of {destination}" if status == unknown else ""


COMMAND: Final = Command(
    name="move",
    usage="SERVER|AET@HOST:PORT --study UID --to AET",
    manual="""Let a PACS send a study to another (C-MOVE), and follow its count.

The images do not come this way. What arrived is best asked there: this shows what the sender says.
Exit codes: 0 all sent, 3 some with a warning, 1 some or all not sent, 2 a wrong option, 130 interrupted.""",
    examples=(
        "adit move source --study 1.2.3 --to DESTINATION",
        "adit move PACS@127.0.0.1:11112 --study 1.2.3 --to STORE_1 --aet ADIT",
    ),
    add_options=_options,
    run=_run,
)
