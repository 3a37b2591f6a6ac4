"""Sweep: what nothing else removes, because a namespace lies between it and its owner: Jobs and rendered Secrets."""

import structlog

from adit.api import labels
from adit.cluster.cluster import Conflict
from adit.cluster.kinds import Ref
from adit_operator.gather import World
from adit_operator.render import RENDERED_TYPE

log = structlog.get_logger()


async def sweep_orphans(world: World) -> None:
    """Delete the Jobs whose TransferJob or TaskSet is gone; only on a cache that has seen everything."""
    owners = {transfer.uid for transfer in world.cache.transfers.values()}
    sets = {seen.uid for seen in world.cache.sets.values()}
    watched = world.settings.watch_namespaces
    unreadable = {ref.name for ref in world.cache.unreadable}
    for job in tuple(world.cache.jobs.values()):
        orphan = job.owner_uid not in owners or job.task_set_uid not in sets  # guard: only-orphans-are-swept
        if not orphan or unreadable:
            continue  # what cannot be read may be an owner
        if watched and job.task_set.namespace not in watched:
            continue  # its owner may live where we do not look
        log.info("a Job without an owner is deleted", job=str(job.ref))
        try:
            await world.cluster.delete(job.ref, uid=job.uid)
        except Conflict:
            continue


async def sweep_secrets(world: World) -> None:
    """Delete the rendered Secrets that no unfinished Job mounts; never during a turn of admission."""
    used = {
        Ref("Secret", job.ref.namespace, name)
        for job in world.cache.jobs.values()
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
