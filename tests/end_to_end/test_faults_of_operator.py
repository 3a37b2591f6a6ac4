"""The operator or its API server goes away in the middle of things; runners work on, and a new operator goes on."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.access import Kubernetes
from tests.end_to_end.faults import LABELS, all_there_once, pace, under_way
from tests.end_to_end.release import OPERATOR, Release, Resident
from tests.end_to_end.tenant import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]  # where a lease must end first
AWAY_SECONDS = 30.0


@pytest.fixture(autouse=True)
def afterwards(release: Release) -> Iterator[None]:
    """Leave an operator that answers."""
    yield
    release.wait_for_operator()


def kill_operator(release: Release) -> None:
    """Without grace; returns when another pod has taken its place, which needs seconds to start."""
    [killed] = [one["metadata"]["name"] for one in release.pods(OPERATOR)]
    release.kubectl("delete", "pod", killed, "--grace-period=0", "--force")
    until("another is there", lambda: {one["metadata"]["name"] for one in release.pods(OPERATOR)} - {killed})


@contextmanager
def at_most(tenant: Resident, namespace: str, resource: str, number: int) -> Iterator[None]:
    """A quota that stops whoever makes objects in the middle of it."""
    name, hard = f"quota-{tenant.namespace}", {f"count/{resource}": str(number)}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": hard}}
    kubectl = tenant.kubernetes.kubectl
    kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(quota))
    try:
        where = ("get", "resourcequota", name, "-n", namespace, "-o", "jsonpath={.status.used}")
        until("the quota is counted", lambda: resource in kubectl(*where))
        yield
    finally:
        kubectl("delete", "resourcequota", name, "-n", namespace)


def test_an_operator_that_is_killed_while_it_plans_makes_what_is_missing(tenant: Resident, release: Release) -> None:
    with at_most(tenant, tenant.namespace, "tasksets.adit.dev", 1):
        tenant.job("night", tenant.load(*LABELS), parallelism=1)
        tenant.until("night", "it is stuck in the middle", lambda: len(tenant.task_sets("night")) == 1)
        plan = tenant.status("night")["plan"]
        kill_operator(release)

    all_there_once(tenant)

    assert tenant.status("night")["plan"] == plan
    assert len(tenant.task_sets("night")) == len(LABELS)


def test_an_operator_that_is_killed_while_it_admits_starts_each_set_once(tenant: Resident, release: Release) -> None:
    there = len(json.loads(release.kubectl("get", "jobs", "-o", "json"))["items"])
    with at_most(tenant, release.namespace, "jobs.batch", there + 1):
        pace(tenant, 2.0)
        tenant.job("night", tenant.load(*LABELS), parallelism=3)
        tenant.until("night", "one of three has its Job", lambda: release.jobs_of(tenant.namespace))
        kill_operator(release)

    all_there_once(tenant)

    assert len(release.jobs_of(tenant.namespace)) == len(LABELS)


def test_an_operator_that_is_killed_while_the_last_set_ends_finishes_the_job(
    tenant: Resident, release: Release
) -> None:
    pace(tenant, 2.0)
    tenant.job("night", tenant.load("a", instances=2))
    tenant.until("night", "the last instance has arrived", lambda: tenant.arrived == tenant.expected != set())
    assert tenant.status("night")["phase"] == "InProgress"  # what is verified now is asked for slowly
    kill_operator(release)

    all_there_once(tenant)


def test_runners_work_on_while_the_api_server_does_not_answer(tenant: Resident, kubernetes: Kubernetes) -> None:
    if kubernetes.node is None:
        pytest.skip("only the local cluster's API server can be stopped for a while")
    under_way(tenant)
    before = len(tenant.arrived)
    server = kubernetes.program("kube-apiserver")
    os.kill(server, signal.SIGSTOP)
    try:
        time.sleep(AWAY_SECONDS)  # that long it is away
        during = len(tenant.arrived)
    finally:
        os.kill(server, signal.SIGCONT)

    assert before < during
    # a runner whose sign of life was due just before it went away may have given up, and is followed after its lease
    all_there_once(tenant, seconds=110)
