"""Reach: which endpoints do not answer, and when each is asked again. Kept in memory, rebuilt from DicomServer.status.

Each is asked at once when it appears or changes and every few minutes afterwards; at once when a runner could not reach
it; and every 15 s while it is down, or answers probes but no runner.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from adit_operator.slots import Allocation

PROBE_SECONDS = 15.0
REGULAR_SECONDS = 300.0
# A pause is up to so much shorter or longer, so that many servers are not asked in step.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Outage:
    """An endpoint that does not answer, and when (monotonic seconds) it is probed next."""

    message: str
    probe_at: float


@dataclass(frozen=True, slots=True)
class Round:
    """An endpoint that is asked regularly: the objects that name it, as they were seen, and when it is asked next."""

    mark: object
    probe_at: float
    number: int = 0


class Reach:
    """The endpoints that are down, everything else counts as reachable; and when each is due."""

    def __init__(self, probe_seconds: float = PROBE_SECONDS, regular_seconds: float = REGULAR_SECONDS) -> None:
        self._seconds, self._regular = probe_seconds, regular_seconds
        self._outages: dict[str, Outage] = {}
        self._rounds: dict[str, Round] = {}
        self._probed_up: dict[str, float] = {}
        self._echoes: dict[str, float] = {}
        self._borrowed: Counter[str] = Counter()

    def follow(self, marks: Mapping[str, object], settled: Collection[str], now: float) -> None:
        """The endpoints that are named now, each with what names it: new and changed ones are due at once.

        `settled`: those whose objects say that they answered as they are; an operator that starts asks them one after
        the other within the regular pause. What nobody names any more is forgotten.
        """
        for endpoint in {*self._rounds, *self._outages} - marks.keys():
            for memory in (self._rounds, self._outages, self._probed_up, self._echoes):
                memory.pop(endpoint, None)
        for endpoint, mark in marks.items():
            known = self._rounds.get(endpoint)
            if known is not None and known.mark == mark:
                continue
            later = known is None and endpoint in settled
            self._rounds[endpoint] = Round(mark, now + (self._regular * _share(endpoint, 0) if later else 0.0))
            if known is not None and endpoint in self._outages:
                self._outages[endpoint] = replace(self._outages[endpoint], probe_at=now)

    def suspect(self, endpoint: str, message: str, now: float) -> None:
        """A runner could not reach it: nothing more starts there until a probe succeeds."""
        if endpoint in self._outages:
            return
        last_up = self._probed_up.get(endpoint)
        at_once = last_up is None or now - last_up >= self._seconds
        self._outages[endpoint] = Outage(message, now if at_once or last_up is None else last_up + self._seconds)

    def proved(self, endpoint: str, now: float) -> bool:
        """A runner's success counts as a probe; True where it ends an outage."""
        self._probed_up.pop(endpoint, None)
        self._regularly(endpoint, now)
        return self._outages.pop(endpoint, None) is not None

    def answered(self, endpoint: str, now: float, seconds: float | None = None) -> None:
        """The probe succeeded, after so many seconds where that was measured."""
        if endpoint in self._outages:  # a regular look says nothing of runners that fail afterwards
            self._probed_up[endpoint] = now
        if seconds is not None:
            self._echoes[endpoint] = seconds
        self._regularly(endpoint, now)
        self._outages.pop(endpoint, None)

    def failed(self, endpoint: str, message: str, now: float) -> None:
        """The probe failed; the next comes after the pause."""
        self._outages[endpoint] = Outage(message, now + self._seconds)

    def put_off(self, endpoint: str, now: float) -> None:
        """It could not be asked, and nothing is known against it: again after the short pause."""
        if endpoint in self._rounds:
            self._rounds[endpoint] = replace(self._rounds[endpoint], probe_at=now + self._seconds)

    def down(self) -> Mapping[str, str]:
        """The endpoints that do not answer, each with the sentence of who last tried."""
        return {endpoint: outage.message for endpoint, outage in self._outages.items()}

    def echoes(self) -> Mapping[str, float]:
        """How many seconds the last probe took that each endpoint answered."""
        return dict(self._echoes)

    def due(self, now: float) -> tuple[str, ...]:
        """The endpoints to probe now."""
        return tuple(endpoint for endpoint, at in self._times().items() if at <= now)

    def seconds_to_next(self, now: float, asked: Collection[str] = ()) -> float | None:
        """How long until a probe is due, those not counted that are asked just now; None where there is nothing."""
        times = (at for endpoint, at in self._times().items() if endpoint not in asked)
        return min((max(0.0, at - now) for at in times), default=None)

    @contextmanager
    def borrowing(self, endpoint: str) -> Iterator[None]:
        """A probe uses an association that is otherwise a runner's, while the context is open."""
        self._borrowed[endpoint] += 1
        try:
            yield
        finally:
            self._borrowed -= Counter([endpoint])

    def with_probes(self, allocation: Allocation) -> Allocation:
        """What runners hold, and what probes have borrowed of their slots."""
        return replace(allocation, slots=allocation.slots + self._borrowed) if self._borrowed else allocation

    def _times(self) -> Mapping[str, float]:
        """When each endpoint is due; an outage has its own pause."""
        regular = {endpoint: one.probe_at for endpoint, one in self._rounds.items()}
        return regular | {endpoint: outage.probe_at for endpoint, outage in self._outages.items()}

    def _regularly(self, endpoint: str, now: float) -> None:
        if endpoint not in self._rounds:
            return
        last = self._rounds[endpoint]
        pause = self._regular * (1 + JITTER * (2 * _share(endpoint, last.number + 1) - 1))
        self._rounds[endpoint] = Round(last.mark, now + pause, last.number + 1)


def _share(endpoint: str, number: int) -> float:
    """A number from 0 to 1 that is another for each endpoint and each time."""
    return int.from_bytes(hashlib.sha256(f"{endpoint} {number}".encode()).digest()[:4]) / 2**32
