"""Admission: which TaskSets may run now. One pure decision over everything observed, instead of locks.

Order: priority, then age. A job that runs nothing yet keeps one place in the queue of a full endpoint, so that smaller
wishes behind it cannot starve it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adit_operator.observed import SeenSet, SeenTransfer, Waiting
from adit_operator.slots import Allocation, Cap


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job that may run, its open sets in order, and the endpoints that one runner of it takes a slot on."""

    transfer: SeenTransfer
    sets: Sequence[SeenSet]
    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """The sets to start, why each other job waits (by UID), and when the next retry is due."""

    start: tuple[SeenSet, ...] = ()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    next_due: datetime | None = None


def admissible(transfer: SeenTransfer) -> bool:
    """Whether the job lets its sets run at all."""
    return transfer.ready and not (transfer.stalled or transfer.terminal or transfer.suspend or transfer.shutdown)


def startable(seen: SeenSet, transfer: SeenTransfer, allocation: Allocation, newest_attempt: int) -> bool:
    """Whether a runner could work this set: of the current round, open, free, told nothing, its last end judged."""
    return (
        seen.round == transfer.round
        and not seen.finished
        and bool(seen.open_ids)
        and seen.stop is None
        and seen.ref not in allocation.sets  # guard: one-runner-per-set
        and seen.judged_attempt >= newest_attempt  # guard: judged-before-next
    )


def due_time(seen: SeenSet) -> datetime | None:
    """When the set's earliest open task may be worked; None means now."""
    times = [seen.due.get(name) for name in seen.open_ids]
    known = [time for time in times if time is not None]
    return min(known) if times and len(known) == len(times) else None


def admit(candidates: Iterable[Candidate], allocation: Allocation, caps: Mapping[str, Cap], now: datetime) -> Admission:
    """Give free slots to the sets that may run, in order; say why the others wait."""
    free = {name: cap.open_slots - allocation.slots[name] for name, cap in caps.items()}
    start: list[SeenSet] = []
    waiting: dict[str, Waiting] = {}
    dues: list[datetime] = []
    for candidate in sorted(candidates, key=_order):
        transfer = candidate.transfer
        running = allocation.per_owner[transfer.uid]
        need = Counter(candidate.endpoints)
        for seen in sorted(candidate.sets, key=lambda one: one.index):
            due = due_time(seen)
            if due is not None and due > now:
                dues.append(due)
                waiting.setdefault(transfer.uid, _retry_due(due))
                continue
            if running >= transfer.parallelism:
                waiting.setdefault(transfer.uid, Waiting("WaitingForSlot", "its parallelism is used up"))
                break
            obstacle = _obstacle(need, free, caps)
            if obstacle is not None:
                waiting[transfer.uid] = obstacle
                if not running:
                    free.update(
                        {name: free.get(name, 0) - count for name, count in need.items() if free.get(name, 0) > 0}
                    )
                break
            free.update({name: free[name] - count for name, count in need.items()})
            running += 1
            start.append(seen)
    return Admission(tuple(start), waiting, min(dues, default=None))


def _order(candidate: Candidate) -> tuple[int, str, str]:
    return (-candidate.transfer.priority, candidate.transfer.created, candidate.transfer.uid)


def _obstacle(need: Counter[str], free: Mapping[str, int], caps: Mapping[str, Cap]) -> Waiting | None:
    for name, count in need.items():
        cap = caps.get(name, Cap(0))
        if cap.paused:
            return Waiting("ServerPaused", f"{name} is paused: set spec.paused of its DicomServer to false to go on")
        if cap.unreachable is not None:
            return Waiting("ServerUnreachable", f"{name} does not answer ({cap.unreachable}); asked again every 15 s")
        if count > cap.slots:
            return Waiting("CapTooSmall", f"a transfer takes {count} slots of {name}, and runners have {cap.slots}")
        if count > free.get(name, 0):  # guard: cap
            return Waiting("WaitingForSlot", f"all {cap.slots} runner slots of {name} are taken")
    return None


def _retry_due(due: datetime) -> Waiting:
    return Waiting("RetryDue", f"the next attempt is due at {due:%Y-%m-%d %H:%M:%S} UTC")
