"""Turns our errors into one sentence on stderr and an exit code; nobody sees a traceback for a typing mistake."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from adit.cluster.cluster import Invalid, ObjectNotFound
from adit.cluster.kinds import KINDS
from adit.errors import AditError, BadInput, PeerUnavailable, PermanentError, RetryableError
from adit_cli.exit_codes import ExitCode
from adit_cli.verbs import Refused

# Reasons that say no more than the sentence does.
UNSPECIFIC = frozenset(
    one.default_reason for one in (AditError, PermanentError, RetryableError, PeerUnavailable, Refused)
)


@contextmanager
def reported(err: Console, interrupted: str = "interrupted") -> Iterator[None]:
    """Print what an AditError says and leave with the code it means; Ctrl-C leaves with 130."""
    try:
        yield
    except ObjectNotFound as error:
        sentence = with_hint(error.message)
        err.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ExitCode.INVALID_INPUT) from error
    except (BadInput, Invalid) as error:
        err.print(error.message, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ExitCode.INVALID_INPUT) from error
    except AditError as error:
        prefix = "" if error.reason in UNSPECIFIC else f"{error.reason}: "
        err.print(prefix + error.message, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ExitCode.FAILURE) from error
    except KeyboardInterrupt as error:
        err.print(interrupted, style="yellow", highlight=False)
        raise typer.Exit(ExitCode.INTERRUPTED) from error


def with_hint(message: str) -> str:
    """What does not exist, and the command that lists what does."""
    kind = KINDS.get(message.partition("/")[0])
    return f"{message}; adit get {kind.short or kind.plural} lists what there is" if kind else message
