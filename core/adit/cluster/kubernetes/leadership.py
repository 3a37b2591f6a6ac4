"""Leadership: one Lease that the operator which decides holds; another takes it over when it stands still.

The official client has an election, which is not used here: it compares wall clocks, writes local time as UTC, ends
with an error of its HTTP library where the network fails, and needs generated models that our connection does without.
Whether a leader lives is told as for interactive slots: by its Lease changing, on our monotonic clock.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from adit.cluster.cluster import Conflict, Manifest
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes.paths import LEASE
from adit.cluster.kubernetes.slot import released, renewed, taken
from adit.cluster.kubernetes.slots import Leases
from adit.errors import AditError, PermanentError, RetryableError

# By this label it is found, so that no more rights are needed than for slots.
LEADER_OF = "adit.dev/leader-of"
OPERATOR = "adit-operator"


@dataclass(frozen=True, slots=True)
class Pace:
    """Kubernetes' own for its controllers, in seconds.

    Who stands still for `duration` is gone; who cannot renew for `deadline`, which is less, must stop by itself; every
    `retry` one asks again.
    """

    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0


class Leadership:
    """One candidate; `identity` must be its alone, also after a restart."""

    def __init__(
        self,
        leases: Leases,
        namespace: str,
        identity: str,
        *,
        name: str = OPERATOR,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._leases, self._name = leases, name
        self._ref, self._identity, self._pace = Ref(LEASE.name, namespace, name), identity, pace or Pace()
        self._clock, self._now, self._sleep = clock, now, sleep
        self._seen: tuple[str, float] = ("", 0.0)
        self._lease: Manifest = {}
        self._renewed = 0.0

    async def win(self, waiting: Callable[[str], None] = lambda _: None) -> None:
        """Wait until we lead; `waiting` is told whom for, or why it is not known. Raises PermanentError."""
        while True:
            began = self._clock()
            try:
                holder = await self._attempt()
            except RetryableError as error:
                holder = f"nobody knows who leads: {error.reason}"
            if holder is None:
                self._renewed = began
                return
            waiting(holder)
            await self._sleep(self._pace.retry)

    async def keep(self) -> str:
        """Renew until that is no longer possible; answers why. Whoever led must stop at once then."""
        while True:
            await self._sleep(self._pace.retry)
            began = self._clock()
            left = self._renewed + self._pace.deadline - began
            try:
                async with asyncio.timeout(left):
                    lost = await self._renew()
            except (TimeoutError, RetryableError):
                if self._clock() - self._renewed >= self._pace.deadline:
                    return f"the Lease could not be renewed for {self._pace.deadline:g} s"
            except PermanentError as error:
                return f"the Lease may not be renewed: {error.message}"
            else:
                if lost is not None:
                    return lost
                self._renewed = began

    async def release(self) -> None:
        """Let the next one lead at once; where that fails it waits until we have stood still."""
        with suppress(AditError):
            await self._patch(released())

    async def _attempt(self) -> str | None:
        """None where the Lease is now ours, else who has it."""
        lease = await self._read()
        with suppress(Conflict):  # somebody else was faster
            if lease is None:
                self._lease = await self._leases.create(self._new())
                return None
            spec = lease.setdefault("spec", {})
            if not spec.get("holderIdentity") or self._stands_still(lease):
                self._lease = lease
                before = spec.get("leaseTransitions")
                await self._patch(self._taken((before if isinstance(before, int) else 0) + 1))
                return None
            return str(spec["holderIdentity"])
        return "somebody else, who was faster"

    async def _renew(self) -> str | None:
        """None where it is renewed, else why it is not ours any more."""
        try:
            await self._patch(renewed(self._now()))
        except Conflict:
            lease = await self._read()
            holder = (lease or {}).get("spec", {}).get("holderIdentity")
            if lease is None or holder != self._identity:
                return "the Lease is gone" if lease is None else f"the Lease is held by {holder or 'nobody'}"
            self._lease = lease
            await self._patch(renewed(self._now()))
        return None

    async def _read(self) -> Manifest | None:
        selection = {LEADER_OF: self._name}
        listing = await self._leases.list(LEASE.name, namespace=self._ref.namespace, labels=selection)
        return next((one for one in listing.items if one["metadata"]["name"] == self._name), None)

    def _stands_still(self, lease: Manifest) -> bool:
        version, now = lease["metadata"]["resourceVersion"], self._clock()
        if version != self._seen[0]:
            self._seen = (version, now)
        return now - self._seen[1] >= self._pace.duration

    def _taken(self, changes_of_hands: int) -> Manifest:
        duration = max(1, round(self._pace.duration))
        return taken(self._identity, duration, self._now(), changes_of_hands=changes_of_hands)

    def _new(self) -> Manifest:
        metadata = {"name": self._name, "namespace": self._ref.namespace, "labels": {LEADER_OF: self._name}}
        return {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata, "spec": self._taken(0)}

    async def _patch(self, spec: Manifest) -> None:
        version = self._lease["metadata"]["resourceVersion"]
        self._lease = await self._leases.patch(self._ref, {"spec": spec}, resource_version=version)
