"""The operator as a program against a real API server; its runners are pods, the PACS stand outside, as in life."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.rights import account, documented_rights
from tests.end_to_end.tenant import until
from tests.end_to_end.ward import Ward, operator_pod

pytestmark = pytest.mark.cluster


def test_a_job_that_is_applied_ends_in_success_with_its_images_at_the_destination(ward: Ward) -> None:
    studies = ward.load("a")
    operator = ward.operator()
    ward.job("night", studies)

    ward.wait_for_phase("night", "Success")

    assert ward.arrived == ward.expected
    assert len(ward.expected) == 4
    assert operator.end() == 0


def test_an_operator_that_is_killed_in_mid_job_goes_on_when_it_is_started_again(ward: Ward) -> None:
    studies = ward.load("a", "b", "c")
    ward.destination.faults = replace(ward.destination.faults, delay_per_instance=0.5)
    killed = ward.operator()
    ward.job("night", studies, parallelism=1)
    until("the first instance has arrived", lambda: ward.arrived)
    holders = ward.holders()
    killed.kill()
    assert holders
    assert holders <= {one["metadata"]["uid"] for one in ward.read("pods")["items"]}
    assert ward.arrived < ward.expected

    ward.operator()
    ward.wait_for_phase("night", "Success")

    assert ward.arrived == ward.expected


def test_the_operator_works_as_a_pod_with_the_documented_rights_alone(ward: Ward, project: Path) -> None:
    ward.apply(*account("operator", *documented_rights(project / "docs/operator-rights.md")), operator_pod(ward))
    ward.job("night", ward.load("a"))

    ward.wait_for_phase("night", "Success")

    assert ward.arrived == ward.expected
    log = ward.kubernetes.kubectl("logs", "-n", ward.namespace, "operator")
    assert [line for line in log.splitlines() if json.loads(line).get("level") != "info"] == []


def test_the_program_answers_its_probe_counts_and_logs_lines_of_json(ward: Ward) -> None:
    operator = ward.operator()
    until("the probe answers", lambda: ward.healthz() == 200)
    ward.job("night", ward.load("a"))
    ward.wait_for_phase("night", "Success")

    until("the last reconcile is counted", lambda: 'adit_operator_jobs{phase="Success"} 1.0' in ward.metrics())
    told = ward.metrics()
    endpoint = f"DESTINATION@10.250.0.1:{ward.destination.port}"

    assert 'adit_operator_reconcile_total{kind="TransferJob",result="success"}' in told
    assert f'adit_operator_server_up{{server="{endpoint}"}} 1.0' in told
    assert operator.end() == 0
    lines = operator.log.read_text().splitlines()
    assert [line for line in lines if not isinstance(json.loads(line), dict)] == []
