"""What a person's verb means as a patch of a TransferJob's spec, or why it is refused: pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adit.api.conditions import is_true
from adit.api.resource import TaskSet, TransferJob
from adit.api.task_set import TaskState, task_states
from adit.api.tasks import with_ids
from adit.api.transfer_job import RetryScope
from adit.errors import PermanentError
from adit_operator.retention import COMPACTED, NEW_JOB
from adit_operator.rounds import Refused as OutOfScope
from adit_operator.rounds import ids_in_scope

FINISHED = frozenset({"Success", "Warning", "Failure", "Canceled"})
Patch = Mapping[str, Any]
MAX_NAMED = 10


class Refused(PermanentError):
    """The verb makes no sense in the state that the job is in; the message says what does."""

    default_reason = "Refused"


def newest_states(job: TransferJob, sets: Iterable[TaskSet]) -> dict[str, TaskState]:
    """The state of each task of a job: that of the newest round that holds it."""
    own = (one for one in sets if one.spec.owner.uid == job.metadata.uid)
    states: dict[str, TaskState] = {}
    for one in sorted(own, key=lambda one: one.spec.round):
        names = (str(task.id) for task in one.spec.tasks)
        states.update(zip(names, task_states(one.spec, one.status), strict=True))
    return states


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


def retried(
    job: TransferJob, states: Mapping[str, TaskState], *, token: str, scope: RetryScope, tasks: Sequence[str]
) -> Patch:
    """Ask for another round under a new token, and take a shutdown back; an id outside the scope is refused by name.

    `states`: of each task in its newest round. The operator asks the same again, and has the last word.
    """
    name, phase = job.metadata.name, job.status.phase
    if phase not in FINISHED:
        raise Refused(
            f"TransferJob/{name} has not finished ({phase or 'not seen by the operator yet'}): "
            "retry when it has, or cancel it first"
        )
    if is_true(job.status.conditions, COMPACTED):
        raise Refused(f"TransferJob/{name}: its records were removed after its retention: {NEW_JOB}")
    # of tasks in Secrets those are known that are in a set; the operator knows the others
    known = [str(task.id) for task in with_ids(job.spec.inline)] or list(states)
    strangers = [name for name in tasks if name not in set(known)]
    if strangers:
        some = ", ".join(strangers[:MAX_NAMED])
        raise Refused(f"TransferJob/{name} has no task {some}; adit describe tj {name} lists them")
    refused = ids_in_scope(known, states, scope, tasks) if known else None
    if isinstance(refused, OutOfScope):
        raise Refused(f"TransferJob/{name}: {refused.message}")
    return {
        "spec": {
            "shutdown": None,
            "suspend": False,
            "retry": {"token": token, "scope": scope, "tasks": list(tasks)},
        }
    }
