"""Exit codes: for people only; the operator reads `status.runner.ended`."""

from enum import IntEnum

from adit.api.task_set import EndedReason


class ExitCode(IntEnum):
    """As sysexits.h has them."""

    DONE = 0
    AGAIN = 75
    GIVE_UP = 78


EXIT_CODES: dict[EndedReason, ExitCode] = {
    "Done": ExitCode.DONE,
    "RetryLater": ExitCode.AGAIN,
    "PeerUnavailable": ExitCode.AGAIN,
    "Stopped": ExitCode.AGAIN,
    "AccessDenied": ExitCode.GIVE_UP,
    "BadInput": ExitCode.GIVE_UP,
}
