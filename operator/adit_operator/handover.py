"""Hand-over: who makes room for a job that waits, between two tasks, and never back and forth. Pure.

Less urgent runners always do. Among equals only those of another namespace do, where it has two runners more at the
endpoint than the one that waits, or one more and the runner has had its slot for ten minutes; and only where the slot
would not go back to them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

from adit_operator.observed import SeenTransfer
from adit_operator.runners import NEVER, Runner
from adit_operator.shares import Shares, Turn

PATIENCE = timedelta(minutes=10)
CLEAR_LEAD = 2

Order = tuple[int, bool, int, float, str]


@dataclass(frozen=True, slots=True)
class HandOver:
    """Who may be asked, and by what it is judged whether they give way; `staying` shrinks as they are asked."""

    staying: Sequence[Runner]
    shares: Shares
    now: datetime
    patience: timedelta


def makes_room(
    transfer: SeenTransfer, need: Mapping[str, int], shortage: Mapping[str, int], over: HandOver
) -> tuple[Runner, ...]:
    """The runners that must go so that the job gets what it lacks: as few as suffice; none where nothing suffices."""
    chosen: list[Runner] = []
    lacking, turn = Counter(shortage), over.shares.turn_of(transfer, need)
    for name in shortage:
        while lacking[name] > 0:
            able = _able(transfer, name, turn, chosen, over)
            if not able:
                return ()
            best = min(able, key=itemgetter(0))[1]
            chosen.append(best)
            lacking.subtract(best.endpoints)
    if len(chosen) == 1:
        return tuple(chosen)
    alone = [pair for pair in _able(transfer, next(iter(shortage)), turn, (), over) if _suffices(pair[1], shortage)]
    least = max(runner.priority for runner in chosen)
    alone = [pair for pair in alone if pair[1].priority <= least]
    return (min(alone, key=itemgetter(0))[1],) if alone else tuple(chosen)


def _able(
    transfer: SeenTransfer, name: str, turn: Turn, chosen: Sequence[Runner], over: HandOver
) -> list[tuple[Order, Runner]]:
    """The runners at an endpoint that give way to the job, each with its place in the order in which they are asked."""
    able = []
    for runner in over.staying:
        if name in runner.endpoints and runner not in chosen:
            lead = _lead(runner, transfer, name, over.shares, chosen)
            if _gives_way(runner, transfer, lead, turn, over):
                able.append((_order(runner, lead, over.now), runner))
    return able


def _suffices(runner: Runner, shortage: Mapping[str, int]) -> bool:
    """Whether it leaves all that is lacking by itself."""
    freed = Counter(runner.endpoints)
    return all(freed[name] >= count for name, count in shortage.items())


def _lead(runner: Runner, transfer: SeenTransfer, name: str, shares: Shares, chosen: Sequence[Runner]) -> int:
    """How many runners more the namespace of an equal has there, those less that are chosen already."""
    if runner.owner is None or runner.priority != transfer.priority:
        return 0
    namespace = runner.owner.ref.namespace
    gone = sum(one.owner is not None and one.owner.ref.namespace == namespace for one in chosen)
    return shares.lead(runner, transfer, name) - gone


def _gives_way(runner: Runner, transfer: SeenTransfer, lead: int, turn: Turn, over: HandOver) -> bool:
    if runner.owner is None or runner.priority > transfer.priority:
        return False
    if runner.priority < transfer.priority:
        return True
    if runner.owner.ref.namespace == transfer.ref.namespace or lead < 1:
        return False
    long = over.now - runner.since >= over.patience
    return (lead >= CLEAR_LEAD or long) and turn < over.shares.turn_without(runner)


def _order(runner: Runner, lead: int, now: datetime) -> Order:
    """The least urgent first, then who was asked already, whose namespace has most, the youngest.

    Of those whose namespace is just ahead the one that had its slot longest.
    """
    age = (now - runner.since).total_seconds() if runner.since > NEVER else 0.0
    return (runner.priority, not runner.asked, -lead, -age if lead == 1 else age, runner.uid)
