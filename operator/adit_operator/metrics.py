"""Metrics: the operator's figures for Prometheus, on a port of their own; its labels never name a job or a person."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from adit_operator.figures import Figures

SCRAPE_SECONDS = 5.0
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What is counted as it happens; `reconciled` is the operator's to call."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._total = Counter(
            "adit_operator_reconcile",
            "Reconciles, by what came of them: success, retry, defect.",
            ["kind", "result"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "adit_operator_reconcile_duration_seconds",
            "Time of one reconcile.",
            ["kind"],
            registry=self.registry,
            buckets=_BUCKETS,
        )

    def reconciled(self, result: str, seconds: float) -> None:
        self._total.labels("TransferJob", result).inc()
        self._seconds.labels("TransferJob").observe(seconds)


class OfTheMoment(Collector):
    """What is read when it is asked for; `figures` and `age` are called in the loop, since they look at its values."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, figures: Callable[[], Figures], age: Callable[[], float]
    ) -> None:
        self._loop, self._figures, self._age = loop, figures, age

    def describe(self) -> Iterable[Metric]:
        return ()  # else the registry would collect once, before the loop can answer

    def collect(self) -> Iterator[Metric]:
        """For the thread that answers a scrape. Raises TimeoutError where the loop is stuck."""
        future = asyncio.run_coroutine_threadsafe(self._look(), self._loop)
        figures, resynced = future.result(SCRAPE_SECONDS)
        return families(figures, resynced)

    async def _look(self) -> tuple[Figures, float]:
        return self._figures(), time.time() - self._age()


def families(figures: Figures, resynced: float) -> Iterator[Metric]:
    """The figures under their names; `resynced` in Unix seconds."""
    build = GaugeMetricFamily("adit_operator_build_info", "Always 1.", labels=["version"])
    build.add_metric([version("adit-kubernetes")], 1)
    yield build
    yield GaugeMetricFamily("adit_operator_last_resync_timestamp_seconds", "When everything was looked at.", resynced)
    yield GaugeMetricFamily("adit_operator_workqueue_depth", "Jobs to look at now.", figures.queue_depth)
    yield CounterMetricFamily("adit_operator_workqueue_retries", "Jobs put off by a failure.", figures.queue_retries)
    jobs = GaugeMetricFamily("adit_operator_jobs", "TransferJobs by phase.", labels=["phase"])
    for phase, count in sorted(figures.jobs.items()):
        jobs.add_metric([phase], count)
    yield jobs
    slots = GaugeMetricFamily("adit_operator_server_slots", "Slots of runners.", labels=["server", "state"])
    for state, counts in (("limit", figures.limits), ("allocated", figures.allocated)):
        for server, count in counts.items():
            slots.add_metric([server, state], count)
    yield slots
    up = GaugeMetricFamily("adit_operator_server_up", "0 while it does not answer.", labels=["server"])
    for server, answers in figures.up.items():
        up.add_metric([server], float(answers))
    yield up


@contextmanager
def serving(registry: CollectorRegistry, port: int) -> Iterator[None]:
    """Answer scrapes on this port while the context is open; 0 answers none."""
    if not port:
        yield
        return
    server, thread = start_http_server(port, registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
