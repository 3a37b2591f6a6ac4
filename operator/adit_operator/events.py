"""Events: which transitions of a job or a server are told, with what word; the sentences are those of conditions. Pure.

The only place of their reasons. No patient data: numbers, codes and names of objects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adit.api.conditions import Condition, condition_of
from adit.api.transfer_job import TransferJobStatus
from adit.cluster.cluster import Manifest
from adit.cluster.events import EventType, Happening
from adit.cluster.kinds import Ref
from adit_operator.reachable import Answer

# Of a TransferJob; a Stalled job is told by the reason of its condition, as AccessDenied.
PLANNED, RETRY_REQUESTED, RETRY_REFUSED = "Planned", "RetryRequested", "RetryRefused"
ADMITTED, SUSPENDED, RESUMED, UNSTALLED = "Admitted", "Suspended", "Resumed", "NoLongerStalled"
CANCELING, COMPLETE, FAILED, CANCELED = "Canceling", "Complete", "Failed", "Canceled"
# Of a DicomServer.
REACHABLE, UNREACHABLE = "Reachable", "Unreachable"


@dataclass(frozen=True, slots=True)
class Told:
    """One event without what it is about; `action` is the operator's."""

    type: EventType
    reason: str
    action: str
    note: str


def job_events(ref: Ref, uid: str, before: Manifest, after: TransferJobStatus, now: str) -> tuple[Happening, ...]:
    """What a status write tells: `before` is the status as it was read, `now` the time of the write."""
    told = _of_job(before, after)
    return tuple(Happening(ref, uid, one.type, one.reason, one.action, one.note, now) for one in told)


def invalid_event(ref: Ref, uid: str, condition: Manifest) -> Happening:
    """A job that our models cannot read."""
    reason, note, since = condition["reason"], condition["message"], condition["lastTransitionTime"]
    return Happening(ref, uid, "Warning", reason, "Accept", note, since)


def server_events(ref: Ref, uid: str, before: Condition | None, answer: Answer, now: str) -> tuple[Happening, ...]:
    """What a probe tells that found something else than the one before."""
    if answer.status == "Unknown" or (before is not None and before.status == answer.status):
        return ()
    up = answer.status == "True"
    note = answer.message or "it answers"
    return (Happening(ref, uid, "Normal" if up else "Warning", REACHABLE if up else UNREACHABLE, "Probe", note, now),)


def _of_job(before: Manifest, after: TransferJobStatus) -> Iterator[Told]:
    yield from _round(before, after)
    old = {one.get("type"): one for one in before.get("conditions") or () if isinstance(one, dict)}
    over = any(_flipped(old, after, kind) for kind in ("Complete", "Failed"))
    yield from _stalled(old, after, over=over)
    yield from _admitted(before, old, after)
    if not over:
        yield from _suspended(old, after)
    if after.phase == "Canceling" != before.get("phase"):
        yield Told("Normal", CANCELING, "Cancel", after.message)
    yield from _end(old, after)


def _round(before: Manifest, after: TransferJobStatus) -> Iterator[Told]:
    plan, earlier = after.plan, before.get("plan") or {}
    if plan is not None and plan.round != earlier.get("round"):
        size = f"{plan.tasks} tasks in {plan.sets} task sets"
        if plan.round == 0:
            yield Told("Normal", PLANNED, "Plan", size)
        else:
            yield Told("Normal", RETRY_REQUESTED, "Plan", f"round {plan.round}, scope {plan.scope}: {size}")
    elif after.observed_retry_token != before.get("observedRetryToken"):
        ready = condition_of(after.conditions, "Ready")
        if ready is not None and plan is not None and plan.retry_token != after.observed_retry_token:
            # the sentence may name ids that people gave their tasks, and more people read Events than jobs
            yield Told("Warning", RETRY_REFUSED, "Plan", "nothing is repeated: the job's condition Ready says why")


def _stalled(old: Mapping[Any, Manifest], after: TransferJobStatus, *, over: bool) -> Iterator[Told]:
    was, stalled = old.get("Stalled") or {}, condition_of(after.conditions, "Stalled")
    if stalled is None:
        return
    if stalled.status == "True" and (was.get("status"), was.get("reason")) != ("True", stalled.reason):
        yield Told("Warning", stalled.reason, "Accept", stalled.message)
    elif stalled.status == "False" and was.get("status") == "True" and not over:
        yield Told("Normal", UNSTALLED, "Accept", f"{was.get('reason')} is over: it goes on")


def _admitted(before: Manifest, old: Mapping[Any, Manifest], after: TransferJobStatus) -> Iterator[Told]:
    """The first runner of the job, or of a later round."""
    first = before.get("startTime") is None or (after.plan is not None and after.plan.round > 0)
    admitted = condition_of(after.conditions, "Admitted")
    if first and admitted is not None and _flipped(old, after, "Admitted"):
        yield Told("Normal", ADMITTED, "Admit", admitted.message)


def _suspended(old: Mapping[Any, Manifest], after: TransferJobStatus) -> Iterator[Told]:
    was, suspended = old.get("Suspended") or {}, condition_of(after.conditions, "Suspended")
    if suspended is None:
        return
    if _flipped(old, after, "Suspended"):
        yield Told("Normal", SUSPENDED, "Suspend", suspended.message)
    elif suspended.reason == "NotSuspended" != was.get("reason", "NotSuspended"):
        yield Told("Normal", RESUMED, "Resume", "spec.suspend is false")


def _end(old: Mapping[Any, Manifest], after: TransferJobStatus) -> Iterator[Told]:
    if _flipped(old, after, "Complete"):
        yield Told("Warning" if after.phase == "Warning" else "Normal", COMPLETE, "Finish", after.message)
    if _flipped(old, after, "Failed"):
        canceled = after.phase == "Canceled"
        yield Told("Normal" if canceled else "Warning", CANCELED if canceled else FAILED, "Finish", after.message)


def _flipped(old: Mapping[Any, Manifest], after: TransferJobStatus, kind: str) -> bool:
    """Whether the condition has become true."""
    now = condition_of(after.conditions, kind)
    return now is not None and now.status == "True" and (old.get(kind) or {}).get("status") != "True"
