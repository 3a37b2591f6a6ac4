"""Stop: what a running TaskSet is told when its job is suspended, shut down, refused or its server paused. Pure."""

from adit.api.task_set import Stop
from adit.api.transfer_job import TransferJobSpec
from adit_operator.observed import SeenSet


def wanted_stop(spec: TransferJobSpec, *, running: bool, revoked: bool, paused: bool) -> Stop | None:
    """What the set's `stop` should say: nothing unless a runner works it; Now only where a person or owner insists."""
    if not running:
        return None
    if spec.shutdown == "Immediate" or revoked:
        return "Now"
    if spec.shutdown == "Graceful" or spec.suspend or paused:
        return "AfterTask"
    return None


def stop_changes(seen: SeenSet, wanted: Stop | None) -> bool:
    """Whether the set must be told something else; a finished set is left alone."""
    return not seen.finished and seen.stop != wanted
