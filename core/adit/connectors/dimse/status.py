"""What a peer's numbers mean: every DIMSE status and association rejection becomes an outcome or an error here, once.

PS3.4 tables B.2-1 (C-STORE), C.4-1 (C-FIND) and C.4-3 (C-GET), PS3.7 Annex C, PS3.8 9.3.4. The peer's own Error Comment
is left out: it may hold patient data.
"""

from dataclasses import dataclass
from enum import Enum, auto

from adit.connectors.dimse.peer import Peer
from adit.dimse.errors import rejected_since
from adit.errors import AccessDenied, AditError, PeerUnavailable, PermanentError, RetryableError
from adit.transfer.outcomes import StoreOutcome


class CallingTitleUnknown(AccessDenied):
    """The peer does not know our AE title (PS3.8 9.3.4: source 1, reason 3)."""


class CalledTitleUnknown(AccessDenied):
    """The peer does not go by the AE title that it was called by (source 1, reason 7)."""


class RejectedForNow(PeerUnavailable):
    """The peer rejected the association and says that this will pass."""


class Verdict(Enum):
    """What follows from a status."""

    DONE = auto()
    PENDING = auto()
    WARNED = auto()
    RETRY = auto()
    REFUSED = auto()
    DENIED = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    """A status in words: a reason code for records, and a sentence for people."""

    verdict: Verdict
    reason: str = ""
    text: str = ""


DONE = Meaning(Verdict.DONE)
PENDING = Meaning(Verdict.PENDING)
OUT_OF_RESOURCES = Meaning(
    Verdict.RETRY, "OutOfResources", "is out of resources; free some space there, or lower its spec.limits"
)
MISMATCH = Meaning(Verdict.REFUSED, "IdentifierMismatch", "says that the request does not match the SOP class")
UNABLE = Meaning(Verdict.RETRY, "UnableToProcess", "is unable to process the request; its own log says why")

_ANY_SERVICE = {
    0x0000: DONE,
    0x0110: Meaning(Verdict.RETRY, "ProcessingFailure", "failed while processing; its own log says why"),
    0x0112: Meaning(Verdict.REFUSED, "NoSuchInstance", "does not know this instance"),
    0x0117: Meaning(Verdict.REFUSED, "InvalidInstance", "calls the SOP Instance UID invalid"),
    0x0118: Meaning(Verdict.REFUSED, "NoSuchSopClass", "does not know the SOP class"),
    0x0119: Meaning(Verdict.REFUSED, "ClassInstanceConflict", "holds this instance under another SOP class"),
    0x0122: Meaning(Verdict.REFUSED, "SopClassNotSupported", "does not support the SOP class; enable it there"),
    0x0124: Meaning(Verdict.DENIED, "NotAuthorized", "does not authorize our AE title for this; allow it there"),
    0x0210: Meaning(Verdict.RETRY, "DuplicateInvocation", "mistook the request for a repetition"),
    0x0211: Meaning(Verdict.REFUSED, "UnrecognizedOperation", "does not offer this service"),
    0x0212: Meaning(Verdict.REFUSED, "MistypedArgument", "calls the request malformed"),
    0x0213: Meaning(Verdict.RETRY, "ResourceLimitation", "has reached a limit of its own; lower its spec.limits"),
    0xFE00: Meaning(Verdict.RETRY, "CanceledByPeer", "canceled the operation"),
}
_STORE = {
    # It is there already, which is what was asked for; verification looks at it like at any other.
    0x0111: Meaning(Verdict.WARNED, "AlreadyStored", "holds this instance already"),
    0xB000: Meaning(Verdict.WARNED, "ElementsCoerced", "stored it and changed elements"),
    0xB006: Meaning(Verdict.WARNED, "ElementsDiscarded", "stored it and discarded elements"),
    0xB007: Meaning(Verdict.WARNED, "SopClassMismatch", "stored it, though it does not match its SOP class"),
}
_STORE_REFUSED = Meaning(Verdict.REFUSED, "SopClassMismatch", "says that it does not match its SOP class")
_STORE_NOT_UNDERSTOOD = Meaning(Verdict.REFUSED, "CannotUnderstand", "cannot understand it; its own log says why")


