"""Figures: what the metrics tell of one moment, taken from the cache. Pure; no metrics library is known here."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from adit.api.endpoint import endpoint_of
from adit_operator.cache import Cache
from adit_operator.reach import Reach
from adit_operator.slots import Allocation, caps_of


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


def figures_of(cache: Cache, allocation: Allocation, reach: Reach, depth: int, retries: int) -> Figures:
    """What there is to tell now."""
    caps, down = caps_of(cache.servers.values(), {}), reach.down()
    endpoints = sorted({str(endpoint_of(server.spec)) for server in cache.servers.values()})
    return Figures(
        queue_depth=depth,
        queue_retries=retries,
        jobs=Counter(transfer.phase for transfer in cache.transfers.values()),
        limits={endpoint: caps[endpoint].slots for endpoint in endpoints},
        allocated={endpoint: allocation.slots[endpoint] for endpoint in endpoints},
        up={endpoint: endpoint not in down for endpoint in endpoints},
    )
