"""How jobs end on the installed chart: many tasks in several sets, warnings, failures, and what is said of them."""

from dataclasses import replace
from typing import Any

import pytest

from adit.testing import patients
from adit.testing.datasets import Study, ct_study
from adit_cli.testing import manifests
from tests.end_to_end.release import Resident
from tests.end_to_end.tenant import counts

pytestmark = pytest.mark.cluster

MANY = 250
WIDE = {"maxAssociations": 7, "reservedInteractive": 1}
ABSENT = ct_study(patients.PLAIN, label="absent")


def summary(status: Any) -> dict[str, int]:
    """How often each reason occurred."""
    return {one["reason"]: one["count"] for one in status.get("failureSummary", ())}


def tasks_of(*studies: Study) -> list[dict[str, Any]]:
    """A task for each study that is called as the study is labelled."""
    return [
        {"id": one.label, "patientId": one.patient.patient_id, "studyInstanceUid": one.study_instance_uid}
        for one in studies
    ]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_250_tasks_are_worked_in_several_sets_and_every_instance_arrives_once(tenant: Resident) -> None:
    studies = tenant.load(*(f"s{number}" for number in range(MANY)), instances=1)
    tenant.apply(*tenant.servers(limits=WIDE), manifests.job("night", studies, parallelism=2))

    tenant.wait_for_phase("night", "Success", seconds=240)

    status = tenant.status("night")
    assert status["tasks"] == {"total": MANY, "succeeded": MANY, "pending": 0, "warned": 0, "failed": 0, "canceled": 0}
    assert status["instances"] == counts(MANY)
    assert tenant.arrived == tenant.expected
    assert tenant.destination.received == len(tenant.expected) == MANY
    sets = tenant.task_sets("night")
    assert len(sets) == status["plan"]["sets"] > 4
    worked = [task["id"] for one in sets for task in one["spec"]["tasks"]]
    assert sorted(worked) == sorted(f"t{number}" for number in range(MANY))


def test_a_job_that_lost_instances_on_the_way_ends_in_warning_and_counts_them(tenant: Resident) -> None:
    [study] = tenant.load("a", instances=6)
    tenant.destination.faults = replace(tenant.destination.faults, drop_every_nth_stored=3)
    tenant.job("night", [study])

    tenant.wait_for_phase("night", "Warning")

    status = tenant.status("night")
    assert status["tasks"]["warned"] == status["tasks"]["total"] == 1
    assert status["instances"] == counts(6) | {"verified": 4}
    assert summary(status) == {"NotVerified": 1}
    assert tenant.condition("night", "Complete")["reason"] == "SucceededWithWarnings"
    assert tenant.condition("night", "Failed")["status"] == "False"


def test_a_job_with_a_study_that_is_not_there_ends_in_failure_and_moves_the_others(tenant: Resident) -> None:
    [study] = tenant.load("a")
    tenant.job("night", (), tasks=tasks_of(study, ABSENT))

    tenant.wait_for_phase("night", "Failure")

    status = tenant.status("night")
    assert (status["tasks"]["succeeded"], status["tasks"]["failed"]) == (1, 1)
    assert status["instances"] == counts(4)
    assert summary(status) == {"StudyNotFound": 1}
    assert status["message"] == "Failure: 1 succeeded, 1 failed of 2 tasks"
    assert tenant.condition("night", "Failed")["reason"] == "TasksFailed"
    assert tenant.condition("night", "Complete")["status"] == "False"
    assert tenant.arrived == tenant.expected
