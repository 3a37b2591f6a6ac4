"""Conditions and message: what a TransferJob says of itself, in codes for programs and sentences for people. Pure.

No patient data: numbers, codes and names of objects only.
"""

from collections.abc import Sequence

from adit.api.conditions import Condition, ConditionStatus, with_condition
from adit.api.transfer_job import Phase
from adit_operator.obstacles import NOT_STARTING, in_line
from adit_operator.standing import Standing

MAX_MESSAGE = 1024


def conditions_of(
    old: Sequence[Condition], standing: Standing, phase: Phase, *, generation: int, now: str
) -> tuple[Condition, ...]:
    """The six conditions, each keeping its transition time while its status stays."""
    told = (
        ("Ready", *_ready(standing)),
        ("Admitted", *_admitted(standing)),
        ("Suspended", *_suspended(standing)),
        ("Stalled", *_stalled(standing)),
        ("Complete", *_complete(standing, phase)),
        ("Failed", *_failed(standing, phase)),
    )
    conditions = tuple(old)
    for kind, status, reason, message in told:
        new = Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message[:MAX_MESSAGE],
            observed_generation=generation,
            last_transition_time=now,
        )
        conditions = with_condition(conditions, new)
    return conditions


Told = tuple[ConditionStatus, str, str]


def _ready(standing: Standing) -> Told:
    if standing.refused_retry is not None:
        return "True" if standing.plan else "False", "RetryRefused", standing.refused_retry
    if standing.stalled is not None and not standing.over:
        return "False", standing.stalled.reason, standing.stalled.message
    if standing.plan is None:
        return ("False", "Canceled", "canceled before it was planned") if standing.over else ("False", "Accepted", "")
    return "True", "Planned", f"{standing.plan.tasks} tasks in {standing.plan.sets} task sets"


def _admitted(standing: Standing) -> Told:
    if standing.over:
        return "False", "Finished", ""
    if standing.running:
        late = _not_starting(standing)
        return "True", NOT_STARTING if late else "Running", late or f"{standing.running} task sets are running"
    if standing.suspend:
        return "False", "Suspended", "suspended: set spec.suspend to false to go on"
    if standing.stalled is not None:
        return "False", "Stalled", standing.stalled.message
    if standing.waiting is not None:
        return "False", standing.waiting.reason, in_line(standing.waiting)
    return "False", "Waiting", "waits for admission"


def _not_starting(standing: Standing) -> str | None:
    """What is to be said of runners that hold slots and do not begin."""
    waiting = standing.waiting
    return waiting.message if waiting is not None and waiting.reason == NOT_STARTING else None


def _suspended(standing: Standing) -> Told:
    if standing.over or not standing.suspend:
        return "False", "NotSuspended", ""
    if standing.running:
        return "False", "Stopping", f"{standing.running} task sets finish their current task"
    return "True", "Suspended", "nothing runs until spec.suspend is false"


def _stalled(standing: Standing) -> Told:
    if standing.stalled is None or standing.over:
        return "False", "NotStalled", ""
    return "True", standing.stalled.reason, standing.stalled.message


def _complete(standing: Standing, phase: Phase) -> Told:
    if standing.over and phase in {"Success", "Warning"}:
        return "True", "Succeeded" if phase == "Success" else "SucceededWithWarnings", message_of(standing, phase)
    if standing.over:
        return "False", "Failed", ""
    return "False", "RetryRequested" if standing.retried else "NotFinished", ""


def _failed(standing: Standing, phase: Phase) -> Told:
    if standing.over and phase in {"Failure", "Canceled"}:
        return "True", "TasksFailed" if phase == "Failure" else "Canceled", message_of(standing, phase)
    if standing.over:
        return "False", "Succeeded", ""
    return "False", "RetryRequested" if standing.retried else "NotFinished", ""


def message_of(standing: Standing, phase: Phase) -> str:
    """One sentence for people: what is, and what it waits for."""
    if standing.over:
        return _with_retry(standing, _outcome(standing, phase))
    tasks = standing.totals.tasks
    progress = f"{tasks.finished} of {tasks.total} tasks finished"
    if standing.stalled is not None:
        progress = standing.stalled.message
    elif phase == "Canceling":
        progress += "; the rest is being canceled"
    elif not standing.running and not standing.suspend and standing.waiting is not None:
        progress += f"; {in_line(standing.waiting)}"
    elif standing.running and _not_starting(standing) is not None:
        progress += f"; {_not_starting(standing)}"
    return _with_retry(standing, progress)


def _outcome(standing: Standing, phase: Phase) -> str:
    tasks = standing.totals.tasks
    parts = [
        f"{count} {word}"
        for count, word in (
            (tasks.succeeded, "succeeded"),
            (tasks.warned, "with warnings"),
            (tasks.failed, "failed"),
            (tasks.canceled, "canceled"),
        )
        if count
    ]
    return f"{phase}: {', '.join(parts)} of {tasks.total} tasks"


def _with_retry(standing: Standing, sentence: str) -> str:
    if standing.refused_retry is not None:
        sentence = f"RetryRefused: {standing.refused_retry}. {sentence}"
    elif standing.waiting_retry:
        sentence = f"{sentence}; the new retry waits until this round is finished"
    return sentence[:MAX_MESSAGE]
