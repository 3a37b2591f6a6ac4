"""Interactive slots on a cluster: one Lease each, renewed while it is held, taken over when it stands still.

Whether a holder lives is told by its Lease changing, on our monotonic clock; times of other machines are for people.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Protocol

from adit.api.endpoint import Endpoint
from adit.cluster.cluster import ClusterUnavailable, Conflict, Listing, Manifest
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes.paths import LEASE
from adit.cluster.kubernetes.slot import Slot, Stillness, new_lease, released, renewed, slot_name, slots_of, taken
from adit.cluster.slots import ACQUIRE_SECONDS, SlotsTaken
from adit.errors import AditError, PermanentError, RetryableError

DURATION_SECONDS = 30
_POLL_SECONDS = 0.5
_MAX_HOLDER = 100
_ROUNDS = 3  # of looking again at once, because somebody else was faster


class Leases(Protocol):
    """What slots need of a cluster."""

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Listing: ...

    async def create(self, manifest: Manifest) -> Manifest: ...

    async def patch(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest: ...


class KubernetesSlots:
    """The slots of every endpoint, in one namespace. Keep one per process: it remembers which Leases stand still."""

    def __init__(
        self,
        leases: Leases,
        namespace: str,
        *,
        duration_seconds: int = DURATION_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._leases = leases
        self._namespace = namespace
        self._duration = duration_seconds
        self._clock, self._now, self._sleep = clock, now, sleep
        self._stillness = Stillness()

    @asynccontextmanager
    async def acquire(
        self,
        endpoint: Endpoint,
        capacity: int,
        holder: str,
        timeout: float = ACQUIRE_SECONDS,  # noqa: ASYNC109  # its end is an answer that names the holders
    ) -> AsyncIterator[None]:
        """Hold one of `capacity` slots. Raises SlotsTaken after `timeout` seconds.

        Where the Lease cannot be renewed for two thirds of its time, what is done inside is cancelled, and
        ClusterUnavailable raised: soon after, somebody else may hold the slot.
        """
        if capacity < 1:
            raise SlotsTaken(
                f"{endpoint} keeps no association for people: raise limits.reservedInteractive of its DicomServer"
            )
        identity = f"{holder[:_MAX_HOLDER]} #{uuid.uuid4().hex[:16]}"
        held = Held(await self._wait(endpoint, capacity, identity, timeout), identity)
        try:
            async with self._kept(held, endpoint):
                yield
        finally:
            with suppress(AditError):  # it then runs out by itself
                await self._patch(held.lease, released())

    async def _wait(self, endpoint: Endpoint, capacity: int, identity: str, seconds: float) -> Manifest:
        end = self._clock() + seconds
        while True:
            last = self._clock() >= end  # looked at once more after the end: who stood still until then is gone
            lease, refusal = await self._attempt(endpoint, capacity, identity)
            if lease is not None:
                return lease
            if last:
                raise SlotsTaken(refusal)
            await self._sleep(min(_POLL_SECONDS, max(0.0, end - self._clock())))

    async def _attempt(self, endpoint: Endpoint, capacity: int, identity: str) -> tuple[Manifest | None, str]:
        """A Lease that is now ours, or who holds them."""
        held: list[Slot] = []
        for _ in range(_ROUNDS):
            slots = await self._look(endpoint)
            held = [slot for slot in slots.values() if slot.held]
            free = [index for index in range(capacity) if index not in slots or not slots[index].held]
            if len(held) >= capacity:  # also those above a capacity that was lowered
                break
            for index in free:
                with suppress(Conflict):  # somebody else was faster
                    return await self._take(endpoint, index, slots.get(index), identity), ""
        names = ", ".join(map(str, held)) or "others are faster just now"
        return None, f"no interactive slot of {endpoint} is free ({len(held)} of {capacity} taken): {names}"

    async def _look(self, endpoint: Endpoint) -> dict[int, Slot]:
        listing = await self._leases.list(LEASE.name, namespace=self._namespace, labels=slots_of(endpoint))
        found = (self._stillness.slot(lease, endpoint, self._clock()) for lease in listing.items)
        return {slot.index: slot for slot in found if slot is not None}

    async def _take(self, endpoint: Endpoint, index: int, slot: Slot | None, identity: str) -> Manifest:
        if slot is None:
            name = slot_name(endpoint, index)
            spec = taken(identity, self._duration, self._now(), changes_of_hands=0)
            return await self._leases.create(new_lease(name, self._namespace, endpoint, spec))
        spec = taken(identity, self._duration, self._now(), changes_of_hands=slot.changes_of_hands + 1)
        return await self._patch(slot.lease, spec)

    async def _patch(self, lease: Manifest, spec: Manifest) -> Manifest:
        metadata = lease["metadata"]
        ref = Ref(LEASE.name, self._namespace, metadata["name"])
        return await self._leases.patch(ref, {"spec": spec}, resource_version=metadata["resourceVersion"])

    @asynccontextmanager
    async def _kept(self, held: "Held", endpoint: Endpoint) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._grace) as lost:
                renewing = asyncio.create_task(self._renew(held, endpoint, lost))
                try:
                    yield
                finally:
                    renewing.cancel()
                    await asyncio.wait([renewing])
        except TimeoutError as error:
            if not lost.expired():
                raise  # of what was done inside
            message = f"the interactive slot of {endpoint} could not be kept: its Lease was not renewed in time"
            raise ClusterUnavailable(message) from error

    @property
    def _grace(self) -> float:
        return self._duration * 2 / 3

    async def _renew(self, held: "Held", endpoint: Endpoint, lost: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        pause = self._duration / 3
        while True:
            await asyncio.sleep(pause)
            asked = loop.time()
            try:
                held.lease = await self._patch(held.lease, renewed(self._now()))
            except Conflict:
                pause = 0 if await self._read_again(held, endpoint) else self._duration / 10
            except RetryableError:
                pause = self._duration / 10
            except PermanentError:
                lost.reschedule(asked)
                return
            else:
                pause = self._duration / 3
                lost.reschedule(asked + self._grace)

    async def _read_again(self, held: "Held", endpoint: Endpoint) -> bool:
        """Take in the Lease as it now is; False where it is not ours any more, or cannot be read."""
        try:
            slots = await self._look(endpoint)
        except AditError:
            return False
        mine = [slot.lease for slot in slots.values() if slot.lease["spec"].get("holderIdentity") == held.identity]
        if mine:
            held.lease = mine[0]
        return bool(mine)


class Held:
    """The Lease that we hold, as it was answered last."""

    def __init__(self, lease: Manifest, identity: str) -> None:
        self.lease = lease
        self.identity = identity
