"""One runner from claim to last word: the event loop renews and flushes while one thread moves images."""

import asyncio
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from adit.api.resource import TaskSet
from adit.api.task_set import Ended, Holder, Stop
from adit.cluster.cluster import Cluster, Lease, Manifest
from adit.cluster.kinds import Ref
from adit.connectors.connector import Connector
from adit.connectors.target import Target
from adit.errors import AccessDenied, AditError, BadInput, PeerUnavailable, RetryableError
from adit.transfer.transfer import empty_folder
from adit_jobrunner.claim import Refused, claimed
from adit_jobrunner.config import read_config
from adit_jobrunner.connections import Opener, opened
from adit_jobrunner.control import Control
from adit_jobrunner.decide import ended
from adit_jobrunner.exit_codes import EXIT_CODES, ExitCode
from adit_jobrunner.flush import Flusher, say_last
from adit_jobrunner.heartbeat import Carrier, Rhythm, keep_alive
from adit_jobrunner.hours import hours_of, keep_hours
from adit_jobrunner.journal import Journal
from adit_jobrunner.meter import UNMETERED, Meter
from adit_jobrunner.moving import Order, auditor, mover, order_of
from adit_jobrunner.settings import Settings
from adit_jobrunner.status import StatusWriter, timestamp
from adit_jobrunner.work import Bench, work


async def run(runner: "Runner", cluster: Cluster, lease: Lease) -> ExitCode:
    """Claim the TaskSet, work it, and leave with the last word written down."""
    settings = runner.settings
    logger = structlog.get_logger("adit.runner").bind(taskSet=settings.name, attempt=settings.attempt)
    ref = Ref("TaskSet", settings.namespace, settings.name)
    async with claimed(
        cluster, lease, ref, uid=settings.uid, holder=runner.holder(), attempt=settings.attempt
    ) as claim:
        if isinstance(claim, Refused):
            logger.warning("not claimed", reason=claim.message)
            return ExitCode.AGAIN
        logger.info("claimed")
        writer = StatusWriter(cluster, ref, runner.pod_uid, claim, runner.on_stop)
        word, heard = await runner.serve(writer, claim)
    logger.info("ended", reason=word.reason, message=word.message, written=heard, lost=runner.control.lost_reason)
    return EXIT_CODES[word.reason] if heard else ExitCode.AGAIN


class Runner:
    """The parts of one run, wired; lives as long as the process."""

    def __init__(
        self,
        settings: Settings,
        opener: Opener,
        control: Control,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        meter: Meter = UNMETERED,
    ) -> None:
        self.pod_uid = settings.pod_uid or str(uuid.uuid4())
        self.settings = settings
        self._opener = opener
        self.control = control
        self._now = now
        self._meter = meter
        self._interrupted = False

    def holder(self) -> Holder:
        """Who holds the set, as of now."""
        name = self.settings.pod_name or f"{self.settings.name}-a{self.settings.attempt}"
        return Holder(pod_name=name, pod_uid=self.pod_uid, renew_time=timestamp(self._now()))

    def on_stop(self, when: Stop, reason: str = "") -> None:
        """What `spec.stop`, a signal or a window asks for; a peer that keeps silent is torn down after the grace."""
        self.control.stop(when, reason)
        if when == "Now" and not self._interrupted:
            self._interrupted = True
            asyncio.get_running_loop().call_later(self.settings.grace_seconds, self.control.abort)

    async def serve(self, writer: StatusWriter, claim: Manifest) -> tuple[Ended, bool]:
        """Work the claimed set; the last word, and whether it could be written."""
        rhythm = Rhythm(self.settings.heartbeat_seconds, self.settings.fence_seconds, time.monotonic)
        carrier = Carrier(writer)
        async with self._beside(keep_alive(carrier, self.holder, self.control, rhythm)):
            try:
                task_set = _read(claim)
                order = order_of(task_set, read_config(self.settings.config, task_set.spec), self._spool)
                journal = Journal(task_set, self.settings.attempt)
            except BadInput as error:
                word = ended("BadInput", error.message)
                patch = {"runner": {"ended": word.manifest()}, "holder": None}
                return word, await say_last(writer, self.control, patch)
            carrier.writer = flusher = Flusher(writer, journal, self.control)
            hours = hours_of(order.config)
            if closed := hours.closed(self._now()):
                self.on_stop("AfterTask", closed)
            async with (
                self._beside(flusher.keep_flushing(self.settings.flush_seconds)),
                self._beside(keep_hours(hours, self._now, self.on_stop)),
            ):
                word = await self._work(order, journal, flusher)
            carrier.writer = writer  # the end is told by the last word alone
            journal.end(word)
            return word, await flusher.last_word()

    def _open(self, target: Target) -> Connector:
        return self._opener(replace(target, openings=self._meter))

    @property
    def _spool(self) -> Path:
        return self.settings.spool / self.settings.name

    async def _work(self, order: Order, journal: Journal, flusher: Flusher) -> Ended:
        """Let the DICOM thread work; it comes back to this loop for every flush."""
        loop = asyncio.get_running_loop()

        def here(flush: Callable[[], Coroutine[Any, Any, bool]]) -> bool:
            return asyncio.run_coroutine_threadsafe(flush(), loop).result()

        bench = Bench(
            flush=lambda: here(flusher.flush),
            flush_surely=lambda: here(flusher.flush_surely),
            audit=auditor(order),
            now=self._now,
            flush_tasks=self.settings.flush_tasks,
            retry_seconds=self.settings.retry_seconds,
            count=self._meter.worked,
        )
        with ThreadPoolExecutor(1, "dicom") as thread:
            return await loop.run_in_executor(thread, self._on_the_dicom_thread, order, journal, bench)

    def _on_the_dicom_thread(self, order: Order, journal: Journal, bench: Bench) -> Ended:
        empty_folder(order.spool)
        try:
            with opened(order.config, self._open, self.control) as peers:
                self.control.watch((peers.source, peers.destination))
                return work(journal, self.control, mover(order, peers, self.control), bench)
        except AditError as error:
            return _word_for(error)
        finally:
            shutil.rmtree(order.spool, ignore_errors=True)

    @asynccontextmanager
    async def _beside(self, coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Run something while the context is open; if it breaks, the work is torn down and the error raised."""

        async def watched() -> None:
            try:
                await coroutine
            except Exception as error:
                self.control.lose(f"{type(error).__name__} beside the work")
                raise

        task = asyncio.create_task(watched())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _read(claim: Manifest) -> TaskSet:
    try:
        return TaskSet.read(claim)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadInput(f"the TaskSet cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _word_for(error: AditError) -> Ended:
    """The last word where the peers could not even be opened."""
    if isinstance(error, AccessDenied):
        return ended("AccessDenied", error.message)
    if isinstance(error, PeerUnavailable):
        return ended("PeerUnavailable", error.message, peer=error.peer)
    return ended("PeerUnavailable" if isinstance(error, RetryableError) else "BadInput", error.message)
