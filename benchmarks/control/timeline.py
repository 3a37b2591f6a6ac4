"""When an object first carried what a step leaves in it: seen by a watch, since its own times are whole seconds."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from adit.cluster.cluster import Cluster, Manifest, WatchEvent
from adit.cluster.kinds import Kind
from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.connection import Call
from adit.cluster.kubernetes.watch import watch
from adit.testing.pacs import LoopbackPacs

LOOK_SECONDS = 0.004
Holds = Callable[[Manifest], bool]
POD = Kind("Pod", "", "v1", "pods")

SUBMITTED, ACCEPTED, PLANNED, SET_MADE = "job there", "accepted", "planned", "TaskSet made"
JOB_MADE, POD_MADE, STARTED, CLAIMED, STORED = "Job made", "pod made", "pod runs", "claimed", "first image stored"


def _condition(manifest: Manifest, kind: str) -> bool:
    found = (manifest.get("status") or {}).get("conditions") or ()
    return any(one["type"] == kind and one["status"] == "True" for one in found)


def _always(_: Manifest) -> bool:
    return True


def _container_runs(pod: Manifest) -> bool:
    found = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(one["state"].keys() & {"running", "terminated"} for one in found)


STEPS: Mapping[str, Mapping[str, Holds]] = {
    "TransferJob": {
        SUBMITTED: _always,
        ACCEPTED: lambda job: _condition(job, "Ready"),
        PLANNED: lambda job: bool((job.get("status") or {}).get("plan")),
    },
    "TaskSet": {SET_MADE: _always, CLAIMED: lambda one: bool((one.get("status") or {}).get("holder"))},
    "Job": {JOB_MADE: _always},
    "Pod": {POD_MADE: _always, STARTED: _container_runs},
}
# where no pod is seen, the Job tells that its process runs
EMBEDDED = {**STEPS, "Job": {JOB_MADE: _always, STARTED: lambda job: bool((job.get("status") or {}).get("ready"))}}


@dataclass
class Timeline:
    """Monotonic seconds by step, for one job after the other."""

    seen: dict[str, float] = field(default_factory=dict)

    def note(self, step: str) -> None:
        """The first time counts."""
        self.seen.setdefault(step, time.monotonic())

    def since(self, start: float) -> dict[str, float]:
        """Seconds after a start, in the order of time; every step comes before the image, told late or not."""
        image = self.seen.get(STORED, math.inf)
        times = {step: min(when, image) - start for step, when in self.seen.items()}
        return dict(sorted(times.items(), key=lambda one: (one[1], one[0] == STORED)))

    async def follow(self, kind: str, events: AsyncIterator[WatchEvent], steps: Mapping[str, Holds], job: str) -> None:
        """Note steps of what belongs to a job, by its name."""
        async for event in events:
            name = event.object["metadata"].get("name", "")
            if event.type != "BOOKMARK" and (name == job if kind == "TransferJob" else name.startswith(f"tj-{job}-")):
                for step, holds in steps.items():
                    if step not in self.seen and holds(event.object):
                        self.note(step)

    async def wait_for_image(self, destination: LoopbackPacs, before: int) -> None:
        """Look at the PACS until it has one more than before."""
        while len(destination.instances()) <= before:  # noqa: ASYNC110 - a PACS tells nobody
            await asyncio.sleep(LOOK_SECONDS)
        self.note(STORED)


@asynccontextmanager
async def watched(
    cluster: Cluster, job: str, kinds: Mapping[str, Mapping[str, Holds]], namespace: str
) -> AsyncIterator[Timeline]:
    """Note the steps of a job that is made while the context is open."""
    timeline, tasks = Timeline(), []
    opened: list[tuple[str, AbstractAsyncContextManager[AsyncIterator[WatchEvent]]]] = []
    for kind in kinds:
        if kind == "Pod" and not isinstance(cluster, KubernetesCluster):
            continue
        opened.append((kind, await _opened(cluster, kind, namespace)))

    async def follow(kind: str, watching: AbstractAsyncContextManager[AsyncIterator[WatchEvent]]) -> None:
        async with watching as events:
            await timeline.follow(kind, events, kinds[kind], job)

    tasks = [asyncio.create_task(follow(kind, watching)) for kind, watching in opened]
    try:
        yield timeline
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _opened(
    cluster: Cluster, kind: str, namespace: str
) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
    """A watch from now on."""
    if kind == "Pod":
        assert isinstance(cluster, KubernetesCluster)
        call = Call("GET", f"/api/v1/namespaces/{namespace}/pods", kind)
        listed = await cluster.connection.call(call)
        return watch(cluster.connection, POD, call, str(listed["metadata"]["resourceVersion"]))
    since = (await cluster.list(kind)).resource_version
    return cluster.watch(kind, since=since)
