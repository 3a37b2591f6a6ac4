"""What people do to a job while it runs and afterwards: suspend, resume, shut down, retry."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit_cli.testing import manifests
from tests.end_to_end.conftest import resident
from tests.end_to_end.release import Release, Resident
from tests.end_to_end.tenant import counts

pytestmark = pytest.mark.cluster

EACH = 4  # instances of a study


def slowed(tenant: Resident, seconds: float) -> None:
    """Let the destination take its time with each instance."""
    tenant.destination.faults = replace(tenant.destination.faults, delay_per_instance=seconds)


def started(tenant: Resident, *labels: str) -> None:
    """A job of one runner at a time that has moved something, and has more to do than it can before it is stopped."""
    slowed(tenant, 0.3)
    tenant.job("night", tenant.load(*labels, instances=EACH), parallelism=1)
    tenant.until("night", "the first instance has arrived", lambda: tenant.arrived)


def is_idle(tenant: Resident) -> bool:
    """Whether no runner works for the tenant."""
    return all("active" not in one.get("status", {"active": 1}) for one in tenant.release.jobs_of(tenant.namespace))


def test_a_suspended_job_stops_after_its_current_study_and_goes_on_when_it_is_resumed(tenant: Resident) -> None:
    started(tenant, "a", "b", "c")

    tenant.patch("night", suspend=True)
    tenant.wait_for_phase("night", "Suspended")

    assert tenant.condition("night", "Suspended")["status"] == "True"
    assert is_idle(tenant)
    assert len(tenant.arrived) % EACH == 0
    assert tenant.arrived < tenant.expected

    slowed(tenant, 0)
    tenant.patch("night", suspend=False)
    tenant.wait_for_phase("night", "Success")

    assert tenant.arrived == tenant.expected
    assert tenant.destination.received == 3 * EACH
    assert tenant.status("night")["instances"] == counts(3 * EACH)


def test_a_graceful_shutdown_ends_after_the_current_study_and_a_retry_works_the_rest(tenant: Resident) -> None:
    started(tenant, "a", "b", "c")

    tenant.patch("night", shutdown="Graceful")
    tenant.wait_for_phase("night", "Canceled")

    tasks, moved = tenant.status("night")["tasks"], len(tenant.arrived)
    assert tasks["succeeded"] + tasks["canceled"] == 3
    assert moved == tasks["succeeded"] * EACH < 3 * EACH
    assert tenant.condition("night", "Failed")["reason"] == "Canceled"

    slowed(tenant, 0)
    tenant.patch("night", shutdown=None, retry={"token": "rest", "scope": "Canceled"})
    tenant.wait_for_phase("night", "Success")

    assert tenant.status("night")["plan"]["tasks"] == tasks["canceled"]
    assert tenant.arrived == tenant.expected
    assert tenant.destination.received == 3 * EACH


def test_an_immediate_shutdown_interrupts_a_study_and_a_retry_moves_it_whole(tenant: Resident) -> None:
    slowed(tenant, 1)  # a runner hears of it when it renews its hold, every 10 s
    tenant.job("night", tenant.load("a", instances=30))
    tenant.until("night", "the first instance has arrived", lambda: tenant.arrived)

    tenant.patch("night", shutdown="Immediate")
    tenant.wait_for_phase("night", "Canceled")

    assert tenant.arrived < tenant.expected
    assert tenant.status("night")["tasks"]["canceled"] == 1
    tenant.until("night", "no runner works", lambda: is_idle(tenant))

    slowed(tenant, 0)
    tenant.patch("night", shutdown=None, retry={"token": "again", "scope": "Canceled"})
    tenant.wait_for_phase("night", "Success")

    assert tenant.arrived == tenant.expected
    assert tenant.status("night")["instances"] == counts(30)


@dataclass(frozen=True)
class Retried:
    """A job of three tasks, one of which succeeds, one warns and one fails, after a round of each scope."""

    tenant: Resident
    refused: dict[str, Any]  # the status after a retry of a task outside its scope

    def repeated(self, round_: int) -> list[str]:
        """The ids of the tasks that a round worked."""
        sets = [one["spec"] for one in self.tenant.task_sets("night") if one["spec"]["round"] == round_]
        return sorted(task["id"] for one in sets for task in one["tasks"])


ROUNDS: dict[str, tuple[int, dict[str, Any], list[str]]] = {
    "Failed": (1, {"scope": "Failed"}, ["absent"]),
    "FailedAndWarned": (2, {"scope": "FailedAndWarned"}, ["absent", "warned"]),
    "All of some": (3, {"scope": "All", "tasks": ["good"]}, ["good"]),
    "All": (4, {"scope": "All"}, ["absent", "good", "warned"]),
}


@pytest.fixture(scope="module")
def retried(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retried]:
    with ExitStack() as opened:
        tenant = resident(release, tmp_path_factory.mktemp("retried"), opened)
        good, warned = tenant.load("good", "warned", instances=1)
        absent = ct_study(patients.PLAIN, label="absent", instances=1, rows=16)
        job = manifests.job("night", [good, warned, absent])
        for task, study in zip(job["spec"]["tasks"], (good, warned, absent), strict=True):
            task["id"] = study.label
        job["spec"]["tasks"][1]["patientId"] = patients.UMLAUT.patient_id  # the source files it under another
        tenant.apply(*tenant.servers(), job)
        tenant.wait_for_phase("night", "Failure")

        tenant.patch("night", retry={"token": "outside", "scope": "Failed", "tasks": ["good"]})
        ended(tenant, "outside", 0)
        refused = tenant.status("night")
        for token, (round_, scope, _) in ROUNDS.items():
            tenant.patch("night", retry={"tasks": None, **scope, "token": token.replace(" ", "-")})
            ended(tenant, token.replace(" ", "-"), round_)
        yield Retried(tenant, refused)


def ended(tenant: Resident, token: str, round_: int) -> None:
    """Wait until the round of a retry token is over."""

    def is_over() -> bool:
        status = tenant.status("night")
        known = (status.get("observedRetryToken"), status["plan"]["round"])
        return known == (token, round_) and "completionTime" in status

    tenant.until("night", f"round {round_} of the token {token} is over", is_over)


def test_a_retry_of_a_task_outside_its_scope_is_refused_by_name_and_opens_no_round(retried: Retried) -> None:
    assert "not in scope Failed: good; nothing was repeated" in retried.refused["message"]
    assert (retried.refused["phase"], retried.refused["plan"]["round"]) == ("Failure", 0)


@pytest.mark.parametrize("scope", ROUNDS)
def test_a_retry_repeats_the_tasks_of_its_scope_and_no_other(retried: Retried, scope: str) -> None:
    round_, _, repeated = ROUNDS[scope]
    assert retried.repeated(round_) == repeated


def test_after_many_rounds_each_task_counts_once(retried: Retried) -> None:
    status = retried.tenant.status("night")
    assert (status["phase"], len(status["earlierPlans"])) == ("Failure", len(ROUNDS))
    found = {state: status["tasks"][state] for state in ("total", "succeeded", "warned", "failed")}
    assert found == {"total": 3, "succeeded": 1, "warned": 1, "failed": 1}
    assert status["instances"] == counts(2)


def test_a_retry_after_the_cause_is_mended_takes_the_failure_away(retried: Retried) -> None:
    tenant = retried.tenant
    tenant.load("absent", instances=1)
    tenant.patch("night", retry={"token": "mended", "scope": "Failed"})
    tenant.wait_for_phase("night", "Warning")

    assert tenant.arrived == tenant.expected
    assert tenant.status("night")["tasks"]["failed"] == 0
