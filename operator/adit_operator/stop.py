"""Stop: what a running TaskSet is told by its job, by the owners of servers and folders, and by admission. Pure."""

from collections.abc import Mapping
from typing import Literal

from adit.api.task_set import Stop
from adit.api.transfer_job import TransferJobSpec
from adit_operator.observed import SeenSet, Yield, YieldReason

Eviction = Literal["AccessRevoked"] | YieldReason


def wanted_stop(
    seen: SeenSet, spec: TransferJobSpec, yields: Mapping[str, Yield] | None, *, running: bool, revoked: bool
) -> Stop | None:
    """What the set's `stop` should say: nothing unless a runner works it; Now only where a person or owner insists.

    Before admission has spoken (`yields` is None) nothing is taken back.
    """
    if not running:
        return None
    told = (yields or {}).get(seen.uid)
    if seen.leaving or spec.shutdown == "Immediate" or revoked or (told is not None and told.stop == "Now"):
        return "Now"
    if spec.shutdown == "Graceful" or spec.suspend or told is not None:
        return "AfterTask"
    return seen.stop if yields is None else None


def eviction(
    seen: SeenSet, spec: TransferJobSpec, yields: Mapping[str, Yield] | None, *, revoked: bool
) -> Eviction | None:
    """Why a set that is told to stop is told so, where neither its job's people nor its end wanted it."""
    if seen.stop is not None or spec.shutdown is not None or spec.suspend:
        return None
    if revoked:
        return "AccessRevoked"
    told = (yields or {}).get(seen.uid)
    return told.reason if told is not None else None


def stop_changes(seen: SeenSet, wanted: Stop | None) -> bool:
    """Whether the set must be told something else; a finished set is left alone."""
    return not seen.finished and seen.stop != wanted
