import pytest

from adit.api.task_list import TaskList
from adit_operator.rounds import Refused, ids_in_scope, newest_states, retry_tasks
from adit_operator.testing.builders import observed, planned, seen_set, transfer_job

TASKS = TaskList.of(transfer_job(4).spec.inline)
STATES = {"t0": "S", "t1": "W", "t2": "F", "t3": "C"}


def ids(scope: str, *only: str) -> list[str] | str:
    chosen = ids_in_scope(TASKS.ids, STATES, scope, only)  # type: ignore[arg-type]  # words of RetryScope and TaskState
    return chosen.message if isinstance(chosen, Refused) else list(TASKS.chosen(chosen).ids)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("Failed", ["t2"]),
        ("FailedAndWarned", ["t1", "t2"]),
        ("Canceled", ["t3"]),
        ("All", ["t0", "t1", "t2", "t3"]),
    ],
)
def test_a_scope_chooses_tasks_by_their_state(scope: str, expected: list[str]) -> None:
    assert ids(scope) == expected


def test_named_tasks_narrow_the_scope_in_the_jobs_order() -> None:
    assert ids("All", "t3", "t1") == ["t1", "t3"]


def test_a_named_task_outside_the_scope_is_refused_by_name() -> None:
    assert ids("Failed", "t2", "t0", "nobody") == (
        "not in scope Failed: t0; no task of this job has the id in spec.retry.tasks[2]; nothing was repeated"
    )


def test_an_empty_scope_is_refused() -> None:
    chosen = ids_in_scope(["t0"], {"t0": "S"}, "Failed", ())
    assert chosen == Refused("no task is in scope Failed; nothing was repeated")


def test_a_tasks_state_is_that_of_its_newest_round() -> None:
    rounds = [seen_set("S", round_=1, ids=["t1"]), seen_set("FF", round_=0), seen_set("W", round_=2, ids=["t1"])]
    assert newest_states(rounds) == {"t0": "F", "t1": "W"}


def test_a_retry_by_state_is_refused_when_the_records_are_gone() -> None:
    seen = observed(planned(2), sets=(seen_set("F", ids=["t0"]),))
    assert retry_tasks(seen, TaskList.of(seen.job.spec.inline), "Failed", ()) == Refused(
        "the records of 1 tasks are gone, so that only scope All can be repeated"
    )


def test_a_retry_of_all_needs_no_records() -> None:
    seen = observed(planned(2))
    assert not isinstance(retry_tasks(seen, TaskList.of(seen.job.spec.inline), "All", ()), Refused)
