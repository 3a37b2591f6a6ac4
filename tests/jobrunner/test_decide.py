"""What follows from the outcome of a task: a table."""

from datetime import UTC, datetime

import pytest

from adit.api.counts import InstanceCounts
from adit.errors import AccessDenied, AditError, PeerUnavailable, PermanentError, RetryableError
from adit.transfer.record import TaskLine
from adit.transfer.transfer import TaskOutcome
from adit_jobrunner.decide import Step, after_task

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
BUSY = RetryableError("out of resources", reason="OutOfResources")
AWAY = PeerUnavailable("nobody answers", peer="research")


def step(error: AditError | None, *, stored: int = 0, attempts: int = 0, interrupted: bool = False) -> Step:
    line = TaskLine(id="t0", state="F", instances=InstanceCounts(stored=stored))
    outcome = TaskOutcome(line, error=error, interrupted=interrupted)
    return after_task(outcome, attempts=attempts, now=NOON, pause=120)


def test_an_outcome_without_error_is_final() -> None:
    assert step(None) == Step(finished=True)


@pytest.mark.parametrize(("attempts", "due"), [(0, "2024-01-02T12:02:00Z"), (1, "2024-01-02T12:04:00Z")])
def test_a_retryable_error_waits_longer_each_time(attempts: int, due: str) -> None:
    after = step(BUSY, attempts=attempts)
    assert after.retry is not None
    assert (after.retry.due_time, after.retry.attempts, after.retry.reason) == (due, attempts + 1, "OutOfResources")
    assert (after.finished, after.end) == (False, None)


def test_the_third_attempt_is_final() -> None:
    assert step(BUSY, attempts=2) == Step(finished=True)


def test_a_peer_that_is_away_ends_the_run_and_spends_nothing() -> None:
    after = step(AWAY)
    assert after.end is not None
    assert (after.end.reason, after.retry, after.finished) == ("PeerUnavailable", None, False)
    assert after.end.peer == "research"


def test_a_peer_that_goes_away_after_something_left_spends_an_attempt() -> None:
    after = step(AWAY, stored=3)
    assert after.end is not None
    assert after.retry is not None
    assert (after.end.reason, after.retry.attempts) == ("PeerUnavailable", 1)


def test_a_study_that_the_peer_never_survives_is_final_after_three() -> None:
    after = step(AWAY, stored=3, attempts=2)
    assert after.end is not None
    assert (after.finished, after.end.reason) == (True, "PeerUnavailable")


def test_a_refusal_of_ourselves_ends_the_run_and_leaves_the_task_open() -> None:
    after = step(AccessDenied("unknown AE title"), stored=3, attempts=2)
    assert after.end is not None
    assert (after.finished, after.retry, after.end.reason) == (False, None, "AccessDenied")


def test_an_interrupted_task_stays_open_whatever_error_it_saw() -> None:
    after = step(BUSY, interrupted=True)
    assert after.end is not None
    assert (after.finished, after.retry, after.end.reason) == (False, None, "Stopped")


def test_an_error_for_good_is_final() -> None:
    assert step(PermanentError("no")) == Step(finished=True)


def test_a_long_message_fits_the_status() -> None:
    after = step(PeerUnavailable("x" * 5000))
    assert after.end is not None
    assert len(after.end.message) == 1024
