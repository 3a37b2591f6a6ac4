"""What operator and runners tell Prometheus while a job runs, asked as a scraper asks: at the pod's port."""

import re
from dataclasses import replace

import pytest

from adit.testing import patients
from tests.cluster.access import KubectlError
from tests.end_to_end.tenant import until
from tests.end_to_end.ward import Ward

pytestmark = pytest.mark.cluster

PORT = 9091


def told_by_runner(ward: Ward) -> str:
    """What the runner's pod answers, through the API server; empty where none answers yet, or any more."""
    pods = ward.read("pods", "", "-l", "app.kubernetes.io/managed-by=adit.dev")["items"]
    for pod in (one for one in pods if one["status"]["phase"] == "Running"):
        at = f"/api/v1/namespaces/{ward.namespace}/pods/{pod['metadata']['name']}:{PORT}/proxy/metrics"
        try:
            return ward.kubernetes.kubectl("get", "--raw", at, "--request-timeout=5s")
        except KubectlError:
            continue
    return ""


def value(told: str, name: str) -> float:
    found = re.search(rf"(?m)^{re.escape(name)} (\S+)$", told)
    return float(found[1]) if found else 0.0


def test_a_job_is_seen_in_the_metrics_of_its_runner_and_of_the_operator(ward: Ward) -> None:
    # two tasks in a set: the runner lives on after the first one is counted, so that a slow scraper meets it
    studies = ward.load(*"abcdefgh", instances=2)
    ward.destination.faults = replace(ward.destination.faults, delay_per_instance=1.0)
    ward.operator(ADIT_RUNNER_POD=f'{{"metricsPort": {PORT}}}')
    ward.job("night", studies, parallelism=1)
    success = 'adit_runner_tasks_total{outcome="Success",reason=""}'
    seen: list[str] = []

    def a_task_is_counted() -> bool:
        seen.append(told_by_runner(ward))
        return value(seen[-1], success) >= 1

    ward.until("night", "its runner has counted a task", a_task_is_counted)
    runner = seen[-1]
    assert value(runner, "adit_runner_instances_total") >= 2
    assert value(runner, "adit_runner_bytes_total") > 0
    assert value(runner, "adit_runner_association_seconds_count") >= 2
    ward.wait_for_phase("night", "Success")

    finished = f'adit_operator_tasks{{namespace="{ward.namespace}",state="succeeded"}}'
    until("the operator has counted them all", lambda: value(ward.metrics(), finished) == 8)
    operator = ward.metrics()
    endpoint = f"DESTINATION@10.250.0.1:{ward.destination.port}"
    assert value(operator, "adit_operator_leader") == 1
    assert value(operator, "adit_operator_admission_wait_seconds_count") >= 1
    assert value(operator, f'adit_operator_server_echo_seconds{{server="{endpoint}"}}') > 0
    assert value(operator, f'adit_operator_server_slots{{server="{endpoint}",state="open"}}') == 3
    for secret in (patients.PLAIN.patient_id, studies[0].study_instance_uid, "night"):
        assert secret not in runner + operator
