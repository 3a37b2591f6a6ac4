"""The play on the stage: people and chance do what makes an operator use each of its rights, and somebody watches."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from adit.api.dicom_server import DicomServerSpec
from adit.api.endpoint import Endpoint, endpoint_of
from adit.cluster.cluster import Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.credentials import KubeConfig
from adit.cluster.kubernetes.slot import new_lease, released, slot_name, taken
from adit_operator.names import job_name, task_set_name
from tests.end_to_end.stage import FORGOTTEN, MANAGED, ORPHAN, TASKS, Stage, batch_job, within
from tests.end_to_end.ward import OperatorProcess

SECONDS = 60.0
HAMMERING = 2.0
REFUSAL = re.compile(r"forbidden", re.IGNORECASE)


async def refusal_on(stage: Stage) -> str:
    """Start an operator, act, and see: the first refusal that it meets; empty where the play ends without one.

    AssertionError where nothing is refused, and the play does not come to its end.
    """
    async with KubernetesCluster.open(KubeConfig(str(stage.kubernetes.kubeconfig))) as cluster:
        play = Play(stage, cluster)
        await play.foreshadow()
        operator = stage.operator()
        acting, watching = asyncio.create_task(play.act()), asyncio.create_task(play.refused(operator))
        try:
            await asyncio.wait({acting, watching}, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                return watching.result()
            assert acting.done(), f"after {sorted(play.done)} nothing more happened:\n{operator.log.read_text()}"
            acting.result()
            return await play.refusal(operator)
        finally:
            acting.cancel()
            watching.cancel()
            await asyncio.gather(acting, watching, return_exceptions=True)
            operator.kill()


@dataclass
class Play:
    """What happens on a stage."""

    stage: Stage
    cluster: KubernetesCluster
    done: set[str] = field(default_factory=set)

    def _in_tenant(self, kind: str, name: str) -> Ref:
        return Ref(kind, self.stage.tenant, name)

    def _among_runners(self, kind: str, name: str) -> Ref:
        return Ref(kind, self.stage.runners, name)

    # acts ------------------------------------------------------------------------------------------------------------

    async def foreshadow(self) -> None:
        """Servers that were down, a slot that somebody left, and a Job that has the name of another's."""
        down = {"type": "Reachable", "status": "False", "reason": "PeerUnavailable", "message": "it was away"}
        told = {"conditions": [{**down, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
        for name in ("source", "destination"):
            await self.cluster.patch_status(self._in_tenant("DicomServer", name), told)
        endpoint = await self._endpoint("destination")
        free = taken("somebody", 30, datetime.now(UTC), changes_of_hands=0) | released()
        await self.cluster.create(new_lease(slot_name(endpoint, 0), self.stage.runners, endpoint, free))
        uid = (await self.cluster.get(self._in_tenant("TransferJob", "taken")))["metadata"]["uid"]
        name = job_name(task_set_name("taken", uid, round_=0, index=0), 0)
        [stranger] = within(self.stage.runners, batch_job(name))
        await self.cluster.create(stranger)

    async def act(self) -> None:
        """A job runs, is shut down, its Jobs vanish while its sets change; then all is tidied and removed."""
        night = self._in_tenant("TransferJob", "night")
        await self._until("every set has a Job", self._every_set_has_a_job)
        await self.cluster.patch(night, {"spec": {"shutdown": "Immediate"}})
        await self._until("every set is told to stop", partial(self._all_sets, is_told))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hammer())
            for job in await self._jobs():
                await self.cluster.delete(Ref.of(job))
        await self._until("the job is canceled", partial(self._is_canceled, night))
        await self._until("its sets are retired", partial(self._all_sets, is_retired))
        for ref in (self._among_runners("Job", ORPHAN), self._among_runners("Secret", FORGOTTEN)):
            await self._until(f"the {ref.kind} is swept", partial(self._is_gone, ref))
        for name in ("source", "destination"):
            server = self._in_tenant("DicomServer", name)
            await self._until(f"{name} is reachable", partial(self._says, server, "ProbeSucceeded"))
            await self._until(f"the slot of {name} is free", partial(self._slot_is_free, name))
        locked = self._in_tenant("TransferJob", "locked")
        await self._until("the credential without a label is told", partial(self._says, locked, "SecretNotLabelled"))
        await self.cluster.patch(night, {"spec": {"retention": {"recordsSecondsAfterFinished": 0}}})
        await self._until("its sets are removed", self._has_no_sets)
        await self.cluster.patch(night, {"spec": {"retention": {"ttlSecondsAfterFinished": 0}}})
        await self._until("the job is deleted", partial(self._is_gone, night))

    async def _hammer(self) -> None:
        """Change every set again and again, so that the operator's verdicts meet newer versions."""
        end, refs = time.monotonic() + HAMMERING, [Ref.of(one) for one in await self._sets()]
        while time.monotonic() < end:
            note = {"metadata": {"annotations": {"example.org/beat": str(time.monotonic())}}}
            await asyncio.gather(*(self.cluster.patch(ref, note) for ref in refs))

    async def _until(self, what: str, holds: Callable[[], Awaitable[bool]]) -> None:
        while not await holds():  # noqa: ASYNC110 - nobody signals what is polled here
            await asyncio.sleep(0.1)
        self.done.add(what)

    # what is to be seen ----------------------------------------------------------------------------------------------

    async def refused(self, operator: OperatorProcess) -> str:
        """Wait for a refusal, or for the operator's end, which a refusal is the reason of."""
        while True:
            ended = not operator.runs
            refusal = await self.refusal(operator)
            if refusal or ended:
                assert refusal, f"the operator ended: {operator.log.read_text()}"
                return refusal
            await asyncio.sleep(0.2)

    async def refusal(self, operator: OperatorProcess) -> str:
        """A line of the log or a condition that tells of one."""
        for line in operator.log.read_text().splitlines():
            if REFUSAL.search(line):
                return line
        for kind in ("TransferJob", "DicomServer"):
            for one in (await self.cluster.list(kind, namespace=self.stage.tenant)).items:
                for condition in conditions(one):
                    if REFUSAL.search(f"{condition['reason']} {condition['message']}"):
                        return json.dumps(condition)
        return ""

    async def _sets(self) -> list[Manifest]:
        found = (await self.cluster.list("TaskSet", namespace=self.stage.tenant)).items
        return [one for one in found if one["spec"]["owner"]["name"] == "night"]

    async def _jobs(self) -> list[Manifest]:
        found = (await self.cluster.list("Job", namespace=self.stage.runners, labels=MANAGED)).items
        return [one for one in found if one["metadata"]["name"].startswith("tj-night-")]

    async def _every_set_has_a_job(self) -> bool:
        return len(await self._jobs()) == TASKS

    async def _all_sets(self, holds: Callable[[Manifest], bool]) -> bool:
        sets = await self._sets()
        return len(sets) == TASKS and all(map(holds, sets))

    async def _has_no_sets(self) -> bool:
        return not await self._sets()

    async def _is_canceled(self, ref: Ref) -> bool:
        return ((await self.cluster.get(ref)).get("status") or {}).get("phase") == "Canceled"

    async def _is_gone(self, ref: Ref) -> bool:
        try:
            await self.cluster.get(ref)
        except ObjectNotFound:
            return True
        return False

    async def _says(self, ref: Ref, reason: str) -> bool:
        return reason in {one["reason"] for one in conditions(await self.cluster.get(ref))}

    async def _slot_is_free(self, name: str) -> bool:
        endpoint = await self._endpoint(name)
        try:
            lease = await self.cluster.get(self._among_runners("Lease", slot_name(endpoint, 0)))
        except ObjectNotFound:
            return False
        return not lease["spec"].get("holderIdentity")

    async def _endpoint(self, name: str) -> Endpoint:
        found = await self.cluster.get(self._in_tenant("DicomServer", name))
        return endpoint_of(DicomServerSpec.of(found["spec"]))


def conditions(one: Manifest) -> list[Manifest]:
    return list((one.get("status") or {}).get("conditions") or ())


def is_told(one: Manifest) -> bool:
    return bool(one["spec"].get("stop") == "Now")


def is_retired(one: Manifest) -> bool:
    return "adit.dev/active" not in (one["metadata"].get("labels") or {})
