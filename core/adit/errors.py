"""Every error that crosses a room's door, and what happens next is in its type.

AditError
├── RetryableError           not now; the same request may work later (an attempt is spent)
│   └── PeerUnavailable      nobody answers at the door (no attempt is spent: wait and probe)
└── PermanentError           not ever, until a person changes something
    ├── AccessDenied         the peer refused our AE title or credentials
    ├── NotFound             the peer or the cluster does not have it
    └── BadInput             configuration, manifest or contract that cannot be read
Raised where a foreign API is touched, translated there once, mapped to an outcome once per program.
"""


class AditError(Exception):
    """Base of our errors; `reason` is a CamelCase code that may stand in a status, the message is for people.

    Neither carries patient data.
    """

    default_reason = "Error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason


class RetryableError(AditError):
    """Not now; the same request may work later."""

    default_reason = "Retryable"


class PeerUnavailable(RetryableError):
    """The peer cannot be reached or will not open an association now; nothing was tried, so no attempt is spent.

    `peer` is the name of its DicomServer, so that nobody else is suspected.
    """

    default_reason = "PeerUnavailable"

    def __init__(self, message: str, *, reason: str | None = None, peer: str = "") -> None:
        super().__init__(message, reason=reason)
        self.peer = peer


class PermanentError(AditError):
    """Not ever, until a person changes something."""

    default_reason = "Permanent"


class AccessDenied(PermanentError):
    """The peer refused our AE title or credentials; every further task would meet the same refusal."""

    default_reason = "PeerRefusedAccess"


class NotFound(PermanentError):
    """What was asked for does not exist there."""

    default_reason = "NotFound"


class BadInput(PermanentError):
    """A manifest, configuration or contract that cannot be read."""

    default_reason = "BadInput"
