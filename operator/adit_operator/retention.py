"""Retention: what of a finished job is removed, when it was asked for, and what a GitOps tool forbids. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from adit.api.conditions import is_true
from adit.api.resource import TransferJob
from adit.cluster.kinds import Ref
from adit_operator.clock import moment_of
from adit_operator.decision import Removal
from adit_operator.gitops import gitops_owner
from adit_operator.observed import Observed, Waiting

COMPACTED = "Compacted"
LIMITED = "RetentionLimited"
NEW_JOB = "a new job with another name, of the tasks to repeat, is the way out"
# A condition that became true: its type, and what it says.
Told = tuple[str, Waiting]


@dataclass(frozen=True, slots=True)
class Kept:
    """What retention does now: conditions to tell first, objects to remove, and in how many seconds more is due."""

    told: tuple[Told, ...] = ()
    remove: tuple[Removal, ...] = ()
    seconds: float | None = None


def compacted(job: TransferJob) -> bool:
    """Whether the job's records were given up."""
    return is_true(job.status.conditions, COMPACTED)


def retention_of(seen: Observed) -> Kept:
    """The next step for a finished job. The word comes before the deed: what is half removed is never repeated."""
    job = seen.job
    records, ttl = _seconds_left(seen)
    tool = gitops_owner(job.metadata.labels, job.metadata.annotations)
    if ttl is not None and ttl <= 0 and tool is None:  # guard: gitops-owned-is-not-deleted
        meta = job.metadata
        as_seen = Removal(Ref("TransferJob", meta.namespace, meta.name), meta.uid, meta.resource_version)
        return Kept(remove=(as_seen,))
    told: list[Told] = []
    if ttl is not None and ttl <= 0 and not is_true(job.status.conditions, LIMITED):
        said = f"{tool} owns this job and would make it again: it is kept, and only compacted; delete it there"
        told.append((LIMITED, Waiting("GitOpsOwned", said)))
    if any(left is not None and left <= 0 for left in (records, ttl)) and not compacted(job):
        said = f"its task sets are removed, counts and conditions stay; {NEW_JOB}"
        told.append((COMPACTED, Waiting("RecordsExpired", said)))
    if told:
        return Kept(told=tuple(told))
    remove = tuple(Removal(one.ref, one.uid) for one in seen.sets) if compacted(job) else ()
    return Kept(
        remove=remove, seconds=min((left for left in (records, ttl) if left is not None and left > 0), default=None)
    )


def _seconds_left(seen: Observed) -> tuple[float | None, float | None]:
    """Until the records and until the job itself may go; None: never."""
    retention, finished = seen.job.spec.retention, seen.job.status.completion_time
    if retention is None or finished is None:
        return None, None
    age = (seen.now - moment_of(finished)) / timedelta(seconds=1)
    limits = retention.records_seconds_after_finished, retention.ttl_seconds_after_finished
    records, ttl = (None if limit is None else limit - age for limit in limits)
    return records, ttl
