"""Slots: how many associations runners may hold with each endpoint, and how many they hold now. Pure.

Caps count per endpoint, not per object: two DicomServer objects of one PACS share its associations.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from adit.api.endpoint import Endpoint, endpoint_of
from adit.api.resource import DicomServer
from adit.api.window import Window
from adit.cluster.kinds import Ref
from adit.windows import ALWAYS, Opening, opening_of_all
from adit_operator.observed import SeenJob, SeenSet

# What began so shortly before a window opened began in it: the cluster has another clock than we.
CLOCKS_APART = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Cap:
    """What runners may use of one endpoint: `slots`, unless it is paused, outside its windows, or does not answer."""

    slots: int
    reserve: int = 0
    paused: bool = False
    unreachable: str | None = None
    # how its windows stand now, and what they are: those of each object that has some
    opening: Opening = ALWAYS
    windows: tuple[tuple[Window, ...], ...] = ()

    @property
    def open_slots(self) -> int:
        """The slots that may be given away now."""
        closed = self.paused or self.unreachable is not None or not self.opening.open
        return 0 if closed else self.slots

    def hard_since(self, since: datetime) -> bool:
        """Whether the opening in which something began at this moment interrupts it where it ends."""
        then = opening_of_all(self.windows, since)
        if not then.open and then.changes_at is not None and then.changes_at - since <= CLOCKS_APART:
            then = opening_of_all(self.windows, then.changes_at)
        return then.hard


def caps_of(servers: Iterable[DicomServer], down: Mapping[str, str], now: datetime | None = None) -> dict[str, Cap]:
    """The cap of each endpoint: the smallest maxAssociations less the largest reserve of the objects that name it.

    One paused object pauses the endpoint, and it is open while the windows of all are. `down`: the endpoints that do
    not answer, each with a sentence. Without a time windows are not looked at.
    """
    by_endpoint: dict[Endpoint, list[DicomServer]] = {}
    for server in servers:
        by_endpoint.setdefault(endpoint_of(server.spec), []).append(server)
    caps = {}
    for endpoint, sharing in by_endpoint.items():
        smallest = min(server.spec.limits.max_associations for server in sharing)
        reserve = max(server.spec.limits.reserve for server in sharing)
        windows = tuple(server.spec.windows for server in sharing if server.spec.windows)
        caps[str(endpoint)] = Cap(
            slots=max(0, smallest - reserve),
            reserve=reserve,
            paused=any(server.spec.paused for server in sharing),
            unreachable=down.get(str(endpoint)),
            opening=opening_of_all(windows, now) if windows and now is not None else ALWAYS,
            windows=windows,
        )
    return caps


def endpoints_between(source: Ref, destination: Ref, servers: Mapping[Ref, DicomServer]) -> tuple[str, ...]:
    """The endpoints that a transfer takes one slot on each; folders take none. An unknown server is left out."""
    return tuple(str(endpoint_of(servers[ref].spec)) for ref in (source, destination) if ref in servers)


@dataclass(frozen=True, slots=True)
class Held:
    """The slots that one TaskSet takes; `uid` is the set's."""

    uid: str
    owner_uid: str
    task_set: Ref
    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allocation:
    """What runners hold: slots per endpoint, the TaskSets they work, and how many of each owner.

    TaskSets by name: one that was made anew is worked as long as a runner of the deleted one lives.
    """

    slots: Counter[str]
    sets: frozenset[Ref]
    per_owner: Counter[str]
    held: tuple[Held, ...] = ()


def allocated(
    jobs: Iterable[SeenJob], sets: Iterable[SeenSet], held: frozenset[str], servers: Mapping[Ref, DicomServer]
) -> Allocation:
    """Each TaskSet once that has an unfinished or terminating Job, or a holder whose lease has not run out.

    Recomputed from what is observed; a Job whose TaskSet is gone still counts until its pod has ended.
    """
    working: dict[str, Held] = {}
    for job in jobs:
        if not job.finished:  # guard: unfinished-job-takes-a-slot
            working[job.task_set_uid] = Held(job.task_set_uid, job.owner_uid, job.task_set, job.endpoints)
    for seen in sets:
        if seen.uid in held and seen.uid not in working:  # guard: holder-takes-a-slot
            ends = endpoints_between(seen.source, seen.destination, servers)
            working[seen.uid] = Held(seen.uid, seen.owner_uid or "", seen.ref, ends)
    return Allocation(
        slots=Counter(endpoint for one in working.values() for endpoint in one.endpoints),
        sets=frozenset(one.task_set for one in working.values()),
        per_owner=Counter(one.owner_uid for one in working.values()),
        held=tuple(working.values()),
    )
