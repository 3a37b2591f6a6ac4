"""A node whose pods are the real runner in this process: it claims, heartbeats, flushes and ends as in a pod.

What is not there is what is not measured: the start of a process, and DICOM (null_peers.py). On Kubernetes it works the
Jobs that `managedBy` names it for, so that the Job controller makes no pods of them.
"""

import asyncio
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from adit.api import labels
from adit.cluster.cluster import Cluster, Conflict, Lease, Manifest
from adit.cluster.embedded.job_status import Pod, decide_job, is_finished
from adit.cluster.embedded.volumes import PodPlace, environment, lay_out, mounted_secrets
from adit.cluster.kinds import JOB, SECRET, Ref
from adit.connectors.connector import Connector
from adit.connectors.target import Target
from adit.errors import RetryableError
from adit_jobrunner.control import Control
from adit_jobrunner.exit_codes import ExitCode
from adit_jobrunner.run import Runner, run
from adit_jobrunner.settings import Settings

MANAGED = {labels.MANAGED_BY: labels.MANAGED_BY_ADIT}
VARIABLES = frozenset(str(field.alias) for field in Settings.model_fields.values())


@dataclass
class SimulatedNode:
    """Works every Job of the operator's that is not finished; `data` is absent on Kubernetes.

    `more` is laid over the variables that each runner gets.
    """

    cluster: Cluster
    lease: Lease
    folder: Path
    opener: Callable[[Target], Connector]
    namespace: str
    data: Path | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set, init=False)
    most: int = field(default=0, init=False)
    owners: set[str] = field(default_factory=set, init=False)
    _runners: set[Runner] = field(default_factory=set, init=False)
    _ending: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def run(self) -> None:
        """Be the node until it is ended and its runners have left. Raises what breaks a runner."""
        async with asyncio.TaskGroup() as pods:
            following = pods.create_task(self._keep_following(pods))
            await self._ending.wait()
            following.cancel()
            for runner in self._runners:
                runner.on_stop("Now")

    def end(self) -> None:
        """Ask every runner to stop, as SIGTERM does, and start no other."""
        self._ending.set()

    async def _keep_following(self, pods: asyncio.TaskGroup) -> None:
        while True:
            with suppress(RetryableError):
                await self._follow(pods)

    async def _follow(self, pods: asyncio.TaskGroup) -> None:
        listing = await self.cluster.list(JOB.name, namespace=self.namespace, labels=MANAGED)
        for job in listing.items:
            self._take(job, pods)
        watching = self.cluster.watch(
            JOB.name, since=listing.resource_version, namespace=self.namespace, labels=MANAGED
        )
        async with watching as events:
            async for event in events:
                if event.type in {"ADDED", "MODIFIED"}:
                    self._take(event.object, pods)

    def _take(self, job: Manifest, pods: asyncio.TaskGroup) -> None:
        uid = job["metadata"]["uid"]
        if uid not in self.running and not is_finished(job) and not self._ending.is_set():
            self.running.add(uid)
            self.owners.add(job["metadata"]["labels"][labels.OWNER_UID])
            self.most = max(self.most, len(self.running))
            pods.create_task(self._work(job))

    async def _work(self, job: Manifest) -> None:
        """One pod from its start to its end, told in the status of its Job."""
        ref = Ref.of(job)
        place = PodPlace(f"{ref.name}-sim", str(uuid.uuid4()), ref.namespace, self.folder / ref.name)
        await self._tell(ref, Pod("Running"))
        try:
            code = await self._run(job, place)
        finally:
            await asyncio.to_thread(shutil.rmtree, place.folder, ignore_errors=True)
        await self._tell(ref, Pod("Succeeded" if code is ExitCode.DONE else "Failed"))
        self.running.discard(job["metadata"]["uid"])

    async def _run(self, job: Manifest, place: PodPlace) -> ExitCode:
        secrets = {
            name: await self.cluster.get(Ref(SECRET.name, place.namespace, name)) for name in mounted_secrets(job)
        }
        await asyncio.to_thread(lay_out, job, place, secrets)
        variables = environment(job, place, data=self.data or place.folder, inherited={})
        if self.data is None:
            del variables["ADIT_DATA"]
        variables |= self.more
        settings = Settings.model_validate({name: value for name, value in variables.items() if name in VARIABLES})
        runner = Runner(settings, self.opener, Control())
        self._runners.add(runner)
        try:
            if self._ending.is_set():
                runner.on_stop("Now")
            return await run(runner, self.cluster, self.lease)
        finally:
            self._runners.discard(runner)

    async def _tell(self, ref: Ref, pod: Pod) -> None:
        """Write the status that Kubernetes' Job controller would write for such a pod."""
        while True:
            job = await self.cluster.get(ref)
            begun = {"startTime": _now(), **(job.get("status") or {})}
            status = decide_job({**job, "status": begun}, pod, _now()).status
            try:
                await self.cluster.patch_status(ref, status, resource_version=job["metadata"]["resourceVersion"])
            except Conflict:
                continue
            return


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
