"""Rounds: which tasks a retry repeats, and the state of each task by its newest round. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adit.api.task_list import TaskList
from adit.api.task_set import TaskState
from adit.api.transfer_job import RetryScope
from adit_operator.observed import Observed, SeenSet

MAX_NAMED_IDS = 10

SCOPES: Mapping[RetryScope, frozenset[TaskState]] = {
    "Failed": frozenset({"F"}),
    "FailedAndWarned": frozenset({"F", "W"}),
    "Canceled": frozenset({"C"}),
    "All": frozenset({"S", "W", "F", "C", "P"}),
}


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a retry opens no round."""

    message: str
    reason: str = "RetryRefused"


def newest_states(sets: Iterable[SeenSet]) -> dict[str, TaskState]:
    """The state of each task: that of the newest round that holds it."""
    states: dict[str, TaskState] = {}
    for seen in sorted(sets, key=lambda one: one.round):
        states.update(zip(seen.task_ids, seen.states, strict=True))
    return states


def retry_tasks(seen: Observed, whole: TaskList, scope: RetryScope, only: Sequence[str]) -> TaskList | Refused:
    """The tasks of the job's whole list that a retry repeats; an id outside the scope is refused by name."""
    states = newest_states(seen.sets)
    lost = sum(1 for name in whole.ids if name not in states)
    if lost and scope != "All" and seen.job.status.plan is not None:
        return Refused(f"the records of {lost} tasks are gone, so that only scope All can be repeated")
    chosen = ids_in_scope(whole.ids, states, scope, only)
    return chosen if isinstance(chosen, Refused) else whole.chosen(chosen)


def ids_in_scope(
    ids: Sequence[str], states: Mapping[str, TaskState], scope: RetryScope, only: Sequence[str]
) -> frozenset[str] | Refused:
    """As `retry_tasks`, on plain values; a task without a record was canceled before it was planned.

    What is no task's id is told by its place: it may be anything, a patient's number too.
    """
    known = frozenset(ids)
    strange = [f"spec.retry.tasks[{position}]" for position, name in enumerate(only) if name not in known]
    inside = frozenset(name for name in ids if states.get(name, "C") in SCOPES[scope])
    outside = [name for name in only if name not in inside]  # guard: retry-outside-scope
    if outside:
        return Refused(_outside(scope, [name for name in outside if name in known], strange))
    wanted = frozenset(only) or inside
    return wanted or Refused(f"no task is in scope {scope}; nothing was repeated")


def _outside(scope: RetryScope, named: Sequence[str], strange: Sequence[str]) -> str:
    said = []
    if named:
        said.append(f"not in scope {scope}: {_some(named)}")
    if strange:
        said.append(f"no task of this job has the id in {_some(strange)}")
    return f"{'; '.join(said)}; nothing was repeated"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED_IDS} more" if len(names) > MAX_NAMED_IDS else ""
    return f"{', '.join(names[:MAX_NAMED_IDS])}{more}"
