"""Admit: one turn of the admission loop. Look at everything, decide, make the Jobs of the sets that may run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from adit.cluster.kinds import Ref
from adit.errors import PermanentError, RetryableError
from adit_operator.admission import admit
from adit_operator.census import candidates_of, present_of, waited
from adit_operator.gather import World, held
from adit_operator.observed import Waiting
from adit_operator.reach import Reach
from adit_operator.slots import Allocation, allocated, caps_of
from adit_operator.start import NameTaken, start

log = structlog.get_logger()


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
    predecessor.
    """
    cache, now = world.cache, world.clock.now()
    allocation = observe_allocation(world)
    present = present_of(cache, allocation)
    asked = [one.owner.uid for one in present.runners if one.asked and one.owner] if not world.orders.spoken else []
    admission = admit(
        candidates_of(cache, allocation),
        reach.with_probes(allocation),
        caps_of(cache.servers.values(), reach.down(), now),
        now,
        present,
        probe_seconds=world.settings.probe_seconds,
    )
    told = {*world.orders.give(admission.yield_), *asked}
    owners = {transfer.uid: transfer for transfer in cache.transfers.values()}
    started, pauses, waiting, hindrance = [], [], dict(admission.waiting), None
    for seen in admission.start:
        transfer = owners[seen.owner_uid or ""]
        pause = waited(cache, seen, now)
        try:
            if await start(world, transfer, seen, allocation):
                started.append(transfer.ref)
                pauses.append(pause)
        except NameTaken as error:
            waiting[transfer.uid] = Waiting(error.reason, error.message)
        except PermanentError as error:
            log.error("a runner could not be started", task_set=str(seen.ref), reason=error.reason)  # noqa: TRY400  # the job's condition tells the rest
            waiting[transfer.uid] = Waiting("StartRefused", error.message)
        except RetryableError as error:
            hindrance = error
            break
    return Turn(
        started=tuple(dict.fromkeys(started)),
        waiting=waiting,
        next_due=admission.next_due,
        allocation=allocation,
        told=tuple(owners[uid].ref for uid in told if uid in owners),
        waited=tuple(pauses),
        evicted=world.orders.take_evicted(),
        hindrance=hindrance,
    )


def observe_allocation(world: World) -> Allocation:
    """What runners hold now."""
    cache = world.cache
    sets = tuple(seen for seen in cache.sets.values() if not seen.finished)
    return allocated(cache.jobs.values(), sets, held(world.lease, sets), cache.servers)


def running_on(world: World, endpoint: str) -> int:
    """How many runner slots of an endpoint are taken now."""
    return observe_allocation(world).slots[endpoint]
