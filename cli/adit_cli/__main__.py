"""`adit`, and `python -m adit_cli`: registers the commands, then runs the one that was asked for."""

import importlib
import re
import sys
from collections.abc import Sequence

from adit_cli.app import app
from adit_cli.exit_codes import ExitCode

__all__ = ["app", "main"]

# They are compared with programs in C that start in 20 ms; all commands together take half a second to import.
ADDRESS = re.compile(r":[0-9]{1,5}$")
QUICK = frozenset({"fetch", "move", "receive", "send"})


def main() -> None:
    """Run the command line; what is logged below an error is not for a person at a prompt."""
    quick = is_quick(sys.argv[1:])
    importlib.import_module(f"adit_cli.data_path.{sys.argv[1]}" if quick else "adit_cli.commands")
    if not quick:
        _log_errors()
    try:
        app()
    except Exception:  # noqa: BLE001 - logged and ended; the message that Python would print may quote a patient's data
        _log_errors()
        import structlog  # noqa: PLC0415 - a quick command logs nothing else

        structlog.get_logger("adit").exception("a defect of this program ended it")
        sys.exit(ExitCode.FAILURE)


def is_quick(words: Sequence[str]) -> bool:
    """Whether it is one of the data path, named first, that needs no server of the cluster."""
    return (
        bool(words)
        and words[0] in QUICK
        and (words[0] == "receive" or "--help" in words or any(map(ADDRESS.search, words)))
    )


def _log_errors() -> None:
    import logging  # noqa: PLC0415 - a quick command logs nothing else

    from adit.log_output import log_to  # noqa: PLC0415 - as above

    log_to(sys.stderr, level=logging.ERROR, as_json=False)


if __name__ == "__main__":
    main()
