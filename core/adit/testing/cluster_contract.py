"""What the contract tests of the Cluster protocol need of an implementation; the embedded one stands here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from adit.cluster.cluster import Cluster, Manifest, ObjectNotFound
from adit.cluster.embedded import EmbeddedCluster, EmbeddedNode
from adit.cluster.embedded.job_status import POD_NAME
from adit.cluster.embedded.store import LogLimits
from adit.cluster.kinds import Ref
from adit.testing.cluster import config_map_manifest

T = TypeVar("T")

# A cluster pulls images and schedules; the embedded one answers in milliseconds.
PATIENCE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Backend:
    """A cluster under test that runs Jobs, and a namespace of the test's own."""

    cluster: Cluster
    namespace: str
    # of an image that has Python
    image: str
    # what the newest pod of a Job has printed so far
    pod_log: Callable[[Ref], Awaitable[str]]
    # a kind, and a position that a watch of it can no longer start from
    expired_position: Callable[[], Awaitable[tuple[str, str]]]

    def place(self, manifest: Manifest) -> Manifest:
        """The manifest in the test's namespace; a Job on the test's image."""
        placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": self.namespace}}
        if manifest["kind"] == "Job":
            for container in manifest["spec"]["template"]["spec"]["containers"]:
                container["image"] = self.image
        return placed

    def ref(self, kind: str, name: str) -> Ref:
        return Ref(kind, self.namespace, name)

    async def exists(self, ref: Ref) -> bool:
        try:
            await self.cluster.get(ref)
        except ObjectNotFound:
            return False
        return True

    async def gone(self, ref: Ref) -> bool:
        return not await self.exists(ref)


async def eventually(look: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """Look until there is something true to see, and give it. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            if seen := await look():
                return seen
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


@asynccontextmanager
async def embedded_backend(folder: Path) -> AsyncIterator[Backend]:
    """An embedded cluster with its node, which remembers the last 200 events only."""
    async with (
        EmbeddedCluster.open(folder / "data", limits=LogLimits(events=200)) as cluster,
        EmbeddedNode(cluster, cluster.data),
    ):

        async def pod_log(job: Ref) -> str:
            pod = (await cluster.get(job))["metadata"]["annotations"][POD_NAME]
            return (cluster.data / "logs" / f"{pod}.log").read_text()

        async def expired_position() -> tuple[str, str]:
            position = (await cluster.list("ConfigMap")).resource_version
            for number in range(201):
                await cluster.apply(config_map_manifest("clock", {"tick": str(number)}), field_manager="clock")
            return "ConfigMap", position

        yield Backend(cluster, "contract", "python", pod_log, expired_position)
