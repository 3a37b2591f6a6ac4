"""Metrics of one runner for Prometheus; a short pod may end unscraped, and what it did stands in its TaskSet.

Labels are codes of ours: no job, no server, no person.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram

from adit.transfer.transfer import TaskOutcome

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class RunnerMetrics:
    """A Meter that counts into `registry`; called on the DICOM thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._tasks = Counter(
            "adit_runner_tasks",
            "Tasks that were worked, by what became of them.",
            ["outcome", "reason"],
            registry=self.registry,
        )
        self._instances = Counter("adit_runner_instances", "SOP instances that were stored.", registry=self.registry)
        self._bytes = Counter("adit_runner_bytes", "Bytes of them.", registry=self.registry)
        self._associations = Histogram(
            "adit_runner_association_seconds",
            "How long associations took to open.",
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._failures = Counter(
            "adit_runner_association_failures",
            "Associations that could not be opened.",
            ["reason"],
            registry=self.registry,
        )

    def worked(self, outcome: TaskOutcome, word: str) -> None:
        error = outcome.error
        reason = outcome.line.reason or (error.reason if error is not None else "")
        self._tasks.labels(word, reason if word != "Success" else "").inc()
        self._instances.inc(outcome.line.instances.stored)
        self._bytes.inc(outcome.line.bytes)

    def opened(self, seconds: float) -> None:
        self._associations.observe(seconds)

    def failed(self, reason: str) -> None:
        self._failures.labels(reason).inc()
