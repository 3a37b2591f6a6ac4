"""The merge patch (RFC 7386) between two statuses: only what changed is written, nothing where nothing did. Pure.

Numbers that move with every study need not be written with every study.
"""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What must be merged into `old` to get `new`; lists are replaced whole, what is gone becomes null."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            inner = merge_patch(before, value)
            if inner:
                patch[key] = inner
        elif before != value or key not in old:
            patch[key] = value
    return patch


# What moves with every study; all else of a status is told at once.
NUMBERS = frozenset({"tasks", "instances", "bytes", "failureSummary", "message", "conditions"})


def only_numbers(old: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Whether a patch of a TransferJob's status changes no more than counts and the sentences that tell them."""
    if not NUMBERS.issuperset(patch):
        return False
    return "conditions" not in patch or _codes(old.get("conditions")) == _codes(patch["conditions"])


def _codes(conditions: Any) -> list[tuple[Any, ...]]:
    return [
        tuple(one.get(name) for name in ("type", "status", "reason", "observedGeneration")) for one in conditions or ()
    ]
