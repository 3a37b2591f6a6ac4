"""Lists the four commands among the others; their own parsers read the words and print the help."""

from typing import Any

import typer
from typer.core import TyperCommand

from adit_cli.app import app, session_of
from adit_cli.data_path.command import Command, Misuse
from adit_cli.data_path.program import NAMES, command_named, run


class _Described(TyperCommand):
    """A command whose words are none of Typer's business."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises a usage error as the other commands do; the words are left in `ctx.args`."""
        words = list(args)
        try:
            command_named(self.name or "").parser().parse(words)
        except Misuse as error:
            raise typer.BadParameter(str(error), ctx=ctx) from error
        super().parse_args(ctx, [])
        ctx.args = words
        return words


def register(command: Command) -> None:
    """Known to `adit --help` and to all that walk through the commands."""
    examples = " · ".join(f"[bold]{one}[/bold]" for one in command.examples)

    @app.command(command.name, cls=_Described, help=f"{command.manual}\n\nExamples: {examples}")
    def _(context: typer.Context) -> None:
        raise typer.Exit(run(command, context.args, lambda: session_of(context)))


for name in NAMES:
    register(command_named(name))
