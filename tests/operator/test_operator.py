import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from adit.api.resource import TransferJob
from adit.cluster.cluster import ClusterUnavailable, Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.cluster.kinds import Ref
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.operator import Operator
from adit_operator.settings import OperatorSettings
from adit_operator.testing.desk import Desk, task_set_of
from adit_operator.testing.fakes import FakeProber

NIGHT = Ref("TransferJob", "default", "night")


@asynccontextmanager
async def operating(cluster: EmbeddedCluster, prober: FakeProber | None = None) -> AsyncIterator[None]:
    operator = Operator(
        cluster,
        FlockLease(cluster.data),
        OperatorSettings(status_seconds=0.2),
        prober or FakeProber(),
        slots=cluster.interactive_slots(),
    )
    task = asyncio.create_task(operator.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = 5) -> float:
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110  # what is awaited lies in a file
            await asyncio.sleep(0.002)
    return time.monotonic() - began


async def phase(cluster: EmbeddedCluster) -> str | None:
    return TransferJob.read(await cluster.get(NIGHT)).status.phase


async def work(cluster: EmbeddedCluster, desk: Desk, word: str = "Done") -> None:
    for job in await desk.runner_jobs():
        count = len((await cluster.get(task_set_of(job)))["spec"]["tasks"])
        await desk.play(job, ("S" if word == "Done" else "P") * count, word)  # type: ignore[arg-type]  # an EndedReason


async def test_the_first_runner_starts_within_half_a_second_and_the_end_is_told_as_fast(
    cluster: EmbeddedCluster, desk: Desk
) -> None:
    async with operating(cluster):
        await asyncio.sleep(0.05)
        await cluster.create(transfer_job_manifest("night", studies=[f"1.2.{i}" for i in range(1, 4)]))
        assert await until(desk.runner_jobs) < 0.5
        while await desk.runner_jobs():
            await work(cluster, desk)
            await asyncio.sleep(0.02)

        async def succeeded() -> bool:
            return await phase(cluster) == "Success"

        assert await until(succeeded) < 0.3


async def test_jobs_that_were_there_before_the_operator_are_taken_up(cluster: EmbeddedCluster, desk: Desk) -> None:
    await cluster.create(transfer_job_manifest("night"))
    async with operating(cluster):
        await until(desk.runner_jobs)
    async with operating(cluster):
        await work(cluster, desk)

        async def succeeded() -> bool:
            return await phase(cluster) == "Success"

        await until(succeeded)


async def test_after_an_outage_the_probe_opens_the_way(cluster: EmbeddedCluster, desk: Desk) -> None:
    """Each server is asked when it appears, and again after the outage."""
    prober = FakeProber()
    async with operating(cluster, prober):
        await cluster.create(transfer_job_manifest("night"))
        await until(desk.runner_jobs)
        (job,) = await desk.runner_jobs()
        await work(cluster, desk, "PeerUnavailable")

        async def next_attempt() -> bool:
            names = [one["metadata"]["name"] for one in await desk.runner_jobs()]
            return names == [job["metadata"]["name"].replace("-a0", "-a1")]

        await until(next_attempt)
        assert sorted(name for name, _ in prober.asked) == ["pacs", "pacs", "research", "research"]


async def test_servers_show_how_many_slots_are_taken(cluster: EmbeddedCluster, desk: Desk) -> None:
    async def allocated() -> int:
        pacs = await cluster.get(Ref("DicomServer", "default", "pacs"))
        return int(pacs.get("status", {}).get("allocated", 0))

    async with operating(cluster):
        await cluster.create(transfer_job_manifest("night"))
        await until(allocated)
        await until(desk.runner_jobs)
        await work(cluster, desk)

        async def none_taken() -> bool:
            return await allocated() == 0

        await until(none_taken)


async def test_a_broken_job_does_not_hold_up_another(cluster: EmbeddedCluster, desk: Desk) -> None:
    async with operating(cluster):
        broken = transfer_job_manifest("broken")
        broken["spec"]["source"]["name"] = "nowhere"
        await cluster.create(broken)
        await cluster.create(transfer_job_manifest("night"))
        await until(desk.runner_jobs)
        await work(cluster, desk)

        async def succeeded() -> bool:
            return await phase(cluster) == "Success"

        await until(succeeded)


class WithoutMoreJobs:
    """A cluster that makes everything but Jobs."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self._cluster = cluster

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    async def create(self, manifest: Manifest) -> Manifest:
        if manifest["kind"] == "Job":
            raise ClusterUnavailable("not now")
        return await self._cluster.create(manifest)


async def test_a_start_that_fails_keeps_nobody_from_being_told_to_make_room(
    cluster: EmbeddedCluster, desk: Desk
) -> None:
    for name in ("pacs", "research"):
        await cluster.patch(Ref("DicomServer", "default", name), {"spec": {"limits": {"maxAssociations": 2}}})
    third = server_manifest("third", port=11114)
    third["spec"]["paused"] = True
    await cluster.create(third)
    await cluster.create(transfer_job_manifest("night"))
    await desk.settle()
    (job,) = await desk.runner_jobs()
    await desk.claim(job)
    urgent, other = transfer_job_manifest("urgent"), transfer_job_manifest("other")
    urgent["spec"] |= {"destination": {"name": "third"}, "priority": 900}
    other["spec"] |= {"source": {"name": "third"}, "destination": {"name": "fourth"}}
    await cluster.create(server_manifest("fourth", port=11115))
    async with operating(WithoutMoreJobs(cluster)):  # type: ignore[arg-type]  # all but one verb is the cluster's own
        await cluster.create(urgent)
        await cluster.create(other)

        async def wait_for_third() -> bool:
            jobs = [TransferJob.read(await cluster.get(Ref.of(one))) for one in (urgent, other)]
            return all("paused" in one.status.message for one in jobs)

        await until(wait_for_third)
        await cluster.patch(Ref.of(third), {"spec": {"paused": False}})

        async def told() -> bool:
            return bool((await cluster.get(task_set_of(job)))["spec"].get("stop") == "AfterTask")

        await until(told)
