"""`adit`, and `python -m adit_cli`: runs the command that was asked for, and imports no more than it needs."""

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adit_cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from adit_cli.session import Session

__all__ = ["main"]

# They are compared with programs in C that start in 20 ms; all commands together take half a second to import.
QUICK: Final = frozenset({"fetch", "move", "receive", "send"})


def main() -> None:
    """Run the command line; what is logged below an error is not for a person at a prompt."""
    try:
        code = _run(sys.argv[1:])
        if is_quick(sys.argv[1:]):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # all is closed: to take the interpreter apart would be a tenth of a short command's time
        sys.exit(code)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.FAILURE)
    except Exception:  # noqa: BLE001 - logged and ended; the message that Python would print may quote a patient's data
        _log_errors()
        import structlog  # noqa: PLC0415 - a quick command logs nothing else

        structlog.get_logger("adit").exception("a defect of this program ended it")
        sys.exit(ExitCode.FAILURE)


def is_quick(words: Sequence[str]) -> bool:
    """Whether it is one of the data path, named first."""
    return bool(words) and words[0] in QUICK


def _run(words: Sequence[str]) -> int:
    if is_quick(words):
        gc.disable()  # imports leave no garbage
        from adit_cli.data_path.program import command_named, run  # noqa: PLC0415 - no other command is imported

        command = command_named(words[0])
        gc.freeze()
        gc.enable()
        return run(command, words[1:], _session)
    from adit_cli.commands import app  # noqa: PLC0415 - nor is it for them

    _log_errors()
    app()
    return ExitCode.SUCCESS


def _session() -> "Session":
    """With the options that stand before a command at their defaults."""
    from adit_cli.app import open_session  # noqa: PLC0415 - with HOST:PORT there is none

    folder = os.environ.get("ADIT_DATA")
    return open_session(Path(folder) if folder else None, "default")


def _log_errors() -> None:
    import logging  # noqa: PLC0415 - a quick command logs nothing else

    from adit.log_output import log_to  # noqa: PLC0415 - as above

    log_to(sys.stderr, level=logging.ERROR, as_json=False)


if __name__ == "__main__":
    main()
