"""More tasks than an object holds: lists in Secrets, as JSON lines, plain and packed."""

import base64
import gzip
import json
from collections.abc import Sequence

import pytest

from adit.testing.datasets import Study
from adit_cli.testing import manifests
from adit_cli.testing.manifests import Manifest
from tests.end_to_end.release import Resident
from tests.end_to_end.tenant import counts

pytestmark = pytest.mark.cluster

EACH = 255
SECRETS = [
    {"secretRef": {"name": "plain", "key": "tasks.jsonl"}},
    {"secretRef": {"name": "packed", "key": "tasks.jsonl.gz"}},
]


def lines(name: str, studies: Sequence[Study]) -> bytes:
    """A list of tasks, one for each study."""
    tasks = (
        {"id": f"{name}-{number}", "patientId": one.patient.patient_id, "studyInstanceUid": one.study_instance_uid}
        for number, one in enumerate(studies)
    )
    return "".join(f"{json.dumps(task)}\n" for task in tasks).encode()


def secret(name: str, key: str, content: bytes, **labels: str) -> Manifest:
    made = manifests.secret(name, {}, **labels)
    return {**made, "data": {key: base64.b64encode(content).decode()}}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_more_tasks_than_an_object_may_hold_are_worked_from_two_secrets(tenant: Resident) -> None:
    studies = tenant.load(*(f"s{number}" for number in range(2 * EACH)), instances=1)
    tenant.apply(
        *tenant.servers(verification={"method": "StoreResponses"}),
        secret("plain", "tasks.jsonl", lines("plain", studies[:EACH]), purpose="tasks"),
        secret("packed", "tasks.jsonl.gz", gzip.compress(lines("packed", studies[EACH:])), purpose="tasks"),
    )
    job = manifests.job("night", (), tasksFrom=SECRETS, parallelism=2)
    del job["spec"]["tasks"]
    tenant.apply(job)

    tenant.wait_for_phase("night", "Success", seconds=240)

    status = tenant.status("night")
    assert (status["tasks"]["total"], status["tasks"]["succeeded"]) == (2 * EACH, 2 * EACH)
    assert status["instances"] == counts(2 * EACH)
    worked = [task["id"] for one in tenant.task_sets("night") for task in one["spec"]["tasks"]]
    assert sorted(worked) == sorted(f"{name}-{number}" for name in ("plain", "packed") for number in range(EACH))
    assert tenant.arrived == tenant.expected
    assert tenant.destination.received == 2 * EACH
