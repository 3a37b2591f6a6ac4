"""What a person's verb means as a patch of a TransferJob's spec, or why it is refused: pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from adit.api.resource import TransferJob
from adit.api.transfer_job import RetryScope
from adit.errors import PermanentError

FINISHED = frozenset({"Success", "Warning", "Failure", "Canceled"})
Patch = Mapping[str, Any]


class Refused(PermanentError):
    """The verb makes no sense in the state that the job is in; the message says what does."""

    default_reason = "Refused"


def canceled(job: TransferJob, *, now: bool) -> Patch:
    """Shut the job down: Graceful lets each runner finish its study, Immediate interrupts it."""
    name, phase = job.metadata.name, job.status.phase
    if phase in FINISHED:
        raise Refused(f"TransferJob/{name} has already finished ({phase}): there is nothing to cancel")
    if job.spec.shutdown == "Immediate" or (job.spec.shutdown == "Graceful" and not now):
        raise Refused(f"TransferJob/{name} is already being canceled")
    return {"spec": {"shutdown": "Immediate" if now else "Graceful"}}


def suspended(job: TransferJob) -> Patch:
    """Stop after the studies in work; nothing is lost, `resume` goes on."""
    name, phase = job.metadata.name, job.status.phase
    if phase in FINISHED:
        raise Refused(f"TransferJob/{name} has already finished ({phase})")
    if job.spec.suspend:
        raise Refused(f"TransferJob/{name} is suspended already; adit resume {name} goes on")
    return {"spec": {"suspend": True}}


def resumed(job: TransferJob) -> Patch:
    """Go on with a suspended job; a canceled one needs a retry, and the message gives the command."""
    name = job.metadata.name
    if job.spec.shutdown is not None or job.status.phase == "Canceled":
        raise Refused(
            f"TransferJob/{name} was canceled, not suspended. To work its canceled tasks: "
            f"adit retry {name} --scope Canceled"
        )
    if not job.spec.suspend:
        raise Refused(f"TransferJob/{name} is not suspended")
    return {"spec": {"suspend": False}}


def retried(job: TransferJob, *, token: str, scope: RetryScope, tasks: Sequence[str]) -> Patch:
    """Ask for another round under a new token, and take a shutdown back."""
    name, phase = job.metadata.name, job.status.phase
    if phase not in FINISHED:
        raise Refused(
            f"TransferJob/{name} has not finished ({phase or 'not seen by the operator yet'}): "
            "retry when it has, or cancel it first"
        )
    return {
        "spec": {
            "shutdown": None,
            "suspend": False,
            "retry": {"token": token, "scope": scope, "tasks": list(tasks)},
        }
    }
