"""Admission: which TaskSets may run now, and who makes room. One pure decision over everything observed, no locks.

Order: priority; inside one priority whose turn it is by `shares`. See `walk` for how slots are given, kept and handed
over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from adit_operator.handover import PATIENCE
from adit_operator.observed import SeenSet, SeenTransfer, Waiting, Yield
from adit_operator.reach import PROBE_SECONDS
from adit_operator.runners import Present
from adit_operator.slots import Allocation, Cap
from adit_operator.walk import Candidate, Walk, due_time

__all__ = ["Admission", "Candidate", "admissible", "admit", "due_time", "startable"]


@dataclass(frozen=True, slots=True)
class Admission:
    """The sets to start, the running ones that make room, why each other job waits (by UID), and when to look again."""

    start: tuple[SeenSet, ...] = ()
    yield_: tuple[Yield, ...] = ()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    next_due: datetime | None = None


def admissible(transfer: SeenTransfer) -> bool:
    """Whether the job lets its sets run at all."""
    if transfer.leaving:  # guard: leaving-starts-nothing
        return False
    return transfer.ready and not (transfer.stalled or transfer.terminal or transfer.suspend or transfer.shutdown)


def startable(seen: SeenSet, transfer: SeenTransfer, allocation: Allocation, newest_attempt: int) -> bool:
    """Whether a runner could work this set: of the current round, open, free, told nothing, its last end judged."""
    return (
        seen.round == transfer.round
        and not (seen.finished or seen.leaving)
        and "P" in seen.states
        and seen.stop is None
        and seen.ref not in allocation.sets  # guard: one-runner-per-set
        and seen.judged_attempt >= newest_attempt  # guard: judged-before-next
    )


def admit(
    candidates: Iterable[Candidate],
    allocation: Allocation,
    caps: Mapping[str, Cap],
    now: datetime,
    present: Present | None = None,
    *,
    probe_seconds: float = PROBE_SECONDS,
    patience: timedelta = PATIENCE,
) -> Admission:
    """Give free slots to the sets that may run, in order; say who makes room, and why the others wait."""
    wanting = sorted(candidates, key=lambda one: -one.transfer.priority)
    walk = Walk(wanting, allocation, caps, now, present or Present(), probe_seconds=probe_seconds, patience=patience)
    walk.clear()
    for _, level in groupby(wanting, key=lambda one: one.transfer.priority):
        walk.serve(level)
    changes = [cap.opening.changes_at for cap in caps.values() if cap.opening.changes_at is not None]
    next_due = min((*walk.dues, *changes), default=None)
    return Admission(tuple(walk.start), tuple(walk.told), walk.waiting, next_due)
