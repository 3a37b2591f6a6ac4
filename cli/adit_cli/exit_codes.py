"""What the shell gets: one meaning per exit code, over all commands."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adit.api.transfer_job import Phase


class ExitCode(IntEnum):
    """Documented in `adit run --help`; scripts rely on it."""

    SUCCESS = 0
    FAILURE = 1
    INVALID_INPUT = 2
    WARNING = 3
    INTERRUPTED = 130


def code_of(phases: "Iterable[Phase | None]") -> ExitCode:
    """The worst of the jobs: all Success is 0, at worst Warning 3, anything else (stalled, suspended, unfinished) 1."""
    worst = ExitCode.SUCCESS
    for phase in phases:
        if phase == "Success":
            continue
        if phase != "Warning":
            return ExitCode.FAILURE
        worst = ExitCode.WARNING
    return worst
