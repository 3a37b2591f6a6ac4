"""What a runner counts, and where Prometheus hears of it."""

import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable

import httpx
from prometheus_client import CollectorRegistry, generate_latest

from adit.cluster.embedded import EmbeddedCluster
from adit.errors import PeerUnavailable
from adit.testing.connectors import FakeConnector, FakeFaults, fake_study
from adit.testing.task_sets import task_set_manifest
from adit.transfer.outcomes import StoreOutcome
from adit_jobrunner.__main__ import metered
from adit_jobrunner.exit_codes import ExitCode
from adit_jobrunner.meter import UNMETERED
from adit_jobrunner.metrics import RunnerMetrics
from adit_jobrunner.settings import Settings

Run = Callable[..., Awaitable[ExitCode]]
STUDIES = ("1.2.3", "1.2.4")


def source(faults: FakeFaults | None = None) -> FakeConnector:
    return FakeConnector("pacs", [one for study in STUDIES for one in fake_study(4, study=study)], faults)


def told(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#") and "_created" not in line]


async def test_tasks_instances_and_bytes_are_counted_by_code_and_never_by_name(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    metrics = RunnerMetrics()
    made = await cluster.create(task_set_manifest(studies=(*STUDIES, "9.9")))
    await run_runner(made, source(), FakeConnector("research"), meter=metrics)
    value = metrics.registry.get_sample_value
    assert value("adit_runner_tasks_total", {"outcome": "Success", "reason": ""}) == 2
    assert value("adit_runner_tasks_total", {"outcome": "Failure", "reason": "StudyNotFound"}) == 1
    assert value("adit_runner_instances_total") == 8
    assert (value("adit_runner_bytes_total") or 0) > 0
    assert not [line for line in told(metrics.registry) if "1.2.3" in line or "pacs" in line]


async def test_a_task_that_is_tried_again_is_counted_as_that(cluster: EmbeddedCluster, run_runner: Run) -> None:
    metrics = RunnerMetrics()
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    refused = StoreOutcome("1.2.4.1.2", stored=False, status=0xA700, reason="OutOfResources", retryable=True)
    destination = FakeConnector("research", faults=FakeFaults(refuse={"1.2.4.1.2": refused}))
    await run_runner(made, source(), destination, meter=metrics)
    value = metrics.registry.get_sample_value
    assert value("adit_runner_tasks_total", {"outcome": "ToBeRepeated", "reason": "OutOfResources"}) == 1


def test_associations_are_timed_and_their_failures_counted_by_reason() -> None:
    metrics = RunnerMetrics()
    metrics.opened(0.2)
    metrics.failed(PeerUnavailable("away").reason)
    value = metrics.registry.get_sample_value
    assert value("adit_runner_association_seconds_count") == 1
    assert value("adit_runner_association_failures_total", {"reason": "PeerUnavailable"}) == 1


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def test_a_runner_with_a_port_answers_prometheus_there() -> None:
    port = free_port()
    with metered(port) as meter:
        meter.opened(0.2)
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert "adit_runner_association_seconds_count 1.0" in answer.text


def test_a_port_that_is_taken_does_not_keep_a_runner_from_working() -> None:
    with socket.create_server(("0.0.0.0", 0)) as door, metered(door.getsockname()[1]) as meter:
        meter.opened(0.2)


def test_without_a_port_nothing_is_counted() -> None:
    with metered(0) as meter:
        assert meter is UNMETERED


def test_embedded_no_runner_has_a_port() -> None:
    given = {
        "ADIT_TASKSET_NAMESPACE": "default",
        "ADIT_TASKSET_NAME": "set",
        "ADIT_TASKSET_UID": "uid",
        "ADIT_CONFIG": "/c",
        "ADIT_SPOOL": "/s",
        "ADIT_METRICS_PORT": "9090",
    }
    assert Settings.model_validate(given).metrics_port == 9090
    assert Settings.model_validate({**given, "ADIT_DATA": "/data"}).metrics_port == 0


def test_a_workstation_runs_runners_without_the_library_of_metrics() -> None:
    script = "import sys\nsys.modules['prometheus_client'] = None\nimport adit_jobrunner.__main__\n"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
