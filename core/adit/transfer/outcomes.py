"""What each step says of an instance: rewritten, excluded, quarantined, stored or not."""

from dataclasses import dataclass

from adit.transfer.instance import Instance


@dataclass(frozen=True, slots=True)
class Rewritten:
    """May leave; `instance` is what leaves (the same object on pass-through)."""

    original_uid: str
    instance: Instance


@dataclass(frozen=True, slots=True)
class Excluded:
    """Does not leave, because a named rule says so (e.g. modality PR under EXCLUDE_MODALITIES); no warning."""

    original_uid: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Must not leave, because it could not be made safe; the task is warned. The message holds no value of it."""

    original_uid: str
    reason: str
    message: str = "it could not be made safe to leave"


RewriteOutcome = Rewritten | Excluded | Quarantined


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """What the destination answered for one instance; `stored` with a status of the peer's, or why not.

    `status` is the DIMSE status or HTTP code; `retryable` where the same store may succeed later, as when the peer is
    out of resources.
    """

    sop_instance_uid: str
    stored: bool
    status: int = 0
    reason: str = ""
    message: str = ""
    retryable: bool = False
