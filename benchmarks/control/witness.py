"""A witness between the simulated runners and their cluster: counts what they write, and remembers what became true.

What is true of a job at a resourceVersion is what its runners had written by then; an operator that adds up exactly
never tells anything else, only the truth of a moment ago.
"""

import bisect
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from adit.cluster.cluster import Cluster, Listing, Manifest, WatchEvent
from adit.cluster.kinds import Ref

Letters = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Write:
    """What a runner had written of its tasks: the version and the monotonic second of it."""

    version: int
    when: float
    uid: str
    states: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What was true from a version on: how many tasks had succeeded, were warned of, had failed."""

    version: int
    when: float
    counts: Letters


def history_of(writes: Iterable[Write]) -> "History":
    """Add up, version by version."""
    moments = [Moment(0, 0.0, (0, 0, 0))]
    last: dict[str, Letters] = {}
    for write in sorted(writes, key=lambda one: one.version):
        now = write.states.count("S"), write.states.count("W"), write.states.count("F")
        before, last[write.uid] = last.get(write.uid, (0, 0, 0)), now
        if now != before:
            moments.append(Moment(write.version, write.when, _moved(moments[-1].counts, before, now)))
    return History(moments)


@dataclass(frozen=True)
class History:
    """Moments in order."""

    moments: Sequence[Moment]

    def was(self, told: Letters, version: int) -> bool:
        """Whether all of this was true at one moment, at this version or before it."""
        return any(moment.counts == told for moment in self._known(version))

    def age(self, told: Letters, version: int, when: float) -> float | None:
        """How old the truth was that an object of this version told at that second; None where it told more than that.

        0 where it told all that was true; else the seconds since more was.
        """
        known = self._known(version)
        if _exceeds(told, known[-1].counts):
            return None
        later = next((moment for moment in self.moments if _exceeds(moment.counts, told)), None)
        return 0.0 if later is None else max(0.0, when - later.when)

    def _known(self, version: int) -> Sequence[Moment]:
        return self.moments[: bisect.bisect_right(self.moments, version, key=lambda one: one.version)]


def _exceeds(some: Letters, others: Letters) -> bool:
    return any(one > other for one, other in zip(some, others, strict=True))


def _moved(total: Letters, before: Letters, now: Letters) -> Letters:
    return (
        total[0] + now[0] - before[0],
        total[1] + now[1] - before[1],
        total[2] + now[2] - before[2],
    )


class Witness:
    """A cluster as it was, with every write counted by verb and resource."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.writes: Counter[tuple[str, str]] = Counter()
        self.task_sets: list[Write] = []

    async def get(self, ref: Ref) -> Manifest:
        return await self._cluster.get(ref)

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Listing:
        return await self._cluster.list(kind, namespace=namespace, labels=labels)

    async def create(self, manifest: Manifest) -> Manifest:
        self.writes["POST", manifest["kind"]] += 1
        return await self._cluster.create(manifest)

    async def apply(self, manifest: Manifest, *, field_manager: str, force: bool = True) -> Manifest:
        self.writes["APPLY", manifest["kind"]] += 1
        return await self._cluster.apply(manifest, field_manager=field_manager, force=force)

    async def patch(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        self.writes["PATCH", ref.kind] += 1
        return await self._cluster.patch(ref, patch, resource_version=resource_version)

    async def patch_status(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        self.writes["PATCH", f"{ref.kind}/status"] += 1
        answer = await self._cluster.patch_status(ref, patch, resource_version=resource_version)
        if ref.kind == "TaskSet":
            states = ((answer.get("status") or {}).get("runner") or {}).get("states", "")
            version, uid = int(answer["metadata"]["resourceVersion"]), answer["metadata"]["uid"]
            self.task_sets.append(Write(version, time.monotonic(), uid, states))
        return answer

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        self.writes["DELETE", ref.kind] += 1
        await self._cluster.delete(ref, uid=uid, resource_version=resource_version)

    def watch(
        self, kind: str, *, since: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        return self._cluster.watch(kind, since=since, namespace=namespace, labels=labels)

    def acting_as(self, person: str, groups: tuple[str, ...] = ()) -> Cluster:
        return self._cluster.acting_as(person, groups)
