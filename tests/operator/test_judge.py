from typing import Any

import pytest

from adit_operator.judge import Judgement, judge
from adit_operator.observed import SeenSet
from adit_operator.testing.builders import ended_set, override, seen_job, seen_set


def judged(seen: SeenSet, attempt: int = 0, *, cancel: bool = False, **job: Any) -> Judgement:
    """Judge a set whose Job of this attempt has ended."""
    return judge(seen, seen_job(seen, attempt, finished=True, **job), running=False, held=False, cancel=cancel)


def test_a_running_set_is_not_judged() -> None:
    seen = seen_set("PP", claimed=True, attempt=0)
    assert judge(seen, seen_job(seen), running=True, held=True, cancel=False) == Judgement()


def test_a_set_without_open_tasks_is_finished_before_its_pod_is_gone() -> None:
    seen = ended_set("SW", "Done")
    verdict = judge(seen, seen_job(seen), running=True, held=False, cancel=False).verdict
    assert verdict is not None
    assert verdict.finished


def test_a_set_that_is_held_is_not_finished() -> None:
    seen = seen_set("SS", claimed=True, attempt=0)
    assert judge(seen, seen_job(seen), running=True, held=True, cancel=False).verdict is None


def test_a_finished_set_is_judged_no_more() -> None:
    assert judged(ended_set("SS", "Done", finished=True)) == Judgement()


def test_no_word_is_a_crash() -> None:
    verdict = judged(seen_set("PP", claimed=True, attempt=0)).verdict
    assert verdict is not None
    assert (verdict.crashes, verdict.judged_attempt, verdict.finished) == (1, 0, False)


def test_the_word_of_an_earlier_attempt_does_not_count() -> None:
    verdict = judged(ended_set("PP", "RetryLater", attempt=0, judged_attempt=0), attempt=1).verdict
    assert verdict is not None
    assert verdict.crashes == 1


def test_a_crash_counts_once() -> None:
    assert judged(seen_set("PP", attempt=0, crashes=1, judged_attempt=0)) == Judgement()


def test_a_crash_after_progress_is_the_first_again() -> None:
    verdict = judged(seen_set("SP", attempt=2, crashes=2, judged_attempt=1, settled=0), attempt=2).verdict
    assert verdict is not None
    assert verdict.crashes == 1


def test_three_crashes_without_progress_close_the_task_in_hand() -> None:
    seen = seen_set("PPP", attempt=2, current="t1", crashes=2, judged_attempt=1)
    verdict = judged(seen, attempt=2).verdict
    assert verdict is not None
    assert verdict.overrides == (override("t1", "F"),)
    assert not verdict.finished
    assert verdict.crashes == 0


@pytest.mark.parametrize("current", [None, "t0"])
def test_three_crashes_that_name_no_open_task_close_all_open_ones(current: str | None) -> None:
    seen = seen_set("SPP", attempt=2, current=current, crashes=2, judged_attempt=1, settled=1)
    verdict = judged(seen, attempt=2).verdict
    assert verdict is not None
    assert verdict.overrides == (override("t1", "F"), override("t2", "F"))
    assert verdict.finished


def test_done_with_open_tasks_is_a_crash() -> None:
    verdict = judged(ended_set("SP", "Done", settled=1)).verdict
    assert verdict is not None
    assert verdict.crashes == 1


@pytest.mark.parametrize("reason", ["RetryLater", "Stopped", "AccessDenied", "BadInput", "PeerUnavailable"])
def test_a_word_is_no_crash(reason: str) -> None:
    judgement = judged(ended_set("PP", reason))
    assert judgement.verdict is not None
    assert (judgement.verdict.crashes, judgement.verdict.finished) == (0, False)
    assert (judgement.unreachable is not None) == (reason == "PeerUnavailable")


def test_success_proves_the_peers() -> None:
    assert judged(ended_set("SS", "Done")).proved
    assert not judged(ended_set("PP", "RetryLater")).proved


def test_a_shutdown_closes_what_is_open_once_no_runner_is_left() -> None:
    verdict = judged(ended_set("SP", "Stopped"), cancel=True).verdict
    assert verdict is not None
    assert verdict.overrides == (override("t1", "C", "Canceled"),)
    assert verdict.finished


def test_a_shutdown_waits_for_the_runner() -> None:
    seen = seen_set("PP", claimed=True, attempt=0)
    assert judge(seen, seen_job(seen), running=True, held=True, cancel=True).verdict is None


def test_a_set_that_never_ran_is_canceled_whole() -> None:
    verdict = judge(seen_set("PP"), None, running=False, held=False, cancel=True).verdict
    assert verdict is not None
    assert len(verdict.overrides) == 2
    assert verdict.finished


def test_a_runner_that_was_deleted_before_it_began_did_not_crash() -> None:
    verdict = judged(seen_set("PP"), leaving=True).verdict
    assert verdict is not None
    assert (verdict.crashes, verdict.judged_attempt) == (0, 0)


def test_a_runner_that_was_deleted_after_it_began_and_said_nothing_did_crash() -> None:
    verdict = judged(seen_set("PP", claimed=True, attempt=0), leaving=True).verdict
    assert verdict is not None
    assert verdict.crashes == 1
