"""`adit`, and `python -m adit_cli`: registers every command, then runs the one that was asked for."""

import logging
import sys

import structlog

from adit.log_output import log_to
from adit_cli import demo, doctor, job_verbs, objects, pacs, populate, run, servers
from adit_cli.app import app
from adit_cli.exit_codes import ExitCode

__all__ = ["app", "demo", "doctor", "job_verbs", "main", "objects", "pacs", "populate", "run", "servers"]


def main() -> None:
    """Run the command line; what is logged below an error is not for a person at a prompt."""
    log_to(sys.stderr, level=logging.ERROR, as_json=False)
    try:
        app()
    except Exception:  # noqa: BLE001 - logged and ended; the message that Python would print may quote a patient's data
        structlog.get_logger("adit").exception("a defect of this program ended it")
        sys.exit(ExitCode.FAILURE)


if __name__ == "__main__":
    main()
