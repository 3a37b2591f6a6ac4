"""Sweep: what nothing else removes, because a namespace lies between it and its owner: Jobs and rendered Secrets."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

import structlog

from adit.api import labels
from adit.cluster.cluster import Conflict
from adit.cluster.kinds import Ref
from adit_operator.gather import World
from adit_operator.observed import SeenJob, SeenSet
from adit_operator.render import RENDERED_TYPE
from adit_operator.start import known_jobs

log = structlog.get_logger()
# At most so many Jobs in one sweep; the next change or quarter minute brings another.
MAX_DELETED = 50


async def sweep_orphans(world: World) -> None:
    """Delete the Jobs whose TransferJob or TaskSet is gone; only on a cache that has seen everything."""
    cache = world.cache
    owners, sets = cache.uids("TransferJob"), cache.uids("TaskSet")  # guard: unreadable-is-not-gone
    found = orphans(cache.jobs.values(), owners, sets, world.settings.watch_namespaces)
    for job in sorted(found, key=lambda job: job.finished)[:MAX_DELETED]:  # first those that hold slots
        log.info("a Job without an owner is deleted", job=str(job.ref))
        await _delete(world, job)


def orphans(
    jobs: Iterable[SeenJob], owners: AbstractSet[str], sets: AbstractSet[str], watched: tuple[str, ...] = ()
) -> Iterator[SeenJob]:
    """The Jobs whose owner is gone for good; one whose owner would live where we do not look is none. Pure."""
    for job in jobs:
        if watched and job.task_set.namespace not in watched:  # guard: unseen-is-not-gone
            continue
        if job.owner_uid not in owners or job.task_set_uid not in sets:  # guard: only-orphans-are-swept
            yield job


async def sweep_finished(world: World) -> None:
    """Delete the Jobs that nobody asks for any more, with their pods and logs."""
    cache, now = world.cache, world.clock.now()
    sets = {seen.uid: seen for seen in cache.sets.values()}
    done = outlived(cache.jobs.values(), sets, now - timedelta(seconds=world.settings.keep_runners_seconds))
    for job in sorted(done, key=lambda job: job.ref)[:MAX_DELETED]:
        await _delete(world, job)


def outlived(jobs: Iterable[SeenJob], sets: Mapping[str, SeenSet], before: datetime) -> Iterator[SeenJob]:
    """The Jobs that ended before this time and decide nothing: their set is finished, or a later attempt is judged.

    The newest attempt of an unfinished set stays: its end must be judged, and the numbers go on from it. Pure.
    """
    for job in jobs:
        seen = sets.get(job.task_set_uid)
        if seen is None or not job.finished or job.ended is None or job.ended > before:
            continue
        if seen.finished or job.attempt < seen.judged_attempt:  # guard: unjudged-is-kept
            yield job


async def _delete(world: World, job: SeenJob) -> None:
    try:
        await world.cluster.delete(job.ref, uid=job.uid)
    except Conflict:
        return  # another Job took its name


async def sweep_secrets(world: World) -> None:
    """Delete the rendered Secrets that no unfinished Job mounts; never during a turn of admission."""
    used = {
        Ref("Secret", job.ref.namespace, name)
        for job in known_jobs(world)
        if not job.finished
        for name in job.secrets.values()
    }
    found = await world.cluster.list(
        "Secret", namespace=world.settings.runner_namespace, labels={labels.MANAGED_BY: labels.MANAGED_BY_ADIT}
    )
    for secret in found.items:
        if secret.get("type") == RENDERED_TYPE and Ref.of(secret) not in used:
            try:
                await world.cluster.delete(Ref.of(secret), uid=secret["metadata"]["uid"])
            except Conflict:
                continue
