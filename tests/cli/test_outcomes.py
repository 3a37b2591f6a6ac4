"""Exit codes, when a job is settled, what is said of it, and how fast it moves: all pure."""

from typing import Any

import pytest

from adit.api.resource import TransferJob
from adit.cluster.kinds import Ref
from adit_cli.exit_codes import ExitCode, code_of
from adit_cli.progress import counts_of
from adit_cli.rates import Rates, Sample
from adit_cli.settled import fraction_done, outcome, seen, settled, stalled, told, waiting_for
from adit_operator.testing.builders import transfer_job

REF = Ref("TransferJob", "default", "night")


def condition(kind: str, status: str, reason: str = "Because", message: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


def job(
    phase: str | None = None, *conditions: dict[str, Any], spec: dict[str, Any] | None = None, **status: Any
) -> Any:
    known = {"observedGeneration": 1, "conditions": list(conditions), **status}
    return transfer_job(2, spec=spec, status={**known, **({"phase": phase} if phase else {})})


@pytest.mark.parametrize(
    ("phases", "code"),
    [
        ([], 0),
        (["Success", "Success"], 0),
        (["Success", "Warning"], 3),
        (["Warning", "Failure"], 1),
        (["Success", "Canceled"], 1),
        (["Success", "Suspended"], 1),
        (["Success", None], 1),
        (["InProgress"], 1),
        (["Pending"], 1),
        (["Canceling"], 1),
    ],
)
def test_the_worst_job_makes_the_exit_code(phases: list[Any], code: int) -> None:
    assert code_of(phases) == code


def test_the_exit_codes_are_those_that_scripts_rely_on() -> None:
    assert {one.name: one.value for one in ExitCode} == {
        "SUCCESS": 0,
        "FAILURE": 1,
        "INVALID_INPUT": 2,
        "WARNING": 3,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("phase", ["Success", "Warning", "Failure", "Canceled", "Suspended"])
def test_a_job_that_the_operator_has_seen_to_its_end_is_settled(phase: str) -> None:
    assert settled(job(phase))


@pytest.mark.parametrize("phase", [None, "Pending", "InProgress", "Canceling"])
def test_a_job_that_will_go_on_is_not_settled(phase: str | None) -> None:
    assert not settled(job(phase))


def test_an_end_that_the_operator_told_before_the_spec_changed_does_not_count() -> None:
    assert not settled(job("Success", observedGeneration=0))
    asked = {"retry": {"token": "new", "scope": "All"}}
    assert not seen(job("Failure", spec=asked))
    assert settled(job("Failure", spec=asked, observedRetryToken="new"))


def test_a_stalled_job_is_settled_without_an_outcome() -> None:
    found = job("InProgress", condition("Stalled", "True", "ServerMissing", "there is no DicomServer x"))
    assert (stalled(found), settled(found), outcome(found)) == (True, True, None)
    assert waiting_for(found) == "there is no DicomServer x"
    assert told(REF, found) == "TransferJob/night is stalled: there is no DicomServer x"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (job("Success", message="Success: 2 succeeded of 2 tasks"), ""),
        (
            job("Warning", message="Warning: 1", failureSummary=[{"reason": "NotVerified", "count": 3}]),
            "TransferJob/night: Warning: 1: 3 × NotVerified (adit describe tj night)",
        ),
        (job("Suspended", message="1 of 2"), "TransferJob/night is suspended: 1 of 2; adit resume night lets it go on"),
        (
            job("Canceled", message="Canceled: 1"),
            (
                "TransferJob/night was canceled: Canceled: 1; adit retry night --scope Canceled works the rest "
                "(adit describe tj night)"
            ),
        ),
        (
            job("Pending", condition("Admitted", "False", message="SOURCE does not answer")),
            "TransferJob/night is not finished: SOURCE does not answer (adit describe tj night)",
        ),
        (job(), "TransferJob/night is not finished: not looked at yet (adit describe tj night)"),
        (
            job("Success", message="RetryRefused: no task is in scope Failed"),
            "TransferJob/night: RetryRefused: no task is in scope Failed (adit describe tj night)",
        ),
    ],
)
def test_a_job_that_is_not_well_gets_one_sentence(found: TransferJob, sentence: str) -> None:
    assert told(REF, found) == sentence


def test_a_job_that_runs_waits_for_nothing() -> None:
    assert waiting_for(job("InProgress", condition("Admitted", "True", message="1 task sets are running"))) == ""


def test_progress_counts_tasks_and_for_a_single_task_its_instances() -> None:
    assert fraction_done(job(tasks={"total": 4, "succeeded": 1, "failed": 1, "pending": 2})) == 0.5
    one = job(tasks={"total": 1, "pending": 1}, instances={"listed": 10, "expected": 10, "stored": 4})
    assert fraction_done(one) == 0.4
    assert fraction_done(job()) == 0.0
    assert counts_of(job(tasks={"total": 2, "failed": 1, "pending": 1})) == "1/2 tasks, 0 instances, 1 failed"


def rates(*samples: tuple[float, int, int]) -> Rates:
    found = Rates()
    for at, instances, size in samples:
        found = found.with_sample(Sample(at, instances, size))
    return found


def test_a_rate_is_taken_over_the_last_ten_seconds() -> None:
    assert str(rates((0, 0, 0), (5, 100, 50_000_000), (10, 300, 150_000_000))) == "30 inst/s 15.0 MB/s"
    fast_then_slow = rates((0, 0, 0), (10, 1000, 0), (15, 1000, 0), (20, 1010, 0), (26, 1020, 0))
    assert str(fast_then_slow).startswith("2 inst/s")


def test_without_movement_there_is_no_rate() -> None:
    assert str(Rates()) == str(rates((0, 5, 5))) == str(rates((0, 5, 5), (3, 5, 5))) == ""
    assert str(rates((0, 9, 9), (3, 1, 1))) == ""  # another round counts anew
