"""Metrics: the operator's figures for Prometheus, on a port of their own; its labels never name a job or a person."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from adit_operator.figures import Figures

SCRAPE_SECONDS = 5.0
_WAITS = (0.1, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200)
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What is counted as it happens; the operator calls, and a test looks into `registry`."""

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
        self._leader = Gauge("adit_operator_leader", "1 while this operator decides.", registry=self.registry)
        self._waits = Histogram(
            "adit_operator_admission_wait_seconds",
            "How long a task set waited that could have run before.",
            registry=self.registry,
            buckets=_WAITS,
        )
        self._evictions = Counter(
            "adit_operator_evictions", "Runners told to make room.", ["reason"], registry=self.registry
        )
        self._lost = Counter("adit_operator_events_lost", "Events that could not be posted.", registry=self.registry)

    def leads(self, leaders: int) -> None:
        """1 while this one does, else 0."""
        self._leader.set(leaders)

    def turned(self, waited: Iterable[float], evicted: Mapping[str, int]) -> None:
        """One turn of admission: how long each set that it started had waited, and who was told to go."""
        for seconds in waited:
            self._waits.observe(seconds)
        for reason, count in evicted.items():
            self._evictions.labels(reason).inc(count)

    def event_lost(self) -> None:
        self._lost.inc()

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
    tasks = GaugeMetricFamily("adit_operator_tasks", "Tasks by their newest state.", labels=["namespace", "state"])
    for (namespace, state), count in sorted(figures.tasks.items()):
        tasks.add_metric([namespace, state], count)
    yield tasks
    yield GaugeMetricFamily("adit_operator_startable_task_sets", "Sets that may start now.", figures.startable)
    slots = GaugeMetricFamily("adit_operator_server_slots", "Slots of runners.", labels=["server", "state"])
    states = (
        ("limit", figures.limits),
        ("open", figures.open),
        ("allocated", figures.allocated),
        ("draining", figures.draining),
    )
    for state, counts in states:
        for server, count in counts.items():
            slots.add_metric([server, state], count)
    yield slots
    up = GaugeMetricFamily("adit_operator_server_up", "0 while it does not answer.", labels=["server"])
    for server, answers in figures.up.items():
        up.add_metric([server], float(answers))
    yield up
    echo = GaugeMetricFamily("adit_operator_server_echo_seconds", "What the last answer took.", labels=["server"])
    for server, seconds in figures.echoes.items():
        echo.add_metric([server], seconds)
    yield echo
