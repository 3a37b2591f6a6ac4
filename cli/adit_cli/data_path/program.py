"""Runs one command of the data path: its words, its errors in a sentence, its exit code."""

import importlib
from collections.abc import Sequence
from typing import Final

from adit.errors import AditError
from adit_cli.data_path.command import Command, Misuse, OpenSession
from adit_cli.data_path.ending import ending_at_sigterm
from adit_cli.data_path.screen import Screen
from adit_cli.exit_codes import ExitCode

NAMES: Final = ("fetch", "move", "receive", "send")


def command_named(name: str) -> Command:
    """One of NAMES; the others are not imported."""
    assert name in NAMES
    command = importlib.import_module(f"adit_cli.data_path.{name}").COMMAND
    assert isinstance(command, Command)
    return command


def run(command: Command, words: Sequence[str], session: OpenSession) -> ExitCode:
    """Do it, and say in a sentence what went wrong; --help raises SystemExit."""
    screen, parser = Screen(), command.parser()
    try:
        arguments = parser.parse(words)
    except Misuse as error:
        screen.say(f"Usage: {parser.usage}; {parser.prog} --help lists the options.")
        screen.say(f"Error: {error}", "red")
        return ExitCode.INVALID_INPUT
    try:
        with ending_at_sigterm():
            return command.run(arguments, screen, session)
    except AditError as error:
        from adit_cli.errors import said  # noqa: PLC0415 - it knows the errors of the cluster, which take long to import

        sentence, code = said(error)
        screen.say(sentence, "red")
        return code
    except KeyboardInterrupt:
        screen.say("interrupted", "yellow")
        return ExitCode.INTERRUPTED
