"""When a job needs no more waiting, and what to say of it until then: pure."""

from adit.api.conditions import condition_of, is_true
from adit.api.resource import TransferJob
from adit.api.transfer_job import Phase
from adit.cluster.kinds import Ref
from adit_cli.verbs import FINISHED

# How the message of a job begins whose newest retry token opened no round.
RETRY_REFUSED = "RetryRefused:"


def seen(job: TransferJob) -> bool:
    """Whether the operator has answered to the spec as it is now, its retry token included."""
    if job.status.observed_generation != job.metadata.generation:
        return False
    retry = job.spec.retry
    return retry is None or job.status.observed_retry_token == retry.token


def stalled(job: TransferJob) -> bool:
    """Whether a person must act before the job can go on."""
    return is_true(job.status.conditions, "Stalled")


def settled(job: TransferJob) -> bool:
    """Whether nothing more will happen by itself: finished, stalled, or suspended with all runners gone."""
    if stalled(job):
        return job.status.observed_generation == job.metadata.generation
    return seen(job) and job.status.phase in FINISHED | {"Suspended"}


def outcome(job: TransferJob) -> Phase | None:
    """The phase that the exit code is made of; a job that stalled has none."""
    return None if stalled(job) else job.status.phase


def waiting_for(job: TransferJob) -> str:
    """Why the job does not move now, in the operator's words; empty where it does."""
    for kind in ("Stalled", "Admitted"):
        condition = condition_of(job.status.conditions, kind)
        if condition and condition.message and (condition.status == "True") == (kind == "Stalled"):
            return condition.message
    return ""


def told(ref: Ref, job: TransferJob) -> str:
    """The sentence for a job that a person must look at, and the command that shows more; empty where all is well."""
    status, more = job.status, f"(adit describe tj {ref.name})"
    if stalled(job):
        return f"{ref} is stalled: {waiting_for(job)}"
    if not settled(job):
        return f"{ref} is not finished: {waiting_for(job) or status.message or 'not looked at yet'} {more}"
    if status.phase == "Suspended":
        return f"{ref} is suspended: {status.message}; adit resume {ref.name} lets it go on"
    if status.phase == "Canceled":
        return f"{ref} was canceled: {status.message}; adit retry {ref.name} --scope Canceled works the rest {more}"
    if status.phase != "Success" or status.message.startswith(RETRY_REFUSED):
        why = ", ".join(f"{one.count} × {one.reason}" for one in status.failure_summary)
        return f"{ref}: {status.message}{f': {why}' if why else ''} {more}"
    return ""


def fraction_done(job: TransferJob) -> float:
    """How much of the job is done, 0 to 1: its tasks, or the instances of the only one."""
    tasks, instances = job.status.tasks, job.status.instances
    if tasks.total == 1 and not tasks.finished and instances.expected:
        return min(1.0, instances.stored / instances.expected)
    return tasks.finished / tasks.total if tasks.total else 0.0
