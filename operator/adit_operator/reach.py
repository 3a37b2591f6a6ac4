"""Reach: which endpoints do not answer, and when each is asked again. Kept in memory, rebuilt from DicomServer.status.

After a runner could not reach a peer it is asked at once; while it is down, and when it answers probes but no runner,
every 15 s.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PROBE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Outage:
    """An endpoint that does not answer, and when (monotonic seconds) it is probed next."""

    message: str
    probe_at: float


class Reach:
    """The endpoints that are down; everything else counts as reachable."""

    def __init__(self, probe_seconds: float = PROBE_SECONDS) -> None:
        self._seconds = probe_seconds
        self._outages: dict[str, Outage] = {}
        self._probed_up: dict[str, float] = {}

    def suspect(self, endpoint: str, message: str, now: float) -> None:
        """A runner could not reach it: nothing more starts there until a probe succeeds."""
        if endpoint in self._outages:
            return
        last_up = self._probed_up.get(endpoint)
        at_once = last_up is None or now - last_up >= self._seconds
        self._outages[endpoint] = Outage(message, now if at_once or last_up is None else last_up + self._seconds)

    def proved(self, endpoint: str) -> bool:
        """A runner's success counts as a probe; True where it ends an outage."""
        self._probed_up.pop(endpoint, None)
        return self._outages.pop(endpoint, None) is not None

    def answered(self, endpoint: str, now: float) -> None:
        """The probe succeeded."""
        self._probed_up[endpoint] = now
        self._outages.pop(endpoint, None)

    def failed(self, endpoint: str, message: str, now: float) -> None:
        """The probe failed; the next comes after the pause."""
        self._outages[endpoint] = Outage(message, now + self._seconds)

    def down(self) -> Mapping[str, str]:
        """The endpoints that do not answer, each with the sentence of who last tried."""
        return {endpoint: outage.message for endpoint, outage in self._outages.items()}

    def due(self, now: float) -> tuple[str, ...]:
        """The endpoints to probe now."""
        return tuple(endpoint for endpoint, outage in self._outages.items() if outage.probe_at <= now)

    def seconds_to_next(self, now: float) -> float | None:
        """How long until a probe is due; None where nothing is down."""
        return min((max(0.0, outage.probe_at - now) for outage in self._outages.values()), default=None)
