"""Turns our errors into one sentence on stderr and an exit code; nobody sees a traceback for a typing mistake."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from adit.cluster.cluster import Invalid, ObjectNotFound
from adit.errors import AditError, BadInput
from adit_cli.exit_codes import ExitCode


@contextmanager
def reported(err: Console, interrupted: str = "interrupted") -> Iterator[None]:
    """Print what an AditError says and leave with the code it means; Ctrl-C leaves with 130."""
    try:
        yield
    except (BadInput, Invalid, ObjectNotFound) as error:
        err.print(error.message, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ExitCode.INVALID_INPUT) from error
    except AditError as error:
        err.print(f"{error.reason}: {error.message}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ExitCode.FAILURE) from error
    except KeyboardInterrupt as error:
        err.print(interrupted, style="yellow", highlight=False)
        raise typer.Exit(ExitCode.INTERRUPTED) from error
