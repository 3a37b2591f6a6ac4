"""What an installation chooses for its runners' pods: read from one variable, put where Kubernetes looks for it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from adit.cluster.embedded.job_schema import job_problems
from adit.cluster.kinds import Ref
from adit.contract import METRICS_ENV
from adit_operator.manifests import Attempt, runner_job
from adit_operator.runner_pod import RunnerPod
from adit_operator.settings import OperatorSettings

CHOSEN = {
    "resources": {"requests": {"cpu": 1, "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "dicom", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "priorityClassName": "transfers",
    "metricsPort": 9091,
}


def job(pod: RunnerPod) -> Any:
    attempt = Attempt(
        task_set=Ref("TaskSet", "tenant", "tj-night-0a1b2c3d-0-0"),
        task_set_uid="set-uid",
        owner_name="night",
        owner_uid="uid",
        number=0,
        endpoints=(),
        secrets={"source": "s"},
        peers="hash",
        pod=pod,
    )
    return runner_job(attempt, namespace="adit", image="runner:1", mount_dir="/mnt")


def settings(variable: str) -> OperatorSettings:
    return OperatorSettings.model_validate({"ADIT_RUNNER_POD": json.loads(variable)})


def test_what_is_chosen_stands_in_the_pod_and_its_container() -> None:
    spec = job(RunnerPod.of(CHOSEN))["spec"]["template"]["spec"]
    [container] = spec["containers"]
    assert spec["nodeSelector"] == {"disk": "fast"}
    assert spec["tolerations"] == CHOSEN["tolerations"]
    assert spec["affinity"] == CHOSEN["affinity"]
    assert spec["priorityClassName"] == "transfers"
    assert container["resources"] == {"requests": {"cpu": "1", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
    assert container["ports"] == [{"name": "metrics", "containerPort": 9091}]
    assert {"name": METRICS_ENV, "value": "9091"} in container["env"]


def test_where_nothing_is_chosen_nothing_is_said() -> None:
    spec = job(RunnerPod())["spec"]["template"]["spec"]
    assert not {"nodeSelector", "tolerations", "affinity", "priorityClassName"} & spec.keys()
    assert not {"resources", "ports"} & spec["containers"][0].keys()
    assert METRICS_ENV not in {one["name"] for one in spec["containers"][0]["env"]}


def test_a_pod_that_is_restricted_stays_so() -> None:
    spec = job(RunnerPod.of(CHOSEN))["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_one_machine_takes_such_a_job_as_well() -> None:
    assert job_problems(job(RunnerPod.of(CHOSEN))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"hostNetwork": True},
        {"resources": {"requests": {"cpu": "plenty"}}},
        {"tolerations": [{"operator": "Perhaps"}]},
        {"affinity": {"anything": {}}},
        {"metricsPort": 70_000},
    ],
)
def test_what_is_unknown_or_wrong_is_refused_when_the_operator_starts(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(json.dumps(wrong))
