"""One pod of the embedded node: its folder, its log and its process, from the first to the last."""

import asyncio
import logging
import secrets
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adit.cluster.embedded.folder import PODS
from adit.cluster.embedded.job_schema import container_of
from adit.cluster.embedded.job_status import Pod
from adit.cluster.embedded.pod_log import PodLog
from adit.cluster.embedded.process import PodProcess
from adit.cluster.embedded.volumes import PodPlace, environment, lay_out
from adit.cluster.kinds import Ref

Manifest = dict[str, Any]

DEFAULT_GRACE_SECONDS = 30

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LocalPod:
    """A pod of this node, from the decision to start it until its Job's status tells its end."""

    job: Ref
    place: PodPlace
    grace_seconds: float
    data: Path
    inherited: Mapping[str, str]
    process: PodProcess | None = None
    failed: bool = False
    terminating: bool = False

    @property
    def seen(self) -> Pod:
        code = None if self.process is None else self.process.code
        if self.failed or code not in {None, 0}:
            return Pod("Failed", self.terminating)
        if code == 0:
            return Pod("Succeeded", self.terminating)
        return Pod("Pending" if self.process is None else "Running", self.terminating)

    def stop(self) -> None:
        """End it; one that has no process yet has ended."""
        if self.process is None:
            self.failed = True
        else:
            self.process.stop(self.grace_seconds)

    async def launch(self, job: Manifest, found: Mapping[str, Manifest], *, ended: Callable[[], None]) -> None:
        """Start the process; a machine that cannot makes the pod fail. Raises NotReady where a Secret is missing."""
        container = container_of(job)
        try:
            await asyncio.to_thread(lay_out, job, self.place, found)
            self.process = await PodProcess.start(
                [*container["command"], *container.get("args", ())],
                environment(job, self.place, data=self.data, inherited=self.inherited),
                folder=self.place.folder,
                log=PodLog(self.data, self.place.name),
                ended=ended,
            )
        except OSError as error:
            _logger.warning("%s cannot start: %s", self.job, error.strerror)
            self.failed = True

    async def remove(self) -> None:
        """Take away what the ended pod leaves, but for its log."""
        if self.process is not None:
            await self.process.finish()
        await asyncio.to_thread(shutil.rmtree, self.place.folder, ignore_errors=True)


def new_pod(job: Manifest, data: Path, inherited: Mapping[str, str]) -> LocalPod:
    """A pod for a Job, not started."""
    ref, uid = Ref.of(job), str(uuid.uuid4())
    place = PodPlace(f"{ref.name}-{secrets.token_hex(3)}", uid, ref.namespace, data / PODS / uid)
    grace = job["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    return LocalPod(ref, place, grace, data, inherited)
