"""Follows jobs in the cluster until each is settled; every look is handed on, so that it can be shown."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from adit.api.resource import TransferJob
from adit.cluster.cluster import Cluster, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import PermanentError
from adit_cli.settled import settled, stalled

Jobs = Mapping[Ref, TransferJob]
LOOK_SECONDS = 0.25
# A job that stalled in an earlier run is given this long to be looked at again: its cause may be mended by now.
SECOND_LOOK_SECONDS = 3.0


async def follow(cluster: Cluster, refs: Iterable[Ref], looked: Callable[[Jobs], None]) -> Jobs:
    """Return when every job is settled. Raises PermanentError where one of them is deleted."""
    jobs: dict[Ref, TransferJob] = {}
    clock = asyncio.get_running_loop().time
    started = clock()
    wanted = sorted(refs)
    while True:
        for ref in wanted:
            jobs[ref] = await _read(cluster, ref, jobs.get(ref))
        looked(jobs)
        if _all_settled(jobs, clock() - started):
            return jobs
        await asyncio.sleep(LOOK_SECONDS)


async def look(cluster: Cluster, refs: Iterable[Ref]) -> Jobs:
    """The jobs as they are now. Raises PermanentError where one of them is deleted."""
    return {ref: await _read(cluster, ref, None) for ref in sorted(refs)}


async def _read(cluster: Cluster, ref: Ref, known: TransferJob | None) -> TransferJob:
    try:
        manifest = await cluster.get(ref)
    except ObjectNotFound as error:
        raise PermanentError(f"{ref} was deleted while it was followed", reason="JobDeleted") from error
    if known is not None and known.metadata.resource_version == manifest["metadata"]["resourceVersion"]:
        return known
    return TransferJob.read(manifest)


def _all_settled(jobs: Jobs, seconds: float) -> bool:
    if any(stalled(job) for job in jobs.values()) and seconds < SECOND_LOOK_SECONDS:
        return False
    return all(settled(job) for job in jobs.values())
