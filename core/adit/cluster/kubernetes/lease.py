"""Whether a TaskSet's runner lives, told by renewTime moving on; the clocks of two machines are never compared."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from adit.cluster.cluster import Manifest

LEASE_SECONDS = 60.0
_MANY = 4_096
_FORGET_SECONDS = 600.0


@dataclass(slots=True)
class Sighting:
    """What a holder last said, and since when by our clock we have seen it say so."""

    mark: tuple[Any, Any]
    since: float
    asked: float


class KubernetesLease:
    """Remembers when each holder was last seen to renew; the first look at one is its first sign of life."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, seconds: float = LEASE_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._sightings: dict[str, Sighting] = {}

    def expired(self, uid: str, holder: Manifest | None) -> bool:
        """Whether the holder has not renewed for 60 s of our monotonic clock, or there is none."""
        if holder is None:
            self._sightings.pop(uid, None)
            return True
        now = self._clock()
        mark = (holder.get("podUid"), holder.get("renewTime"))
        sighting = self._sightings.get(uid)
        if sighting is None or sighting.mark != mark:
            self._forget(now)
            self._sightings[uid] = Sighting(mark, now, now)
            return False
        sighting.asked = now
        return now - sighting.since >= self._seconds

    def hold(self, uid: str) -> AbstractContextManager[bool]:
        """Nothing more to hold: the claim in the TaskSet's status, guarded by its version, is the lease."""
        del uid
        return nullcontext(enter_result=True)

    def _forget(self, now: float) -> None:
        """Drop who was not asked about for long; asked again, they get their 60 s anew, which errs on the safe side."""
        if len(self._sightings) >= _MANY:
            old = [uid for uid, seen in self._sightings.items() if now - seen.asked >= _FORGET_SECONDS]
            for uid in old:
                del self._sightings[uid]
