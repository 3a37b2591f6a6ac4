"""EmbeddedNode: Job controller and kubelet of one machine; every pod of a batch/v1 Job is a process of it.

Level-triggered: whatever happens puts the Job's name on one queue, and its turn reads everything again.
"""

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from adit.cluster.cluster import Cluster, ClusterUnavailable, Conflict, Expired, Manifest, ObjectNotFound
from adit.cluster.embedded.folder import NODE_LOCK, PODS, now, private_folder
from adit.cluster.embedded.job_status import FINALIZER, POD_NAME, JobDecision, decide_job, is_finished
from adit.cluster.embedded.local_pod import LocalPod, new_pod
from adit.cluster.embedded.locks import try_lock
from adit.cluster.embedded.pod_log import prune_logs
from adit.cluster.embedded.volumes import NotReady, mounted_secrets
from adit.cluster.embedded.work_queue import WorkQueue
from adit.cluster.kinds import JOB, SECRET, Ref

RETRY_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class EmbeddedNode:
    """Runs the Jobs of a cluster while its context is open; then it stops its processes, with their grace.

    A Job that is deleted stays, with its deletionTimestamp, until its process is gone (finalizer adit.dev/process), so
    that admission counts it as Kubernetes' users count a terminating pod. Jobs that a dead node left active fail.
    """

    def __init__(self, cluster: Cluster, data: Path, *, inherited: Mapping[str, str] | None = None) -> None:
        self._cluster = cluster
        self._data = data.resolve()
        self._inherited = dict(os.environ if inherited is None else inherited)
        self._pods: dict[str, LocalPod] = {}
        self._queue = WorkQueue()
        self._stopping = False
        self._resources = contextlib.AsyncExitStack()

    async def run(self) -> None:
        """Be the node until cancelled. Raises what ends it."""
        async with self:
            await asyncio.wait([self._watcher, self._worker], return_when=asyncio.FIRST_COMPLETED)

    async def __aenter__(self) -> Self:
        """Take the machine. Raises ClusterUnavailable where another process is the node of this data folder."""
        if not self._resources.enter_context(try_lock(private_folder(self._data) / NODE_LOCK)):
            await self._resources.aclose()
            raise ClusterUnavailable(f"another process runs the jobs of {self._data}: follow it, or end it first")
        # whoever was the node before is dead, and its processes with it
        await asyncio.to_thread(shutil.rmtree, self._data / PODS, ignore_errors=True)
        prune_logs(self._data)
        self._watcher = asyncio.create_task(self._follow_jobs())
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._stop()
        finally:
            await self._resources.aclose()

    async def _stop(self) -> None:
        """Stop all pods and write how they ended; killed at once where even that is cancelled."""
        self._stopping = True
        try:
            await _cancelled(self._watcher)
            for pod in self._pods.values():
                if not pod.terminating:
                    pod.stop()
                self._queue.put(pod.job)
            while self._pods and not self._worker.done():
                await asyncio.wait([self._worker], timeout=0.02)
        finally:
            for pod in self._pods.values():
                if pod.process is not None:
                    pod.process.kill()
                    await pod.process.finish()
            await _cancelled(self._worker)

    async def _follow_jobs(self) -> None:
        """Every Job now, then every Job that changes."""
        while True:
            try:
                listing = await self._cluster.list(JOB.name)
                for job in listing.items:
                    self._queue.put(Ref.of(job))
                for pod in self._pods.values():
                    self._queue.put(pod.job)
                async with self._cluster.watch(JOB.name, since=listing.resource_version) as events:
                    async for event in events:
                        if event.type != "BOOKMARK":
                            self._queue.put(Ref.of(event.object))
            except (Expired, ClusterUnavailable):
                await asyncio.sleep(RETRY_SECONDS)

    async def _work(self) -> None:
        while True:
            ref = await self._queue.get()
            try:
                await self._reconcile(ref)
            except (Conflict, ObjectNotFound):  # changed or gone since it was read
                self._queue.put(ref)
            except ClusterUnavailable as error:
                _logger.warning("%s waits: %s", ref, error)
                self._queue.put_later(ref, RETRY_SECONDS)

    async def _reconcile(self, ref: Ref) -> None:
        try:
            job = await self._cluster.get(ref)
        except ObjectNotFound:
            job = None
        uid = None if job is None else job["metadata"]["uid"]
        await self._end_strangers(ref, uid)
        if job is None:
            return
        pod = self._pods.get(job["metadata"]["uid"])
        decision = decide_job(job, None if pod is None else pod.seen, now())
        if decision.step == "Start" and self._stopping:
            return
        await self._carry_out(ref, job, pod, decision)
        if is_finished({"status": decision.status}):
            await self._expire(ref, job)

    async def _carry_out(self, ref: Ref, job: Manifest, pod: LocalPod | None, decision: JobDecision) -> None:
        """Say first what will be, then do it: a node that dies between leaves a Job that the next one can judge."""
        if decision.step == "Start":
            pod = new_pod(job, self._data, self._inherited)
            job = await self._mark(ref, job, pod)
        if decision.status != job.get("status", {}):
            version = job["metadata"]["resourceVersion"]
            job = await self._cluster.patch_status(ref, decision.status, resource_version=version)
        match decision.step:
            case "Start" | "Launch":
                assert pod is not None
                self._pods[job["metadata"]["uid"]] = pod
                await self._launch(job, pod)
            case "Stop":
                assert pod is not None
                pod.terminating = True
                pod.stop()
                self._queue.put(ref)
            case "Bury":
                await self._bury(ref, job, pod)

    async def _mark(self, ref: Ref, job: Manifest, pod: LocalPod) -> Manifest:
        """Hold the Job until its process is gone, and name its pod."""
        metadata = job["metadata"]
        finalizers = [*(name for name in metadata.get("finalizers", ()) if name != FINALIZER), FINALIZER]
        patch = {"metadata": {"finalizers": finalizers, "annotations": {POD_NAME: pod.place.name}}}
        return await self._cluster.patch(ref, patch, resource_version=metadata["resourceVersion"])

    async def _launch(self, job: Manifest, pod: LocalPod) -> None:
        """Start the process; without a Secret that it mounts the pod stays Pending and tries again."""
        try:
            await pod.launch(job, await self._secrets(job, pod.job.namespace), ended=lambda: self._queue.put(pod.job))
        except NotReady as error:
            _logger.warning("%s waits: %s", pod.job, error)
            self._queue.put_later(pod.job, RETRY_SECONDS)
        else:
            self._queue.put(pod.job)

    async def _secrets(self, job: Manifest, namespace: str) -> dict[str, Manifest]:
        found = {}
        for name in mounted_secrets(job):
            with contextlib.suppress(ObjectNotFound):
                found[name] = await self._cluster.get(Ref(SECRET.name, namespace, name))
        return found

    async def _bury(self, ref: Ref, job: Manifest, pod: LocalPod | None) -> None:
        """Remove what the pod left, then let go of the Job."""
        if pod is not None:
            await pod.remove()
        metadata = job["metadata"]
        if FINALIZER in metadata.get("finalizers", ()):
            others = [name for name in metadata["finalizers"] if name != FINALIZER]
            patch = {"metadata": {"finalizers": others or None}}
            await self._cluster.patch(ref, patch, resource_version=metadata["resourceVersion"])
        self._pods.pop(metadata["uid"], None)

    async def _end_strangers(self, ref: Ref, uid: str | None) -> None:
        """Stop pods whose Job went without waiting for them (somebody took our finalizer away)."""
        for job_uid, pod in list(self._pods.items()):
            if pod.job != ref or job_uid == uid:
                continue
            if not pod.terminating:
                pod.terminating = True
                pod.stop()
            if pod.seen.ended:
                await pod.remove()
                del self._pods[job_uid]

    async def _expire(self, ref: Ref, job: Manifest) -> None:
        """Delete a finished Job whose ttlSecondsAfterFinished has passed."""
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is None or "deletionTimestamp" in job["metadata"]:
            return
        left = seconds - _age(job)
        if left > 0:
            self._queue.put_later(ref, left)
        else:
            await self._cluster.delete(ref, uid=job["metadata"]["uid"])


def _age(job: Manifest) -> float:
    """Seconds since the Job finished."""
    status = job.get("status", {})
    ends = [
        found["lastTransitionTime"] for found in status.get("conditions", ()) if found["type"] in {"Complete", "Failed"}
    ]
    if not ends:
        return 0.0
    return (datetime.now(UTC) - datetime.fromisoformat(max(ends))).total_seconds()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait for it; an error that ended it earlier is raised."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
