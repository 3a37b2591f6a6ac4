"""An operator that is driven by hand: the shipped gather, decide, apply and admission, one step at a time.

A runner is played by writing what a runner would write; a crash of the operator is forgetting everything.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adit.api.resource import TransferJob
from adit.api.task_set import EndedReason
from adit.cluster.cluster import Cluster, Lease, Manifest
from adit.cluster.kinds import Ref
from adit_operator.admit import Turn, admission_turn
from adit_operator.cache import Cache
from adit_operator.clock import timestamp
from adit_operator.gather import World
from adit_operator.reach import Reach
from adit_operator.reconcile import reconcile
from adit_operator.settings import OperatorSettings
from adit_operator.sweep import sweep_finished, sweep_orphans, sweep_secrets
from adit_operator.testing.fakes import KeptEvents, ManualClock
from adit_operator.unstarted import sweep_unstarted
from adit_operator.watches import WATCHED

if TYPE_CHECKING:
    from adit_operator.observed import Waiting

MAX_TURNS = 40


class Desk:
    """The operator's rooms around one cluster."""

    def __init__(self, cluster: Cluster, lease: Lease, clock: ManualClock | None = None) -> None:
        self.cluster, self.lease, self.clock = cluster, lease, clock or ManualClock()
        self.crash()

    def crash(self) -> None:
        """Lose everything that is not in the cluster."""
        settings = OperatorSettings(writes_per_second=1000, status_seconds=0)
        self.events = KeptEvents()
        self.world = World(self.cluster, self.lease, Cache(), settings, self.clock, events=self.events)
        self.reach = Reach()
        self.waiting: dict[str, Waiting] = {}
        # the jobs that admission had something to say to, in any turn
        self.told: set[Ref] = set()

    async def see_all(self) -> str:
        """Bring the cache up to date; answers the version of the cluster."""
        version = ""
        for watched in WATCHED:
            labels = dict(watched.labels)
            listing = await self.cluster.list(watched.kind, labels=labels or None)
            purpose = next(iter(labels.values())) if watched.kind == "Secret" else None
            self.world.cache.replace(watched.kind, listing.items, listing.resource_version, purpose=purpose)
            version = listing.resource_version
        return version

    async def reconcile(self, name: str = "night", namespace: str = "default") -> bool:
        """One step for one job, on what was seen so far; True where the next follows at once."""
        later = await reconcile(self.world, self.reach, Ref("TransferJob", namespace, name), self.waiting)
        return later is not None and not later.seconds

    async def admit(self) -> Turn:
        """One turn of admission, on what was seen so far. Raises what hindered it, after its word is taken in."""
        turn = await admission_turn(self.world, self.reach)
        self.waiting = dict(turn.waiting)
        self.told |= set(turn.told)
        if turn.hindrance is not None:
            raise turn.hindrance
        return turn

    async def turn(self) -> str:
        """See, reconcile every job, admit, sweep; answers the version of the cluster afterwards."""
        await self.see_all()
        for ref in tuple(self.world.cache.transfers):
            await self.reconcile(ref.name, ref.namespace)
        await self.admit()
        await self.sweep()
        return await self.see_all()

    async def sweep(self) -> None:
        """Remove what nothing else does."""
        await sweep_orphans(self.world)
        await sweep_unstarted(self.world)
        await sweep_finished(self.world)
        await sweep_secrets(self.world)

    async def settle(self) -> int:
        """Turn until two turns in a row change nothing; answers how many turns that took."""
        quiet, version = 0, ""
        for count in range(MAX_TURNS):
            now = await self.turn()
            quiet = quiet + 1 if now == version else 0
            version = now
            if quiet == 2:  # noqa: PLR2004  # once by chance, twice by rule
                return count
        raise AssertionError(f"the operator does not settle within {MAX_TURNS} turns")

    async def job(self, name: str = "night", namespace: str = "default") -> TransferJob:
        """The TransferJob as it is now."""
        return TransferJob.read(await self.cluster.get(Ref("TransferJob", namespace, name)))

    async def change(self, spec: Mapping[str, Any], name: str = "night") -> None:
        """A person changes the spec of a job."""
        await self.cluster.patch(Ref("TransferJob", "default", name), {"spec": dict(spec)})

    async def runner_jobs(self) -> list[Manifest]:
        """The Jobs whose pods have not ended, by name."""
        jobs = (await self.cluster.list("Job")).items
        return sorted((job for job in jobs if not _ended(job)), key=lambda job: job["metadata"]["name"])

    async def play(self, job: Manifest, states: str, reason: EndedReason | None = "Done", **runner: Any) -> None:
        """Be the runner of this Job from claim to end; without a reason it crashes."""
        await self.claim(job)
        word = None if reason is None else {"reason": reason}
        last: dict[str, Any] = {"runner": {"states": states, "ended": word, **runner}}
        if reason is not None:
            last["holder"] = None
        await self.cluster.patch_status(task_set_of(job), last)
        await self.end(job, failed=reason is None)

    async def claim(self, job: Manifest) -> None:
        """Be a runner that begins."""
        attempt = int(job["metadata"]["labels"]["adit.dev/attempt"])
        holder = {"podName": "pod", "podUid": job["metadata"]["uid"], "renewTime": timestamp(self.clock.now())}
        claim = {"holder": holder, "runner": {"attempt": attempt, "ended": None, "current": None}}
        await self.cluster.patch_status(task_set_of(job), claim)

    async def end(self, job: Manifest, *, failed: bool = False) -> None:
        """Be the node that says how the pod ended."""
        now = timestamp(self.clock.now())
        condition = {"type": "Failed" if failed else "Complete", "status": "True", "lastTransitionTime": now}
        await self.cluster.patch_status(Ref.of(job), {"conditions": [condition]})

    async def play_all(self, states: str = "S") -> None:
        """Let every runner succeed until none is left."""
        for _ in range(MAX_TURNS):
            await self.settle()
            jobs = await self.runner_jobs()
            if not jobs:
                return
            for job in jobs:
                task_set = await self.cluster.get(task_set_of(job))
                await self.play(job, states * len(task_set["spec"]["tasks"]))
        raise AssertionError("there is always another runner")


def task_set_of(job: Manifest) -> Ref:
    """The TaskSet that a Job works."""
    labels = job["metadata"]["labels"]
    return Ref("TaskSet", labels["adit.dev/owner-namespace"], labels["adit.dev/task-set"])


def _ended(job: Manifest) -> bool:
    return bool((job.get("status") or {}).get("conditions"))
