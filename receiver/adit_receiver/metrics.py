"""Metrics of the receiver for Prometheus. Labels are codes of ours: no AE title, no study, no person."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from adit_receiver.layout import arrived_at
from adit_receiver.spool import Spool


class ReceiverMetrics:
    """The Notes of the service, and what is looked up in the spool at each scrape."""

    def __init__(self, spool: Spool, associations: Callable[[], int]) -> None:
        self.registry = registry = CollectorRegistry()
        self._instances = Counter(
            "adit_receiver_instances",
            "C-STORE requests, by the status answered.",
            ["status", "reason"],
            registry=registry,
        )
        self._bytes = Counter("adit_receiver_bytes", "Bytes of instances that were accepted.", registry=registry)
        self._associations = Counter(
            "adit_receiver_associations",
            "Associations asked for; refused says why not.",
            ["refused"],
            registry=registry,
        )
        self.expired = Counter(
            "adit_receiver_quarantine_expired", "Instances whose time in the quarantine was over.", registry=registry
        )
        self.failed = Counter(
            "adit_receiver_housekeeping_failures", "Steps of housekeeping that the disk refused.", registry=registry
        )
        self.forgotten = Counter(
            "adit_receiver_announcements_forgotten",
            "Announcements that nobody listened for any more.",
            registry=registry,
        )
        self.adopted = Counter(
            "adit_receiver_adopted", "Instances taken over from replicas that are gone.", registry=registry
        )
        limits = spool.room.limits
        for name, text, value in (
            ("associations_open", "Associations open now.", associations),
            ("spool_bytes", "Bytes that wait for somebody or arrive.", lambda: spool.room.spooled),
            ("spool_limit_bytes", "How many there may be.", lambda: limits.spool_bytes),
            ("quarantine_bytes", "Bytes that nobody waits for.", lambda: spool.room.quarantined),
            ("quarantine_limit_bytes", "How many there may be.", lambda: limits.quarantine_bytes),
            ("quarantine_instances", "Instances that nobody waits for.", lambda: len(spool.quarantined)),
            ("quarantine_oldest_seconds", "How long the oldest of them has been there.", lambda: _oldest(spool)),
            ("unacknowledged_instances", "Instances that wait for somebody.", lambda: spool.unacknowledged[0]),
            ("unacknowledged_seconds", "How long the oldest has waited.", lambda: _age(spool.unacknowledged[1])),
        ):
            Gauge(f"adit_receiver_{name}", text, registry=registry).set_function(value)

    def associated(self, refused: str) -> None:
        self._associations.labels(refused).inc()

    def received(self, count: int, status: int, reason: str) -> None:
        self._instances.labels(f"{status:04X}", reason).inc()
        if not status:
            self._bytes.inc(count)


def _oldest(spool: Spool) -> float:
    letters = spool.quarantined
    return _age(arrived_at(letters[0].name)) if letters else 0.0


def _age(nanoseconds: int) -> float:
    return max(0.0, time.time() - nanoseconds / 1e9) if nanoseconds else 0.0
