"""How an association or a connection fails: told apart here, named after their peer by whoever calls.

RetryableError
├── NotReached               no connection: the name, the address, the port, or TLS that was not agreed on
├── AssociationRejected      A-ASSOCIATE-RJ (PS3.8 9.3.4); `result` says whether it is for good
├── ConnectionLost           it broke, or was ended by us from another thread
│   ├── AssociationAborted   A-ABORT (PS3.8 9.3.8)
│   └── PeerReleased         A-RELEASE: the peer has nothing more to say, and we answered
├── PeerSilent               nothing, or too little, within the time-out
└── ProtocolViolation        what PS3.7 and PS3.8 do not allow at this point
PermanentError
├── InstanceTooLarge         a data set of more bytes than are taken
└── TlsRefused               certificates that a person has to look at
"""

from typing import Final

from adit.errors import PermanentError, RetryableError

_REJECTED_SINCE: Final = {  # by source and diagnostic
    (1, 2): "does not support the DICOM application context",
    (1, 3): "does not know our AE title",
    (1, 7): "does not go by the AE title that it was called by",
    (2, 2): "does not support our protocol version",
    (3, 1): "is congested",
    (3, 2): "has too many associations open",
}


def rejected_since(source: int, diagnostic: int) -> str:
    """What a peer that rejects an association says of itself (PS3.8 table 9-21): a sentence that lacks its subject."""
    return _REJECTED_SINCE.get((source, diagnostic), "gave no reason; its own log may")


class NotReached(RetryableError):
    """No connection could be made; `cause` is the error of the last address tried, and ends the message."""

    default_reason = "PeerUnavailable"

    def __init__(self, message: str, *, cause: OSError, reason: str | None = None) -> None:
        super().__init__(f"{message}: {(cause.strerror or str(cause)).lower()}", reason=reason)
        self.cause = cause


class AssociationRejected(RetryableError):
    """The peer answered A-ASSOCIATE-RJ; `result`, `source` and `diagnostic` are its fields (PS3.8 table 9-21)."""

    default_reason = "AssociationRejected"

    def __init__(self, result: int, source: int, diagnostic: int) -> None:
        kind = "for good" if result == 1 else "for now"
        why = f"it {rejected_since(source, diagnostic)} (source {source}, reason {diagnostic})"
        super().__init__(f"the peer rejects the association {kind}: {why}")
        self.result = result
        self.source = source
        self.diagnostic = diagnostic

    @property
    def permanent(self) -> bool:
        return self.result == 1


class ConnectionLost(RetryableError):
    """The connection broke before everything was said, or another thread of ours ended it."""

    default_reason = "ConnectionLost"


class AssociationAborted(ConnectionLost):
    """The peer sent A-ABORT; `source` and `diagnostic` are its fields (PS3.8 table 9-26)."""

    def __init__(self, source: int, diagnostic: int) -> None:
        who = "the peer's DICOM library" if source == 2 else "the peer"  # noqa: PLR2004 - PS3.8 table 9-26
        super().__init__(f"{who} aborted the association (source {source}, reason {diagnostic}); its log may say why")
        self.source = source
        self.diagnostic = diagnostic


class PeerReleased(ConnectionLost):
    """The peer released the association while a message was awaited; the release is answered, the connection closed."""


class PeerSilent(RetryableError):
    """The peer keeps the connection open, and sends or takes nothing, or too little, within the time-out."""

    default_reason = "PeerSilent"


class ProtocolViolation(RetryableError):
    """The peer sends what PS3.7 and PS3.8 do not allow at this point."""

    default_reason = "ProtocolError"


class InstanceTooLarge(PermanentError):
    """A data set has more bytes than are taken; the association was aborted within it."""

    default_reason = "InstanceTooLarge"


class TlsRefused(PermanentError):
    """TLS fails on certificates, ciphers or versions; the message says whose and what to change."""

    default_reason = "TlsNotTrusted"