def of_store(status: int) -> Meaning:
    """Of a C-STORE response."""
    if status >> 8 == 0xA9:  # noqa: PLR2004 - A9xx, table B.2-1
        return _STORE_REFUSED
    if status >> 12 == 0xC:  # noqa: PLR2004 - Cxxx
        return _STORE_NOT_UNDERSTOOD
    return _STORE.get(status) or _of_any(status)


def of_query(status: int) -> Meaning:
    """Of a C-FIND or C-GET response."""
    if status in (0xFF00, 0xFF01):
        return PENDING
    if status == 0xB000:  # noqa: PLR2004 - sub-operations complete, one or more failures: the counts say which
        return DONE
    if status >> 8 == 0xA9:  # noqa: PLR2004 - A900
        return MISMATCH
    return _of_any(status)


def _of_any(status: int) -> Meaning:
    if status in _ANY_SERVICE:
        return _ANY_SERVICE[status]
    if status >> 8 == 0xA7:  # noqa: PLR2004 - A7xx
        return OUT_OF_RESOURCES
    if status >> 12 == 0xB or status in (0x0001, 0x0107, 0x0116):  # noqa: PLR2004 - Bxxx and PS3.7 C.1.3
        return Meaning(Verdict.WARNED, "Warning", "answered with a warning")
    return UNABLE


def store_outcome(sop_instance_uid: str, status: int, peer: Peer) -> StoreOutcome:
    """What a C-STORE response says of one instance."""
    meaning = of_store(status)
    stored = meaning.verdict in (Verdict.DONE, Verdict.WARNED)
    message = f"{peer.name} {meaning.text} (C-STORE status {status:#06x})" if meaning.text else ""
    return StoreOutcome(
        sop_instance_uid, stored, status, meaning.reason, message, retryable=meaning.verdict is Verdict.RETRY
    )


def query_error(status: int, service: str, peer: Peer) -> AditError | None:
    """The error that a final C-FIND or C-GET status stands for, None for success."""
    meaning = of_query(status)
    message = f"{peer.name} {meaning.text} ({service} status {status:#06x})"
    match meaning.verdict:
        case Verdict.DENIED:
            return AccessDenied(message)
        case Verdict.REFUSED:
            return PermanentError(message, reason=meaning.reason)
        case Verdict.RETRY:
            return RetryableError(message, reason=meaning.reason)
        case _:
            return None


def rejection_error(peer: Peer, result: int, source: int, diagnostic: int) -> AditError:
    """What an A-ASSOCIATE-RJ stands for: an AE title, or what a peer calls permanent, is a person's business."""
    match (source, diagnostic):
        case (1, 3):
            return CallingTitleUnknown(
                f"{peer.name} does not know our AE title {peer.calling_ae_title} (it was called as "
                f"{peer.called_ae_title}); add {peer.calling_ae_title} to its known peers, or set "
                "spec.dimse.callingAeTitle to one that it knows"
            )
        case (1, 7):
            return CalledTitleUnknown(
                f"{peer.name} does not go by the AE title {peer.called_ae_title} (called by {peer.calling_ae_title}); "
                "set spec.aeTitle to its own"
            )
        case (3, 2):
            advice = "; lower spec.limits.maxAssociations, or raise its own limit"
        case _:
            advice = ""
    why = rejected_since(source, diagnostic) + advice
    rejected = f"{peer.name} at {peer.address} rejected the association of {peer.calling_ae_title} with "
    if result == 1:
        # Every further task would meet it too, so it is told like a refused AE title, and no task fails of it.
        return AccessDenied(f"{rejected}{peer.called_ae_title} permanently: it {why}", reason="AssociationRejected")
    return RejectedForNow(f"{rejected}{peer.called_ae_title} for now: it {why}", peer=peer.name)
