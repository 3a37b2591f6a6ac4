"""Aggregate: many TaskSets into the few numbers that a TransferJob shows. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from adit.api.counts import InstanceCounts, TaskCounts
from adit.api.task_set import TaskState
from adit.api.transfer_job import FailureSummary
from adit.errors import BadInput
from adit.transfer.record import TaskLine, decode
from adit_operator.observed import SeenSet

MAX_REASONS = 10
NOTHING = InstanceCounts()
# Later than any round: where a task goes that the round to come repeats.
NEXT_ROUND = 1 << 31


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over all tasks, each by its newest round only, so that they add up after any number of retries."""

    tasks: TaskCounts
    instances: InstanceCounts = NOTHING
    bytes: int = 0
    failures: tuple[FailureSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """What one set contributes: the state of and the work on those of its tasks that no later round repeats."""

    states: tuple[TaskState, ...] = ()
    instances: InstanceCounts = NOTHING
    bytes: int = 0
    reasons: Mapping[str, int] | None = None


def aggregate(
    total: int,
    sets: Sequence[SeenSet],
    *,
    without_record: TaskState = "P",
    repeated: Iterable[str] = (),
) -> Totals:
    """Add up the sets; a task that is in no set is `without_record`, one that is to be `repeated` is pending."""
    again = frozenset(repeated)
    later = later_rounds(sets) | dict.fromkeys(again, NEXT_ROUND)
    shares = [share_of(seen, later) for seen in sets]
    letters: Counter[str] = Counter()
    for share in shares:
        letters.update(share.states)
    letters["P"] += len(again)
    total = max(total, letters.total())
    letters[without_record] += total - letters.total()
    return Totals(
        tasks=TaskCounts(
            total=total,
            pending=letters["P"],
            succeeded=letters["S"],
            warned=letters["W"],
            failed=letters["F"],
            canceled=letters["C"],
        ),
        instances=sum((share.instances for share in shares if share.instances is not NOTHING), NOTHING),
        bytes=sum(share.bytes for share in shares),
        failures=_failures(sets, shares, later),
    )


def later_rounds(sets: Sequence[SeenSet]) -> dict[str, int]:
    """The newest round of each task that a round after the first holds: few, however many tasks there are."""
    first = min((seen.round for seen in sets), default=0)
    newest: dict[str, int] = {}
    for seen in sets:
        if seen.round > first:
            for name in seen.task_ids:
                newest[name] = max(seen.round, newest.get(name, 0))
    return newest


def share_of(seen: SeenSet, later: Mapping[str, int]) -> Share:
    """The whole set, or by its record those tasks that it saw last."""
    if not later or later.keys().isdisjoint(seen.task_ids):
        return Share(seen.states, seen.instances, seen.bytes, seen.reasons)
    kept = {name for name in seen.task_ids if _newest(seen, name, later)}
    if len(kept) == len(seen.task_ids):
        return Share(seen.states, seen.instances, seen.bytes, seen.reasons)
    lines = [line for line in _lines(seen.record) if line.id in kept]
    return Share(
        tuple(state for name, state in zip(seen.task_ids, seen.states, strict=True) if name in kept),
        sum((line.instances for line in lines), InstanceCounts()),
        sum(line.bytes for line in lines),
        Counter(line.reason for line in lines if line.state != "S" and line.reason),
    )


def _newest(seen: SeenSet, name: str, later: Mapping[str, int]) -> bool:
    return later.get(name, seen.round) == seen.round


@lru_cache(maxsize=256)
def _lines(record: str) -> tuple[TaskLine, ...]:
    """The tasks of a packed record; one that cannot be read counts for nothing, rather than twice."""
    try:
        return decode(record).tasks
    except BadInput:
        return ()


def _failures(sets: Sequence[SeenSet], shares: Sequence[Share], later: Mapping[str, int]) -> tuple[FailureSummary, ...]:
    """The most frequent coded reasons of the tasks' newest rounds."""
    reasons: Counter[str] = Counter()
    for seen, share in zip(sets, shares, strict=True):
        reasons.update(share.reasons or {})
        reasons.update(one.reason for one in seen.overrides if _newest(seen, one.id, later))
    return tuple(FailureSummary(reason=reason, count=count) for reason, count in reasons.most_common(MAX_REASONS))
