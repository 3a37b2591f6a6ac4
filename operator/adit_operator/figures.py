"""Figures: what the metrics tell of one moment, taken from the cache. Pure; no metrics library is known here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adit.api.endpoint import endpoint_of
from adit_operator.admission import admit
from adit_operator.cache import Cache
from adit_operator.census import candidates_of, present_of
from adit_operator.reach import Reach
from adit_operator.slots import Allocation, Cap, caps_of

STATES = ("pending", "succeeded", "warned", "failed", "canceled")


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts by bounded names only: a phase, an endpoint; never a job or a person."""

    queue_depth: int
    queue_retries: int
    jobs: Mapping[str, int]
    # by endpoint: what runners may hold, what they hold
    limits: Mapping[str, int]
    allocated: Mapping[str, int]
    # by endpoint: whether it answered when it was asked last
    up: Mapping[str, bool]
    # by endpoint: slots that may be given away at this moment, taken ones included: none while it is closed or down
    open: Mapping[str, int] = field(default_factory=dict)
    # by endpoint: slots of those who were told to stop, and what the last answer took, in seconds
    draining: Mapping[str, int] = field(default_factory=dict)
    echoes: Mapping[str, float] = field(default_factory=dict)
    # by namespace and state, of all jobs that exist
    tasks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    # task sets that may run now and for which there are slots: none for long, where starting works
    startable: int = 0


def figures_of(
    cache: Cache, allocation: Allocation, reach: Reach, depth: int, retries: int, *, now: datetime | None = None
) -> Figures:
    """What there is to tell now; without a time windows are not looked at."""
    down = reach.down()
    caps = caps_of(cache.servers.values(), down, now)
    endpoints = sorted({str(endpoint_of(server.spec)) for server in cache.servers.values()})
    return Figures(
        queue_depth=depth,
        queue_retries=retries,
        jobs=Counter(transfer.phase for transfer in cache.transfers.values()),
        limits={endpoint: caps[endpoint].slots for endpoint in endpoints},
        allocated={endpoint: allocation.slots[endpoint] for endpoint in endpoints},
        up={endpoint: endpoint not in down for endpoint in endpoints},
        open={endpoint: caps[endpoint].open_slots for endpoint in endpoints},
        draining=_draining(cache, allocation, endpoints),
        echoes={endpoint: seconds for endpoint, seconds in reach.echoes().items() if endpoint in endpoints},
        tasks=_tasks(cache),
        startable=_startable(cache, reach.with_probes(allocation), caps, now) if now is not None else 0,
    )


def _startable(cache: Cache, allocation: Allocation, caps: Mapping[str, Cap], now: datetime) -> int:
    """How many sets admission would start at this moment, whatever has kept it from starting them before."""
    candidates = candidates_of(cache, allocation)
    return len(admit(candidates, allocation, caps, now, present_of(cache, allocation)).start)


def _draining(cache: Cache, allocation: Allocation, endpoints: Sequence[str]) -> Mapping[str, int]:
    """The slots of runners that were told to stop, or whose set is gone."""
    leaving: Counter[str] = Counter()
    for held in allocation.held:
        seen = cache.sets.get(held.task_set)
        if seen is None or seen.uid != held.uid or seen.stop is not None:
            leaving.update(held.endpoints)
    return {endpoint: leaving[endpoint] for endpoint in endpoints}


def _tasks(cache: Cache) -> Mapping[tuple[str, str], int]:
    tasks: Counter[tuple[str, str]] = Counter()
    for transfer in cache.transfers.values():
        for state in STATES:
            tasks[transfer.ref.namespace, state] += getattr(transfer.tasks, state)
    return tasks
