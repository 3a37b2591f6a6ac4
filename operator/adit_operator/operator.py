"""The operator: events feed a cache and a queue, workers reconcile, one loop admits, another probes.

Nothing is decided here. Embedded it follows the cluster itself; on Kubernetes an event shell calls `take`.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog

from adit.cluster.cluster import Cluster, Lease, Manifest
from adit.cluster.events import EventRecorder, NoEvents
from adit.cluster.kinds import Ref
from adit.cluster.slots import InteractiveSlots
from adit.errors import AditError, RetryableError
from adit_operator.admit import Turn, admission_turn, observe_allocation, running_on
from adit_operator.cache import Cache
from adit_operator.clock import Clock, SystemClock
from adit_operator.figures import Figures, figures_of
from adit_operator.gather import World
from adit_operator.idle import idle
from adit_operator.prober import Prober
from adit_operator.probes import Probes, outages_told
from adit_operator.queue import WorkQueue
from adit_operator.reach import Reach
from adit_operator.receiver import ensure_receiver_key
from adit_operator.reconcile import reconcile
from adit_operator.settings import OperatorSettings
from adit_operator.show import show_allocation
from adit_operator.sweep import sweep_finished, sweep_orphans, sweep_secrets
from adit_operator.unstarted import sweep_unstarted
from adit_operator.watches import WATCHED, Watches

if TYPE_CHECKING:
    from adit_operator.observed import Waiting

log = structlog.get_logger()

WORKERS = 4
ADMISSION_SECONDS = 15.0
RESYNC_SECONDS = 60.0
RETRY_SECONDS = 1.0
# The first resync and every fifth lists TaskSets as well, which are many and large.
FULL_RESYNC = 5

Reconciled = Callable[[str, float], None]
Turned = Callable[[Turn], None]


class Operator:
    """Runs the jobs of a cluster until it is cancelled; it keeps nothing that it could not work out again."""

    def __init__(
        self,
        cluster: Cluster,
        lease: Lease,
        settings: OperatorSettings,
        prober: Prober,
        clock: Clock | None = None,
        *,
        slots: InteractiveSlots | None = None,
        events: EventRecorder | None = None,
        follows: bool = True,
        reconciled: Reconciled = lambda _result, _seconds: None,
        turned: Turned = lambda _turn: None,
    ) -> None:
        self._world = World(
            cluster, lease, Cache(), settings, clock or SystemClock(), events=events or NoEvents(), slots=slots
        )
        self._follows, self._reconciled, self._turned = follows, reconciled, turned
        self._resynced = self._world.clock.monotonic()
        self._reach = Reach(settings.probe_seconds, settings.reachable_seconds)
        self._queue: WorkQueue[Ref] = WorkQueue()
        self._waiting: dict[str, Waiting] = {}
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()
        self._sweep_at = 0.0
        places = settings.watch_namespaces, settings.runner_namespace
        self._watches = Watches(cluster, self._world.cache, self._look_again, *places)
        self._probes = Probes(
            cluster,
            self._world.cache,
            self._reach,
            prober,
            self._world.clock,
            events=self._world.events,
            runners=lambda endpoint: running_on(self._world, endpoint),
            changed=self._changed.set,
            turn=self._turn,
            slots=slots,
        )

    async def run(self) -> None:
        """Work until cancelled. Ends only by an error that is a defect of ours."""
        async with asyncio.TaskGroup() as group:
            if self._follows:
                for watched in WATCHED:
                    group.create_task(self._watches.follow(watched))
                await self._watches.complete()
            else:
                await self._read_until_it_answers()
            self._resynced = self._world.clock.monotonic()
            outages_told(self._world.cache, self._reach, self._world.clock.monotonic())
            self._look_again(self._world.cache.transfers)
            for _ in range(WORKERS):
                group.create_task(self._work())
            group.create_task(self._admit())
            group.create_task(self._probes.run())
            group.create_task(self._resync())

    def take(self, manifest: Manifest, *, deleted: bool) -> None:
        """One event of a shell: the object as it is, or was when it left what we watch for. Only remembers it."""
        self._watches.take(manifest, deleted=deleted)

    @property
    def seconds_since_resync(self) -> float:
        """How long ago everything was looked at; more than a few minutes is a reason to start anew."""
        return self._world.clock.monotonic() - self._resynced

    @property
    def figures(self) -> Figures:
        """What the metrics tell of this moment."""
        allocation = observe_allocation(self._world)
        queue, now = self._queue, self._world.clock.now()
        return figures_of(self._world.cache, allocation, self._reach, queue.depth, queue.retries, now=now)

    async def _read_until_it_answers(self) -> None:
        """List every kind. Raises PermanentError, as where a CustomResourceDefinition is missing."""
        while True:
            try:
                for watched in WATCHED:
                    await self._watches.read(watched)
            except RetryableError as error:
                log.warning("the cluster is not read yet", reason=error.reason)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _look_again(self, refs: Iterable[Ref]) -> None:
        cache, now = self._world.cache, self._world.clock.now()
        for ref in refs:
            seen = cache.transfers.get(ref)
            if seen is None or not seen.settled or not idle(seen, cache.sets_of(seen.uid), now):
                self._queue.add(ref)
        self._changed.set()
        self._probes.wake()  # a server or its credential may be another

    async def _work(self) -> None:
        """One worker: a job whose reconcile fails comes again later, and hinders nobody else."""
        while True:
            ref = await self._queue.get()
            started = self._world.clock.monotonic()
            result = await self._reconcile(ref)
            self._reconciled(result, self._world.clock.monotonic() - started)

    async def _reconcile(self, ref: Ref) -> str:
        """Work one job; answers success, retry or defect."""
        try:
            later = await reconcile(self._world, self._reach, ref, self._waiting)
        except AditError as error:
            seconds = self._queue.failed(ref)
            log.warning("a job is looked at again later", job=str(ref), reason=error.reason, seconds=seconds)
            return "retry"
        except Exception:
            self._queue.failed(ref)
            log.exception("a defect of the operator; the other jobs go on", job=str(ref))
            return "defect"
        self._queue.done(ref)
        if later is not None:
            self._queue.add_later(ref, later.seconds)
        self._changed.set()
        self._probes.wake()
        return "success"

    async def _admit(self) -> None:
        """On every change, every 15 s, and when a retry is due."""
        while True:
            self._changed.clear()
            wait = ADMISSION_SECONDS
            try:
                async with self._turn:
                    turn = await admission_turn(self._world, self._reach)
                self._heed(turn)
                self._turned(turn)
                if turn.hindrance is not None:
                    raise turn.hindrance
                wait = self._seconds_to(turn)
                left = await show_allocation(self._world, observe_allocation(self._world))  # its starts included
                wait = min(wait, left) if left else wait
                await self._sweep()
            except AditError as error:
                log.warning("admission is tried again", reason=error.reason)
                wait = RETRY_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):  # wait_for of Python 3.11 may swallow a cancellation
                    await self._changed.wait()

    def _heed(self, turn: Turn) -> None:
        """Jobs whose reason to wait changed say so."""
        by_uid = {one.uid: one.ref for one in self._world.cache.transfers.values()}
        told = {uid for uid in {*self._waiting, *turn.waiting} if self._waiting.get(uid) != turn.waiting.get(uid)}
        self._waiting.clear()
        self._waiting.update(turn.waiting)
        for ref in dict.fromkeys((*turn.started, *turn.told, *(by_uid[uid] for uid in told if uid in by_uid))):
            self._queue.add(ref)

    def _seconds_to(self, turn: Turn) -> float:
        if turn.next_due is None:
            return ADMISSION_SECONDS
        seconds = (turn.next_due - self._world.clock.now()).total_seconds()
        return min(ADMISSION_SECONDS, max(0.05, seconds))

    async def _sweep(self) -> None:
        """Orphans at once, since they hold slots; Secrets now and then."""
        await sweep_orphans(self._world)
        await sweep_unstarted(self._world)
        now = self._world.clock.monotonic()
        if now >= self._sweep_at:
            self._sweep_at = now + RESYNC_SECONDS
            await sweep_finished(self._world)
            await sweep_secrets(self._world)
            await ensure_receiver_key(self._world.cluster, self._world.settings)

    async def _resync(self) -> None:
        """Everything again every minute: an event that got lost costs no more than that."""
        for number in itertools.count():
            await asyncio.sleep(RESYNC_SECONDS)
            try:
                if not self._follows:
                    await self._read_again(full=number % FULL_RESYNC == 0)
            except AditError as error:
                log.warning("a resync failed, and is tried again", reason=error.reason)
                continue
            self._look_again(self._world.cache.transfers)
            self._resynced = self._world.clock.monotonic()

    async def _read_again(self, *, full: bool) -> None:
        """List again what the shell may have missed."""
        for watched in WATCHED:
            if full or watched.kind != "TaskSet":
                await self._watches.read(watched)
