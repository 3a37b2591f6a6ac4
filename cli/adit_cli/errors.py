"""Turns our errors into one sentence on stderr and an exit code; nobody sees a traceback for a typing mistake."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adit.errors import AditError, BadInput, PeerUnavailable, PermanentError, RetryableError
from adit_cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

# Reasons that say no more than the sentence does.
UNSPECIFIC = frozenset(
    (*(one.default_reason for one in (AditError, PermanentError, RetryableError, PeerUnavailable)), "Refused")
)


@contextmanager
def reported(err: "Console", interrupted: str = "interrupted") -> Iterator[None]:
    """Print what an AditError says and leave with the code it means; Ctrl-C leaves with 130."""
    import typer  # noqa: PLC0415 - the commands of the data path say their errors without it

    try:
        yield
    except AditError as error:
        sentence, code = said(error)
        err.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(code) from error
    except KeyboardInterrupt as error:
        err.print(interrupted, style="yellow", highlight=False)
        raise typer.Exit(ExitCode.INTERRUPTED) from error


def said(error: AditError) -> tuple[str, ExitCode]:
    """The sentence for a person, and the code for the shell."""
    from adit.cluster.cluster import Invalid, ObjectNotFound  # noqa: PLC0415 - `adit send` starts without a cluster

    if isinstance(error, ObjectNotFound):
        return with_hint(error.message), ExitCode.INVALID_INPUT
    if isinstance(error, BadInput | Invalid):
        return error.message, ExitCode.INVALID_INPUT
    prefix = "" if error.reason in UNSPECIFIC else f"{error.reason}: "
    return prefix + error.message, ExitCode.FAILURE


def with_hint(message: str) -> str:
    """What does not exist, and the command that lists what does."""
    from adit.cluster.kinds import KINDS  # noqa: PLC0415 - as above

    kind = KINDS.get(message.partition("/")[0])
    return f"{message}; adit get {kind.short or kind.plural} lists what there is" if kind else message
