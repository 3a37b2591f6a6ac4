"""What tools that know nothing of ADIT make of it: a job is Current when it is planned, and Failed when it stalls."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.gitops.kstatus import kstatus

Sample = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(
    "name",
    [
        *("planned", "waiting", "in-progress", "suspended", "suspending", "canceling"),
        *("success", "success-then-edited-and-seen", "warning", "failure", "canceled", "retry-opened", "retry-refused"),
    ],
)
def test_a_job_that_was_accepted_and_planned_is_current_however_it_goes_on(sample: Sample, name: str) -> None:
    assert kstatus(sample(f"transferjob-{name}")) == "Current"


@pytest.mark.parametrize("name", ["server-not-found", "access-denied", "peer-refused"])
def test_a_job_that_waits_for_a_person_has_failed(sample: Sample, name: str) -> None:
    assert kstatus(sample(f"transferjob-stalled-{name}")) == "Failed"


@pytest.mark.parametrize("name", ["success-then-edited", "retry-requested", "resume-requested"])
def test_a_change_that_the_operator_has_not_seen_is_in_progress(sample: Sample, name: str) -> None:
    assert kstatus(sample(f"transferjob-{name}")) == "InProgress"


def test_a_job_that_nobody_has_looked_at_is_taken_as_current(sample: Sample) -> None:
    """The one weakness of kstatus, for which docs/gitops.md gives expressions."""
    assert kstatus(sample("transferjob-new")) == "Current"


def test_a_server_is_current_whether_or_not_it_answers(sample: Sample) -> None:
    assert kstatus(sample("dicomserver-unreachable")) == "Current"
    assert kstatus(sample("dicomserver-changed")) == "InProgress"


def test_a_job_that_is_being_deleted_is_terminating(sample: Sample) -> None:
    manifest = sample("transferjob-success")
    manifest["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert kstatus(manifest) == "Terminating"
