"""Unstarted: runners that do not begin, as where an image, a volume or room is missing; no pod is looked at for that.

A runner begins when it claims its set. Until then its job is told, and where it takes too long, or the set is told to
stop, its Job is deleted: nothing was moved, no attempt is spent, and its slot is for others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog

from adit.api import labels
from adit.cluster.cluster import Conflict, ObjectNotFound
from adit_operator.gather import World
from adit_operator.observed import SeenJob, SeenSet, Waiting
from adit_operator.obstacles import not_started, not_starting

log = structlog.get_logger()

# After so many seconds people are told; one that is to stop anyway is given up after so many.
TOLD_AFTER, STOPPED_AFTER = 90.0, 30.0
MAX_DELETED = 50


@dataclass(frozen=True, slots=True)
class Unstarted:
    """A Job whose runner has not claimed its set, and for how many seconds this operator has known it."""

    job: SeenJob
    seen: SeenSet
    seconds: float

    def given_up(self, start_seconds: float) -> bool:
        """Whether its slot is rather given to others."""
        patience = STOPPED_AFTER if self.seen.stop is not None else start_seconds
        return not self.job.leaving and self.seconds >= patience


def not_beginning(world: World) -> Mapping[str, Waiting]:
    """What to tell the jobs, by UID, whose runners do not begin; looks on."""
    late = (one for one in look_on(world) if one.seconds >= TOLD_AFTER)
    return {
        one.job.owner_uid: not_starting(one.job.ref.namespace, _selector(one.job), ready=one.job.ready) for one in late
    }


async def sweep_unstarted(world: World) -> None:
    """Delete the Jobs of runners that are given up; never one whose runner has claimed its set.

    One that claims in this moment is told to stop by its pod's end, says so, and has lost nothing.
    """
    patience = world.settings.runner_start_seconds
    late = [one for one in look_on(world) if one.given_up(patience)]
    for one in late[:MAX_DELETED]:
        try:
            world.cache.put(await world.cluster.get(one.seen.ref))
        except ObjectNotFound:
            continue  # the Job is an orphan, which is swept as such
        fresh = world.cache.sets.get(one.seen.ref)
        if fresh is None or _begun(world, fresh, one.job):  # guard: claimed-is-not-given-up
            continue
        log.warning("a runner that does not begin is given up", job=str(one.job.ref), seconds=round(one.seconds))
        try:
            await world.cluster.delete(one.job.ref, uid=one.job.uid)
        except Conflict:
            continue  # another Job took its name
        world.orders.given_up[one.job.task_set_uid] = one.job.attempt
        why = not_started(one.job.ref.namespace, _selector(one.job))
        world.orders.unstarted.failed(one.job.owner_uid, why, world.clock.monotonic())


def look_on(world: World) -> tuple[Unstarted, ...]:
    """The runners that have not begun; remembers since when they are known, and which jobs have one that has begun."""
    orders, now = world.orders, world.clock.monotonic()
    jobs = tuple(world.cache.jobs.values())
    if orders.given_up:
        sets = {seen.uid for seen in world.cache.sets.values()}
        orders.given_up = {uid: attempt for uid, attempt in orders.given_up.items() if uid in sets}
    orders.known_since = {job.uid: orders.known_since.get(job.uid, now) for job in jobs}
    return tuple(_look_at(world, jobs, now))


def _look_at(world: World, jobs: tuple[SeenJob, ...], now: float) -> Iterator[Unstarted]:
    orders = world.orders
    for job in jobs:
        seen, since = world.cache.sets.get(job.task_set), orders.known_since[job.uid]
        if seen is None or seen.uid != job.task_set_uid:
            continue
        if _begun(world, seen, job):
            if since > (orders.unstarted.failed_at(job.owner_uid) or since):
                orders.unstarted.succeeded(job.owner_uid)
        elif not job.finished:
            yield Unstarted(job, seen, now - since)


def _begun(world: World, seen: SeenSet, job: SeenJob) -> bool:
    """Whether the Job's runner has claimed the set, or another one holds it."""
    if seen.attempt >= job.attempt:
        return True
    return seen.holder is not None and not world.lease.expired(seen.uid, dict(seen.holder))


def _selector(job: SeenJob) -> str:
    return f"{labels.OWNER_UID}={job.owner_uid}"
