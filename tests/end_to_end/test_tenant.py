"""What a tenant may not do, each refused in a sentence, and its counterpart for a person who has the right."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from adit_cli.testing import manifests
from tests.cluster.access import KubectlError
from tests.end_to_end import house as houses
from tests.end_to_end.house import (
    IDENTIFIED,
    POD,
    REQUESTER,
    SET,
    House,
    create,
    fresh,
    in_release,
    job,
    patch,
    task_set,
)
from tests.end_to_end.release import Release

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def house(release: Release, tmp_path_factory: pytest.TempPathFactory) -> House:
    return houses.build(release, tmp_path_factory.mktemp("house"))


Act = Callable[[House], object]
BATCH_JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "x"},
    "spec": {"template": {"spec": POD}},
}
RESULTS = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tj-kept-0"}, "type": "adit.dev/results"}

FORBIDDEN: dict[str, tuple[Act, str]] = {
    "make a server": (lambda at: create(at.urgent, manifests.server_at("mine", 104)), "cannot create resource"),
    "change a server": (
        lambda at: patch(at.urgent, "dicomserver", "source", {"spec": {"paused": True}}),
        'cannot patch resource "dicomservers"',
    ),
    "delete a server": (lambda at: at.urgent.kubectl("delete", "dicomserver", "source"), "cannot delete resource"),
    "make a folder": (lambda at: create(at.urgent, manifests.folder("mine", "mine")), "cannot create resource"),
    "change a folder": (
        lambda at: patch(at.urgent, "dicomfolder", "archive", {"spec": {"volume": {"claimName": "others"}}}),
        'cannot patch resource "dicomfolders"',
    ),
    "make a profile": (
        lambda at: create(at.urgent, manifests.resource("PseudonymizationProfile", fresh(), {})),
        'cannot create resource "pseudonymizationprofiles"',
    ),
    "use a source": (lambda at: create(at.none, job(fresh())), "lacks the verb use-source on DicomServer source"),
    "use a destination": (lambda at: create(at.source, job(fresh())), "lacks the verb use-destination on destination"),
    "use a folder": (
        lambda at: create(at.urgent, job(fresh(), destination={"kind": "DicomFolder", "name": "archive"})),
        "lacks the verb use-destination on archive",
    ),
    "transfer identified": (
        lambda at: create(at.both, job(fresh(), IDENTIFIED)),
        "lacks the verb transfer-identifiable on DicomServer source",
    ),
    "be urgent": (
        lambda at: create(at.identified, job(fresh(), priority=501)),
        "lacks the verb set-urgent on DicomServer source; without it at most 500",
    ),
    "become urgent": (
        lambda at: patch(at.identified, "transferjob", "kept", {"spec": {"priority": 501}}),
        "lacks the verb set-urgent",
    ),
    "ask in another's name": (
        lambda at: create(at.urgent, job(fresh()), **{REQUESTER: "ben"}),
        "must be ursula, who asks",
    ),
    "change who asked": (
        lambda at: patch(at.urgent, "transferjob", "kept", {"metadata": {"annotations": {REQUESTER: "ursula"}}}),
        "may never change",
    ),
    "unname who asked": (
        lambda at: patch(at.urgent, "transferjob", "kept", {"metadata": {"annotations": {REQUESTER: None}}}),
        "may never change",
    ),
    "change what may never change": (
        lambda at: patch(at.urgent, "transferjob", "kept", {"spec": {"source": {"name": "other"}}}),
        "is immutable; make a new TransferJob",
    ),
    "make a TaskSet": (lambda at: create(at.urgent, task_set("mine")), 'cannot create resource "tasksets"'),
    "change a TaskSet": (
        lambda at: patch(at.urgent, "taskset", SET, {"spec": {"stop": "Now"}}),
        'cannot patch resource "tasksets"',
    ),
    "change a TaskSet's status": (
        lambda at: patch(at.urgent, "taskset", SET, {"status": {}}, "--subresource=status"),
        'resource "tasksets/status"',
    ),
    "delete a TaskSet": (lambda at: at.urgent.kubectl("delete", "taskset", SET), 'cannot delete resource "tasksets"'),
    "write a job's status": (
        lambda at: patch(at.urgent, "transferjob", "kept", {"status": {"phase": "Success"}}, "--subresource=status"),
        'resource "transferjobs/status"',
    ),
    "read Secrets beside the runners": (lambda at: in_release(at.urgent, "get", "secrets"), "cannot list resource"),
    "read Secrets of the tenant": (lambda at: at.urgent.kubectl("get", "secrets"), "cannot list resource"),
    "make a Job beside the runners": (
        lambda at: in_release(at.urgent, "create", "-f", "-", input=json.dumps(BATCH_JOB)),
        "cannot create resource",
    ),
    "make a pod beside the runners": (
        lambda at: in_release(at.urgent, "run", "mine", "--image=docker.io/adit/jobrunner:none"),
        "cannot create resource",
    ),
    "make results": (lambda at: create(at.urgent, RESULTS), 'cannot create resource "secrets"'),
    "repeat another's job": (
        lambda at: patch(at.none, "transferjob", "kept", {"spec": {"retry": {"token": "again", "scope": "All"}}}),
        "lacks the verb use-source",
    ),
    "resume another's job": (
        lambda at: patch(at.source, "transferjob", "kept", {"spec": {"suspend": False}}),
        "lacks the verb use-destination",
    ),
}


@pytest.mark.parametrize("act", FORBIDDEN)
def test_a_tenant_without_the_right_may_not(house: House, act: str) -> None:
    forbidden, sentence = FORBIDDEN[act]
    with pytest.raises(KubectlError) as refused:
        forbidden(house)
    assert sentence in str(refused.value)


def resumed(at: House) -> None:
    name = fresh()
    create(at.both, job(name))
    patch(at.both, "transferjob", name, {"spec": {"retry": {"token": "again", "scope": "All"}}})
    patch(at.both, "transferjob", name, {"spec": {"priority": 500, "shutdown": "Graceful"}})
    patch(at.both, "transferjob", name, {"spec": {"suspend": False}})


def kept(at: House) -> None:
    create(at.admin, manifests.server_at("kept", 104))
    patch(at.admin, "dicomserver", "kept", {"spec": {"paused": True}})
    at.admin.kubectl("delete", "dicomserver", "kept")


ALLOWED: dict[str, Act] = {
    "see servers, profiles, jobs and their parts": lambda at: at.none.kubectl(
        "get", "dicomservers,psp,transferjobs,tasksets"
    ),
    "suspend another's job": lambda at: patch(at.none, "transferjob", "kept", {"spec": {"suspend": True}}),
    "use source and destination": lambda at: create(at.both, job(fresh())),
    "transfer identified": lambda at: create(at.identified, job(fresh(), IDENTIFIED)),
    "be urgent": lambda at: create(at.urgent, job(fresh(), priority=501)),
    "steer a job": resumed,
    "make and change servers as their keeper": kept,
}


@pytest.mark.parametrize("act", ALLOWED)
def test_a_person_with_the_right_may(house: House, act: str) -> None:
    ALLOWED[act](house)
