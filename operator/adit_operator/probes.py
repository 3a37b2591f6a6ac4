"""Probes: ask the endpoints that runners could not reach until they answer, and say so on their DicomServers."""

import asyncio
from collections.abc import Callable

import structlog

from adit.api.conditions import Condition, ConditionStatus, condition_of, with_condition
from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster, Conflict, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.cluster.slots import InteractiveSlots, SlotsTaken
from adit.errors import AccessDenied, AditError
from adit_operator.accept import credential_of
from adit_operator.cache import Cache
from adit_operator.clock import Clock, timestamp
from adit_operator.prober import Prober
from adit_operator.reach import Reach

log = structlog.get_logger()
HOLDER = "the operator's probe"


class Probes:
    """Asks what is due; `runners` says how many runners an endpoint has, `changed` is called when one answers again."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        reach: Reach,
        prober: Prober,
        clock: Clock,
        *,
        runners: Callable[[str], int],
        changed: Callable[[], None],
        slots: InteractiveSlots | None = None,
    ) -> None:
        self._cluster, self._cache, self._reach = cluster, cache, reach
        self._prober, self._clock, self._slots = prober, clock, slots
        self._runners, self._changed = runners, changed
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look again now: something is suspected."""
        self._wake.set()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            self._wake.clear()
            await asyncio.gather(*(self._ask(endpoint) for endpoint in self._reach.due(self._clock.monotonic())))
            wait = self._reach.seconds_to_next(self._clock.monotonic())
            try:
                async with asyncio.timeout(None if wait is None else max(wait, 0.05)):
                    await self._wake.wait()  # wait_for of Python 3.11 may swallow a cancellation
            except TimeoutError:
                continue

    async def _ask(self, endpoint: str) -> None:
        sharing = [server for server in self._cache.servers.values() if str(endpoint_of(server.spec)) == endpoint]
        if not sharing:
            self._reach.proved(endpoint)  # nobody names it any more
            return
        try:
            await self._ask_in_a_slot(endpoint, sharing)
        except SlotsTaken as error:
            self._reach.failed(endpoint, f"not asked yet: {error.message}", self._clock.monotonic())
            await self._tell(sharing, "Unknown", reason=error.reason, message=error.message)
            return
        except AccessDenied:
            pass  # it answers; the next runner tells the person what it refuses
        except AditError as error:
            self._reach.failed(endpoint, error.message, self._clock.monotonic())
            await self._tell(sharing, "False", reason=error.reason, message=error.message)
            return
        self._reach.answered(endpoint, self._clock.monotonic())
        self._changed()
        await self._tell(sharing, "True", reason="ProbeSucceeded", message="")

    async def _ask_in_a_slot(self, endpoint: str, sharing: list[DicomServer]) -> None:
        server = min(sharing, key=lambda one: (one.metadata.namespace, one.metadata.name))
        authorization = self._authorization(server)
        reserve = max(one.spec.limits.reserve for one in sharing)
        if reserve == 0 and self._runners(endpoint):
            raise SlotsTaken("its one association is used by a runner", reason="SlotsTaken")
        if reserve == 0 or self._slots is None:
            await self._prober.probe(server, authorization)
            return
        async with self._slots.acquire(endpoint_of(server.spec), reserve, HOLDER, timeout=1.0):
            await self._prober.probe(server, authorization)

    def _authorization(self, server: DicomServer) -> str | None:
        wanted = credential_of(Ref(server.kind, server.metadata.namespace, server.metadata.name), server)
        if wanted is None or wanted[0] not in self._cache.secrets:
            return None
        return self._cache.secrets[wanted[0]].data.get(wanted[1], b"").decode(errors="replace").strip() or None

    async def _tell(self, sharing: list[DicomServer], reachable: ConditionStatus, *, reason: str, message: str) -> None:
        now = timestamp(self._clock.now())
        for server in sharing:
            condition = Condition(
                type="Reachable",
                status=reachable,
                reason=reason,
                message=message[:1024],
                observed_generation=server.metadata.generation,
                last_transition_time=now,
            )
            conditions = with_condition(server.status.conditions, condition)
            patch = {"conditions": [one.manifest() for one in conditions], "lastProbeTime": now}
            ref = Ref(server.kind, server.metadata.namespace, server.metadata.name)
            try:
                self._cache.put(await self._cluster.patch_status(ref, patch))
            except (Conflict, ObjectNotFound):
                continue  # the next probe tells again
            except AditError as error:
                log.warning("the reachability of a server was not written", server=str(ref), reason=error.reason)


def outages_told(cache: Cache, reach: Reach, now: float) -> None:
    """Take over what an earlier operator knew: a server that was down is asked at once, and nothing starts before."""
    for server in cache.servers.values():
        condition = condition_of(server.status.conditions, "Reachable")
        if condition is not None and condition.status == "False":
            reach.suspect(str(endpoint_of(server.spec)), condition.message or "it did not answer", now)
