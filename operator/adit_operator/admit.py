"""Admit: one turn of the admission loop. Look at everything, decide, make the Jobs of the sets that may run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

import structlog

from adit.cluster.cluster import ClusterUnavailable
from adit.cluster.kinds import Ref
from adit.cluster.slots import SlotsTaken
from adit.errors import AditError, RetryableError
from adit_operator.admission import Admission, admit
from adit_operator.census import candidates_of, present_of, waited
from adit_operator.gather import World, held
from adit_operator.lent import lent_to_nobody
from adit_operator.observed import SeenSet, SeenTransfer, Waiting
from adit_operator.reach import Reach
from adit_operator.slots import Allocation, allocated, caps_of
from adit_operator.start import NameTaken, known_jobs, look_for_attempted, start
from adit_operator.unstarted import not_beginning

log = structlog.get_logger()
# A turn decides so often at most where runners are refused; who is left over has the next one, at once.
MAX_DECISIONS = 10
# So many seconds at most a job waits whose runner could not be made since the API did not answer.
LENT_PAUSE = 5.0
AWAY_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did: the jobs that got a runner, why the others wait, and when it must look again at the latest."""

    started: tuple[Ref, ...]
    waiting: Mapping[str, Waiting]
    next_due: datetime | None
    allocation: Allocation
    # the jobs of which running sets are told something else than before
    told: tuple[Ref, ...] = ()
    # for each set that was started, how many seconds it could have run before it did
    waited: tuple[float, ...] = ()
    # how many runners were told to make room since the last turn, by reason
    evicted: Mapping[str, int] = field(default_factory=dict)
    # why it ended before its time: the rest is for the next turn
    hindrance: RetryableError | None = None


async def admission_turn(world: World, reach: Reach) -> Turn:
    """Decide what runs now, and start it; what was started stays started, and what was decided is told.

    Who makes room is told to reconcile before anything starts, so that nobody is told what was meant for its
    predecessor. What a job that gets no runner was to have is given to others in the same turn.
    """
    for pauses in (world.orders.refused, world.orders.unstarted):
        pauses.keep(_owners(world))
    starts, told = _Starts(hindrance=await look_for_attempted(world)), _asked_before(world)
    for _ in range(MAX_DECISIONS):
        allocation = observe_allocation(world)
        admission, waiting = _decide(world, reach, allocation)
        told |= world.orders.give(admission.yield_)
        wanted = admission.start if starts.hindrance is None else ()
        refused = await _start_all(world, wanted, allocation, starts)
        waiting |= refused
        if not refused or starts.hindrance is not None:
            break
    owners = _owners(world)
    return Turn(
        started=tuple(dict.fromkeys(starts.made)),
        waiting={**waiting, **not_beginning(world)},
        next_due=_next_due(world, admission, decided=not refused),
        allocation=allocation,
        told=tuple(owners[uid].ref for uid in told if uid in owners),
        waited=tuple(starts.waited),
        evicted=world.orders.take_evicted(),
        hindrance=starts.hindrance,
    )


@dataclass(slots=True)
class _Starts:
    """What became of a turn's starts so far."""

    made: list[Ref] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    hindrance: RetryableError | None = None


def _owners(world: World) -> dict[str, SeenTransfer]:
    return {transfer.uid: transfer for transfer in world.cache.transfers.values()}


def _asked_before(world: World) -> set[str]:
    """In the first turn: the owners of the sets that an earlier operator told to stop."""
    if world.orders.spoken:
        return set()
    present = present_of(world.cache, observe_allocation(world))
    return {one.owner.uid for one in present.runners if one.asked and one.owner}


def _decide(world: World, reach: Reach, allocation: Allocation) -> tuple[Admission, dict[str, Waiting]]:
    """One decision without the jobs of which runners are refused, and why each job waits."""
    cache, now = world.cache, world.clock.now()
    pausing = _pausing(world)
    candidates = tuple(candidates_of(cache, allocation))
    admission = admit(
        (one for one in candidates if one.transfer.uid not in pausing),
        reach.with_probes(allocation),
        caps_of(cache.servers.values(), reach.down(), now),
        now,
        present_of(cache, allocation),
        probe_seconds=world.settings.probe_seconds,
    )
    left_out = {one.transfer.uid: pausing[one.transfer.uid] for one in candidates if one.transfer.uid in pausing}
    return admission, {**admission.waiting, **left_out}


def _pausing(world: World) -> Mapping[str, Waiting]:
    orders, now = world.orders, world.clock.monotonic()
    return {**orders.refused.pausing(now), **orders.unstarted.pausing(now)}


async def _start_all(
    world: World,
    sets: Sequence[SeenSet],
    allocation: Allocation,
    starts: _Starts,
) -> dict[str, Waiting]:
    """Start these sets; answers the jobs that get no runner now, each with the reason."""
    refused: dict[str, Waiting] = {}
    owners = _owners(world)  # as they were when it was decided
    for seen in sets:
        transfer = owners[seen.owner_uid or ""]
        if transfer.uid in refused:
            continue
        pause = waited(world.cache, seen, world.clock.now())
        try:
            async with lent_to_nobody(world, transfer):
                made = await start(world, transfer, seen, allocation)
        except SlotsTaken as error:
            refused[transfer.uid] = Waiting("WaitingForSlot", error.message)
            _refuse(world, transfer, refused[transfer.uid], at_most=LENT_PAUSE)
        except ClusterUnavailable as error:
            starts.hindrance = error
            # who hinders it alone, as by a hook that fails, must not keep the others from their turn
            _refuse(world, transfer, Waiting("StartRefused", error.message), at_most=AWAY_PAUSE)
            break
        except AditError as error:
            log.error("a runner could not be started", task_set=str(seen.ref), reason=error.reason)  # noqa: TRY400  # the job's condition tells the rest
            reason = error.reason if isinstance(error, NameTaken) else "StartRefused"
            refused[transfer.uid] = Waiting(reason, error.message)
            _refuse(world, transfer, refused[transfer.uid])
        else:
            if made:
                world.orders.refused.succeeded(transfer.uid)
                starts.made.append(transfer.ref)
                starts.waited.append(pause)
    return refused


def _refuse(world: World, transfer: SeenTransfer, why: Waiting, *, at_most: float = inf) -> None:
    world.orders.refused.failed(transfer.uid, why, world.clock.monotonic(), at_most=at_most)


def _next_due(world: World, admission: Admission, *, decided: bool) -> datetime | None:
    """When to decide again at the latest: at once where a turn was too short to serve all."""
    now = world.clock.now()
    if not decided:
        return now
    orders, elapsed = world.orders, world.clock.monotonic()
    left = (orders.refused.seconds_left(elapsed), orders.unstarted.seconds_left(elapsed))
    pauses_end = [now + timedelta(seconds=seconds) for seconds in left if seconds is not None]
    dues = [admission.next_due] if admission.next_due is not None else []
    return min((*dues, *pauses_end), default=None)


def observe_allocation(world: World) -> Allocation:
    """What runners hold now."""
    cache = world.cache
    sets = tuple(seen for seen in cache.sets.values() if not seen.finished)
    return allocated(known_jobs(world), sets, held(world.lease, sets), cache.servers)


def running_on(world: World, endpoint: str) -> int:
    """How many runner slots of an endpoint are taken now."""
    return observe_allocation(world).slots[endpoint]
