"""Every command explains itself, with an example that it would take."""

import re
import shlex

import pytest
import typer.main
from typer.core import TyperGroup

from adit_cli.commands import app
from adit_cli.testing.command_line import CommandLine

COMMANDS = typer.main.get_command(app)
assert isinstance(COMMANDS, TyperGroup)
NAMES = sorted(COMMANDS.commands)


def test_the_commands_are_those_that_the_manual_names() -> None:
    known = [
        *("cancel", "check", "delete", "demo", "describe", "doctor", "echo", "fetch", "find", "get", "mapping", "move"),
        "pacs",
        *("populate", "pseudonymize", "receive", "resume", "retry", "run", "send", "suspend"),
    ]
    assert known == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_command_shows_an_example_that_its_own_parser_takes(adit: CommandLine, name: str) -> None:
    printed = " ".join(adit(name, "--help").out.split())
    assert re.search(rf"Examples?: adit {name}", printed), printed
    assert isinstance(COMMANDS, TyperGroup)
    command = COMMANDS.commands[name]
    examples = re.findall(rf"\[bold\](adit {name}[^\[]*)\[/bold\]", command.help or "")
    assert examples
    for example in examples:
        words = shlex.split(example.replace(" FILE…", " file.yaml"))[2:]
        command.make_context(name, words, resilient_parsing=False)


def test_the_help_says_where_to_start(adit: CommandLine) -> None:
    result = adit("--help")
    assert "Start with adit demo, then see adit check and adit run." in " ".join((result.out + result.err).split())


def test_an_unknown_command_exits_2(adit: CommandLine) -> None:
    assert adit("rnu").code == 2


def test_the_exit_codes_of_a_run_are_in_its_help(adit: CommandLine) -> None:
    printed = " ".join(adit("run", "--help").out.split())
    assert "0 all Success, 3 at worst Warning, 1 any Failure, Canceled, Stalled, Suspended or time-out, 2" in printed
