"""One name, two lives: a job that is made again under its old name, and Jobs of strangers that are called alike."""

import json
from dataclasses import replace
from typing import Any

import pytest

from adit_operator.names import job_name, task_set_name
from tests.end_to_end.release import Resident
from tests.end_to_end.tenant import counts

pytestmark = pytest.mark.cluster


def strangers_job(name: str, namespace: str, image: str) -> str:
    """A batch/v1 Job that starts nothing."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "main", "image": image, "command": ["true"], "securityContext": security}],
    }
    metadata = {"name": name, "namespace": namespace, "labels": {"whose": "stranger"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}
    return json.dumps(job | {"spec": {"suspend": True, "template": {"spec": pod}}})


def left_alone(before: Any, after: Any) -> bool:
    """Whether an object is as its owner made it."""
    parts = [(one["metadata"]["uid"], one["metadata"]["labels"], one["spec"]) for one in (before, after)]
    return parts[0] == parts[1] and "ownerReferences" not in after["metadata"]


def test_a_job_that_is_deleted_in_mid_run_and_made_again_starts_from_nothing(tenant: Resident) -> None:
    old = tenant.load("a", "b", "c")
    tenant.destination.faults = replace(tenant.destination.faults, delay_per_instance=0.3)
    tenant.job("night", old, parallelism=1)
    tenant.until("night", "the first instance has arrived", lambda: tenant.arrived)
    first = tenant.read("tj", "night")["metadata"]["uid"]
    tenant.kubectl("delete", "tj", "night")

    tenant.destination.faults = replace(tenant.destination.faults, delay_per_instance=0)
    tenant.job("night", [old[2]])
    tenant.wait_for_phase("night", "Success")

    status = tenant.status("night")
    assert (status["tasks"]["total"], status["plan"]["round"]) == (1, 0)
    assert status["instances"] == counts(4)
    second = tenant.read("tj", "night")["metadata"]["uid"]
    assert first != second
    tenant.until("night", "the first life has left nothing", lambda: lives(tenant) == {second})


def lives(tenant: Resident) -> set[str]:
    """The UIDs of the jobs that TaskSets and runners' Jobs belong to."""
    sets = {one["spec"]["owner"]["uid"] for one in tenant.task_sets("night")}
    jobs = tenant.release.jobs_of(tenant.namespace)
    return sets | {one["metadata"]["labels"]["adit.dev/owner-uid"] for one in jobs}


def test_a_finished_job_that_is_made_again_moves_everything_again(tenant: Resident) -> None:
    studies = tenant.load("a")
    for life in (1, 2):
        tenant.job("night", studies)
        tenant.wait_for_phase("night", "Success")
        assert tenant.status("night")["instances"] == counts(4)
        assert tenant.destination.received == 4 * life
        tenant.kubectl("delete", "tj", "night")


def test_a_strangers_job_of_the_same_name_is_left_alone(tenant: Resident) -> None:
    image = "docker.io/adit/jobrunner:dev"
    tenant.kubectl("create", "-f", "-", input=strangers_job("night", tenant.namespace, image))
    before = tenant.read("job", "night")

    tenant.job("night", tenant.load("a"))
    tenant.wait_for_phase("night", "Success")
    assert left_alone(before, tenant.read("job", "night"))

    tenant.kubectl("delete", "job", "night")
    assert tenant.status("night")["phase"] == "Success"
    tenant.kubectl("delete", "tj", "night")


def test_a_strangers_job_with_the_name_of_a_runners_job_is_told_and_left_alone(tenant: Resident) -> None:
    release = tenant.release
    tenant.job("night", tenant.load("a"), suspend=True)
    tenant.wait_for_phase("night", "Suspended")
    uid = tenant.read("tj", "night")["metadata"]["uid"]
    taken = job_name(task_set_name("night", uid, round_=0, index=0), 0)
    release.kubectl("create", "-f", "-", input=strangers_job(taken, release.namespace, "docker.io/adit/jobrunner:dev"))
    before = json.loads(release.kubectl("get", "job", taken, "-o", "json"))

    tenant.patch("night", suspend=False)
    tenant.until("night", "it is told", lambda: tenant.condition("night", "Admitted")["reason"] == "NameTaken")
    assert taken in tenant.condition("night", "Admitted")["message"]
    assert left_alone(before, json.loads(release.kubectl("get", "job", taken, "-o", "json")))

    release.kubectl("delete", "job", taken)
    tenant.patch("night", priority=101)  # a change makes the operator look at once, and not only within 15 s
    tenant.wait_for_phase("night", "Success")
    assert tenant.arrived == tenant.expected
