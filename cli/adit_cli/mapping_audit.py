"""The audit line of an export: who took which table, and how many rows; never one of them."""

import logging
import os
from pathlib import Path

import structlog

from adit.cluster.embedded.folder import LOGS, private_folder
from adit.errors import PermanentError
from adit_cli.mapping_access import Table

LOG = "adit-mapping.log"
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def audit_line(who: str, table: Table, rows: int | None) -> str:
    """One line of JSON as the runners' are, whatever the program logs beside it; rows None where it was refused."""
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ]
    # a level of its own: the command line logs errors only
    wrapper = structlog.make_filtering_bound_logger(logging.INFO)
    logger = structlog.wrap_logger(structlog.ReturnLogger(), processors, wrapper_class=wrapper)
    line = logger.bind(logger="adit.audit").info(
        "mapping table asked for" if rows is None else "mapping table exported",
        audit=True,
        requestedBy=who,
        namespace=table.namespace,
        profile=table.profile,
        runnerNamespace=table.runner_namespace,
        outcome="Refused" if rows is None else "Exported",
        rows=rows or 0,
    )
    assert isinstance(line, str), "what ReturnLogger returns"
    return line


def keep_line(data: Path, line: str) -> None:
    """Append it to the log in the data folder. Raises PermanentError: what cannot be audited is not exported."""
    try:
        descriptor = os.open(private_folder(data / LOGS) / LOG, _APPENDING, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        message = f"the audit line cannot be written below {data / LOGS}: {error.strerror}; nothing was exported"
        raise PermanentError(message, reason="NotAudited") from error
