"""The audit line: one per study that leaves, as JSON on standard output; who, from where to where, how, how many.

It names no patient and no study: those stand in the TaskSet that `taskSet` and `task` name.
"""

from dataclasses import dataclass
from typing import Any

import structlog

from adit.transfer.record import TaskLine


@dataclass(frozen=True, slots=True)
class Occasion:
    """What every study of one TaskSet has in common; `profile` is None where the data stays identified."""

    requested_by: str
    job_uid: str
    job: str
    namespace: str
    task_set: str
    source: str
    destination: str
    profile: str | None
    profile_hash: str | None


def audit_event(occasion: Occasion, line: TaskLine, outcome: str) -> dict[str, Any]:
    """The fields of the line; `outcome` is Success, Warning, Failure, or why it will be tried again."""
    how: dict[str, Any] = (
        {"identified": True}
        if occasion.profile is None
        else {"profile": occasion.profile, "profileHash": occasion.profile_hash}
    )
    return {
        "requestedBy": occasion.requested_by,
        "jobUid": occasion.job_uid,
        "job": occasion.job,
        "namespace": occasion.namespace,
        "taskSet": occasion.task_set,
        "task": line.id,
        "source": occasion.source,
        "destination": occasion.destination,
        **how,
        "outcome": outcome,
        "verification": line.method,
        "instances": line.instances.manifest(),
        "bytes": line.bytes,
    }


def audit(logger: structlog.typing.FilteringBoundLogger, occasion: Occasion, line: TaskLine, outcome: str) -> None:
    """Write the line."""
    logger.info("study left", audit=True, **audit_event(occasion, line, outcome))
