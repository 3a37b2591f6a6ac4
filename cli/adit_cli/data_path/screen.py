"""Where a command's lines go: results to stdout, everything else to stderr; in colour on a terminal."""

import os
import sys
from typing import TYPE_CHECKING, TextIO

from adit_cli.data_path.statuses import printable

if TYPE_CHECKING:
    from rich.console import Console


class Screen:
    """Both streams; a stream that is no terminal is written to as it is."""

    def __init__(self) -> None:
        self._out = _console(sys.stdout)
        self.terminal = _console(sys.stderr)
        """stderr, where a person looks at it."""

    def result(self, line: str, style: str = "") -> None:
        """What was asked for."""
        _print(line, style, self._out, sys.stdout)

    def say(self, line: str, style: str = "") -> None:
        """What happened beside it."""
        _print(line, style, self.terminal, sys.stderr)


def _console(stream: TextIO) -> "Console | None":
    if not (stream.isatty() or os.environ.get("FORCE_COLOR")):
        return None
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

    return Console(file=stream)


def _print(line: str, style: str, console: "Console | None", stream: TextIO) -> None:
    line = printable(line)
    if console is None:
        stream.write(line + "\n")
        stream.flush()
    else:
        console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
