import pytest

from adit.api.counts import TaskCounts
from adit_operator.aggregate import Totals
from adit_operator.phase import outcome, phase_of
from adit_operator.standing import Standing


def counts(letters: str) -> TaskCounts:
    return TaskCounts(
        total=len(letters),
        pending=letters.count("P"),
        succeeded=letters.count("S"),
        warned=letters.count("W"),
        failed=letters.count("F"),
        canceled=letters.count("C"),
    )


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("SS", "Success"),
        ("SC", "Success"),
        ("SF", "Failure"),
        ("WF", "Failure"),
        ("SWF", "Failure"),
        ("SW", "Warning"),
        ("WW", "Warning"),
        ("WC", "Warning"),
        ("FF", "Failure"),
        ("FC", "Failure"),
        ("CC", "Canceled"),
    ],
)
def test_the_outcome_follows_adits_table(letters: str, expected: str) -> None:
    assert outcome(counts(letters), shut_down=False) == expected


@pytest.mark.parametrize("letters", ["SC", "WC", "FC", "SWFC", "CC"])
def test_a_shutdown_that_canceled_something_is_canceled(letters: str) -> None:
    assert outcome(counts(letters), shut_down=True) == "Canceled"


@pytest.mark.parametrize(("letters", "expected"), [("SS", "Success"), ("SF", "Failure")])
def test_a_shutdown_that_came_too_late_changes_nothing(letters: str, expected: str) -> None:
    assert outcome(counts(letters), shut_down=True) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "Pending"),
        ({"started": True}, "InProgress"),
        ({"started": True, "shutdown": True}, "Canceling"),
        ({"suspend": True}, "Suspended"),
        ({"suspend": True, "started": True, "running": 1}, "InProgress"),
        ({"suspend": True, "started": True}, "Suspended"),
        ({"suspend": True, "shutdown": True}, "Canceling"),
    ],
)
def test_an_unfinished_job_is_in_one_phase(facts: dict[str, bool], expected: str) -> None:
    assert phase_of(Standing(Totals(counts("PP")), **facts)) == expected  # type: ignore[arg-type]  # names of facts
