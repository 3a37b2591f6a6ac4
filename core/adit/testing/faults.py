"""The misbehaviours that a loopback PACS shows on request, so that each of them is tested on a real association."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """What a loopback PACS does wrong; the default is a PACS that behaves.

    Replace the whole value while it runs: `pacs.faults = replace(pacs.faults, silent=True)`. Counting (every n-th,
    after n) starts again with each replacement.
    """

    drop_every_nth_stored: int = 0
    """Answer Success to every n-th C-STORE and forget the instance (0: never)."""
    refuse_store_status: int = 0
    """Answer a C-STORE with this status instead of storing, e.g. 0xA700 (0: never)."""
    refuse_store_after: int = 0
    """Store this many instances before `refuse_store_status` begins."""
    abort_fetch_after: int | None = None
    """Send A-ABORT and close after this many instances of one C-GET or C-MOVE."""
    fail_fetch_every_nth: int = 0
    """Do not send every n-th instance of a C-GET or C-MOVE and count it as a failed sub-operation (0: never)."""
    omit_pending_responses: bool = False
    """Answer a C-GET or C-MOVE with its final response alone, and say nothing while the instances are sent."""
    omit_counts: bool = False
    """Answer a C-GET or C-MOVE without any number of sub-operations."""
    omit_move_originator: bool = False
    """Send the instances of a C-MOVE without saying who asked for it and with which message."""
    ignore_optional_keys: bool = False
    """Match a C-FIND by UIDs, patient ID and study date only, as PACS with few supported keys do."""
    omit_return_keys: bool = False
    """Answer a C-FIND with nothing but the unique keys."""
    find_status: int = 0
    """End every C-FIND with this status and no match, e.g. 0xA700 or 0xC001 (0: never)."""
    reject_associations: bool = False
    """Reject every association."""
    rejection: tuple[int, int, int] = (1, 1, 1)
    """Result, source and reason of that rejection (PS3.8, 9.3.4); (2, 3, 2) says that the limit is exceeded."""
    no_storage_contexts: bool = False
    """Accept the association, but no presentation context of a storage class."""
    silent: bool = False
    """Accept the association and never answer a request."""
    delay_per_instance: float = 0.0
    """Seconds to wait before each instance is stored or sent, and before each answer of a C-FIND."""
