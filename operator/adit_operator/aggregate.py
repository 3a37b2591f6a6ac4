"""Aggregate: many TaskSets into the few numbers that a TransferJob shows. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adit.api.counts import InstanceCounts, TaskCounts
from adit.api.task_set import TaskState
from adit.api.tasks import with_ids
from adit.api.transfer_job import FailureSummary, TransferJobSpec
from adit_operator.observed import SeenSet
from adit_operator.rounds import newest_states

MAX_REASONS = 10
NOTHING = InstanceCounts()


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over all tasks, each by its newest round; instances and bytes over all rounds' work."""

    tasks: TaskCounts
    instances: InstanceCounts = NOTHING
    bytes: int = 0
    failures: tuple[FailureSummary, ...] = ()


def aggregate(
    spec: TransferJobSpec,
    sets: Sequence[SeenSet],
    *,
    without_record: TaskState = "P",
    repeated: Iterable[str] = (),
) -> Totals:
    """Add up the sets; a task that is in no set is `without_record`, one that is to be `repeated` is pending."""
    states = newest_states(sets) | dict.fromkeys(repeated, "P")
    letters = Counter(states.get(str(task.id), without_record) for task in with_ids(spec.tasks))
    return Totals(
        tasks=TaskCounts(
            total=len(spec.tasks),
            pending=letters["P"],
            succeeded=letters["S"],
            warned=letters["W"],
            failed=letters["F"],
            canceled=letters["C"],
        ),
        instances=sum((seen.instances for seen in sets), InstanceCounts()),
        bytes=sum(seen.bytes for seen in sets),
        failures=_failures(sets),
    )


def _failures(sets: Sequence[SeenSet]) -> tuple[FailureSummary, ...]:
    """The most frequent coded reasons, leaving out sets of which every unhappy task was repeated later."""
    newest: dict[str, int] = {}
    for seen in sets:
        for name in seen.task_ids:
            newest[name] = max(seen.round, newest.get(name, 0))
    reasons: Counter[str] = Counter()
    for seen in sets:
        counted = {
            name
            for name, state in zip(seen.task_ids, seen.states, strict=True)
            if state in "WFC" and newest[name] == seen.round
        }
        if counted:
            reasons.update(seen.reasons)
            reasons.update(one.reason for one in seen.overrides if one.id in counted)
    return tuple(FailureSummary(reason=reason, count=count) for reason, count in reasons.most_common(MAX_REASONS))
