"""Probes: ask every endpoint whether it answers, when Reach says that it is due, and say so on its DicomServers."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import structlog

from adit.api.conditions import condition_of
from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster, Conflict, ObjectNotFound
from adit.cluster.events import EventRecorder
from adit.cluster.kinds import Ref
from adit.cluster.slots import InteractiveSlots, SlotsTaken
from adit.errors import AditError, BadInput, PeerUnavailable, PermanentError, RetryableError
from adit_operator.cache import Cache
from adit_operator.clock import Clock, timestamp
from adit_operator.credentials import credential_files, secrets_of
from adit_operator.events import server_events
from adit_operator.observed import SeenSecret
from adit_operator.prober import Prober
from adit_operator.reach import Reach
from adit_operator.reachable import (
    ANSWERED,
    REACHABLE,
    Answer,
    is_settled,
    mark_of,
    refused,
    sharing,
    status_after,
    unasked,
)

log = structlog.get_logger()
HOLDER = "the operator's probe"
# Threads and associations that probes may use at once.
AT_ONCE = 8


class Probes:
    """Asks what is due; `runners` says how many runners an endpoint has, `changed` is called when one was asked.

    `turn` is held by admission while it decides and starts: what it starts is not to be seen before.
    """

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        reach: Reach,
        prober: Prober,
        clock: Clock,
        *,
        events: EventRecorder,
        runners: Callable[[str], int],
        changed: Callable[[], None],
        turn: asyncio.Lock,
        slots: InteractiveSlots | None = None,
    ) -> None:
        self._cluster, self._cache, self._reach = cluster, cache, reach
        self._prober, self._clock, self._events, self._slots = prober, clock, events, slots
        self._runners, self._changed, self._turn = runners, changed, turn
        self._wake = asyncio.Event()
        self._asked: set[str] = set()
        self._doors = asyncio.Semaphore(AT_ONCE)

    def wake(self) -> None:
        """Look again now: something is suspected, or a server has changed."""
        self._wake.set()

    async def run(self) -> None:
        """Ask for ever; an endpoint that keeps silent does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                self._follow()
                for endpoint in self._reach.due(self._clock.monotonic()):
                    if endpoint not in self._asked:
                        self._asked.add(endpoint)
                        group.create_task(self._ask(endpoint))
                wait = self._reach.seconds_to_next(self._clock.monotonic(), self._asked)
                try:
                    async with asyncio.timeout(None if wait is None else max(wait, 0.05)):
                        await self._wake.wait()  # wait_for of Python 3.11 may swallow a cancellation
                except TimeoutError:
                    continue

    def _follow(self) -> None:
        """Tell Reach who is there, and as what."""
        by_endpoint = sharing(self._cache.servers.values())
        marks = {
            one: mark_of(servers, [secret for each in servers for secret in self._secrets(each)])
            for one, servers in by_endpoint.items()
        }
        settled = {one for one, servers in by_endpoint.items() if all(map(is_settled, servers))}
        self._reach.follow(marks, settled, self._clock.monotonic())

    async def _ask(self, endpoint: str) -> None:
        try:
            async with self._doors:
                await self._ask_now(endpoint)
        finally:
            self._asked.discard(endpoint)
            self.wake()

    async def _ask_now(self, endpoint: str) -> None:
        servers = sharing(self._cache.servers.values()).get(endpoint)
        if servers is None:
            return  # nobody names it any more, which is noticed before the next one is asked
        began = self._clock.monotonic()
        try:
            answer = await self._in_a_slot(endpoint, servers)
        except AditError as error:  # of the slot; what the peer does is in the answer
            await self._not_asked(endpoint, servers, error)
            return
        now = self._clock.monotonic()
        if answer.status == "False":
            self._reach.failed(endpoint, answer.message, now)
        else:
            self._reach.answered(endpoint, now, now - began if answer.status == "True" else None)
        self._changed()
        await self._tell(servers, answer)

    async def _not_asked(self, endpoint: str, servers: Sequence[DicomServer], error: AditError) -> None:
        """No slot was to be had, which says nothing of the peer; a runner may have said that it is down."""
        now = self._clock.monotonic()
        if endpoint in self._reach.down():
            self._reach.failed(endpoint, f"not asked yet: {error.message}", now)
            await self._tell(servers, Answer("Unknown", error.reason, error.message))
            return
        self._reach.put_off(endpoint, now)
        if not isinstance(error, SlotsTaken):
            log.warning("a server is asked later: no slot", endpoint=endpoint, reason=error.reason)

    async def _in_a_slot(self, endpoint: str, servers: Sequence[DicomServer]) -> Answer:
        """Ask with an association that is kept for people; where none is, with one that no runner uses meanwhile."""
        reserve = max(one.spec.limits.reserve for one in servers)
        with ExitStack() as borrowed:
            if reserve == 0:
                async with self._turn:
                    if self._runners(endpoint):
                        raise SlotsTaken("its one association is used by a runner", reason="SlotsTaken")
                    borrowed.enter_context(self._reach.borrowing(endpoint))
            if self._slots is None:
                return await self._answer(servers[0])
            async with self._slots.acquire(endpoint_of(servers[0].spec), max(1, reserve), HOLDER, timeout=1.0):
                return await self._answer(servers[0])

    async def _answer(self, server: DicomServer) -> Answer:
        files = credential_files(ref_of(server), server, self._cache.secrets.get)
        if files is None:
            return unasked(BadInput("a Secret that it signs in with cannot be used", reason="SecretMissing"))
        try:
            await self._prober.probe(server, files)
        except BadInput as error:
            return unasked(error)
        except PeerUnavailable as error:
            return Answer("False", error.reason, error.message)
        except RetryableError as error:
            # it answers, and badly: what is away is not back yet, and what is there is not away
            away = str(endpoint_of(server.spec)) in self._reach.down()
            return Answer("False", error.reason, error.message) if away else refused(error.message)
        except PermanentError as error:
            return refused(error.message)
        return ANSWERED

    def _secrets(self, server: DicomServer) -> list[SeenSecret | None]:
        return [self._cache.secrets.get(ref) for ref in secrets_of(ref_of(server), server)]

    async def _tell(self, servers: Sequence[DicomServer], answer: Answer) -> None:
        """Write it on every object that names the endpoint, as each now is."""
        now = timestamp(self._clock.now())
        for asked in servers:
            ref = ref_of(asked)
            server = self._cache.servers.get(ref, asked)
            patch = status_after(server, answer, now)
            try:
                written = await self._cluster.patch_status(ref, patch)
            except (Conflict, ObjectNotFound):
                continue  # the next probe tells again
            except AditError as error:
                log.warning("the reachability of a server was not written", server=str(ref), reason=error.reason)
                continue
            self._cache.put(written)
            before = condition_of(server.status.conditions, REACHABLE)
            for event in server_events(ref, server.metadata.uid, before, answer, now):
                self._events.record(event)


def ref_of(server: DicomServer) -> Ref:
    """The object's name."""
    return Ref(server.kind, server.metadata.namespace, server.metadata.name)


def outages_told(cache: Cache, reach: Reach, now: float) -> None:
    """Take over what an earlier operator knew: a server that was down is asked at once, and nothing starts before."""
    for server in cache.servers.values():
        condition = condition_of(server.status.conditions, REACHABLE)
        if condition is not None and condition.status == "False":
            reach.suspect(str(endpoint_of(server.spec)), condition.message or "it did not answer", now)
