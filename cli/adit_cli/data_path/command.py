"""What a command of the data path is: its words, described once for its parser, its --help and the list of commands.

The parser is argparse's: Typer takes three times as long to import as a short sending takes.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

from adit_cli.data_path.screen import Screen
from adit_cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from adit_cli.session import Session

N = TypeVar("N", int, float)
OpenSession = Callable[[], "Session"]
Run = Callable[[argparse.Namespace, Screen, OpenSession], ExitCode]
_WIDTH, _OPTION_WIDTH = 110, 32


class Misuse(Exception):
    """A command line that the parser does not take; the message says why."""


class Parser(argparse.ArgumentParser):
    """Gives its errors to the caller, and takes options before, between and after the other words."""

    def error(self, message: str) -> NoReturn:
        raise Misuse(message)

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Raises Misuse; prints the help and raises SystemExit where that is asked for."""
        return self.parse_intermixed_args(words)


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `usage` are its words beside the options, `manual` is what --help says before it lists them."""

    name: str
    usage: str
    manual: str
    examples: tuple[str, ...]
    add_options: Callable[[Parser], None]
    run: Run

    def parser(self) -> Parser:
        parser = Parser(
            prog=f"adit {self.name}",
            usage=f"adit {self.name} [OPTIONS] {self.usage}".rstrip(),
            description=self.manual,
            epilog="\n  ".join(["Examples:", *self.examples]),
            formatter_class=_layout,
            allow_abbrev=False,
            add_help=False,
        )
        self.add_options(parser)
        parser.add_argument("-h", "--help", action="help", help="Show this message.")
        return parser


def number(kind: type[N], least: N, most: N) -> Callable[[str], N]:
    """What reads a number within limits."""

    def read(text: str) -> N:
        try:
            value = kind(text)
        except ValueError:
            value = most + 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least:g} to {most:g}")
        return value

    return read


def add_verbose(parser: Parser, of: str) -> None:
    parser.add_argument("-v", "--verbose", action="store_true", help=f"A line for every {of}, not for failures only.")


def _layout(prog: str) -> argparse.HelpFormatter:
    """Of a fixed width: to ask the terminal for its own costs an import at every start."""
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=_OPTION_WIDTH, width=_WIDTH)
