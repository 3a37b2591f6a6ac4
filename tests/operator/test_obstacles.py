from datetime import timedelta
from typing import Any

import pytest

from adit.api.window import Window
from adit.windows import Opening
from adit_operator.observed import Waiting
from adit_operator.obstacles import closed, in_line, parallelism_used, taken
from adit_operator.slots import Cap
from adit_operator.testing.fakes import START

A = "A@h:1"


def why(cap: Cap, count: int = 1, **options: Any) -> Waiting:
    found = closed({A: count}, {A: cap}, START, options.get("probe_seconds", 15.0))
    assert found is not None
    return found


def night(zone: str) -> Window:
    return Window.of({"start": "22:00", "end": "06:00", "timeZone": zone})


def test_an_open_endpoint_is_no_obstacle() -> None:
    assert closed({A: 1}, {A: Cap(1)}, START, 15.0) is None


def test_who_does_not_answer_is_asked_again_as_often_as_was_configured() -> None:
    told = why(Cap(1, unreachable="refused"), probe_seconds=2.5)
    assert (told.reason, told.message) == (
        "ServerUnreachable",
        f"{A} does not answer (refused); asked again every 2.5 s",
    )


def test_a_closed_window_says_when_it_opens_in_utc_and_on_the_wall_of_its_zone() -> None:
    opening = Opening(open=False, changes_at=START + timedelta(hours=21))
    told = why(Cap(1, opening=opening, windows=((night("Europe/Berlin"),),)))
    assert told.reason == "WindowClosed"
    assert told.message.endswith("it opens at 2026-01-01 21:00 UTC, 2026-01-01 22:00 Europe/Berlin")


def test_a_zone_that_is_utc_is_not_told_twice() -> None:
    opening = Opening(open=False, changes_at=START + timedelta(hours=22))
    told = why(Cap(1, opening=opening, windows=((night("UTC"),),)))
    assert told.message.endswith("it opens at 2026-01-01 22:00 UTC")


def test_a_window_that_does_not_open_says_so() -> None:
    assert "does not open within the next two weeks" in why(Cap(1, opening=Opening(open=False))).message


def test_nothing_starts_in_the_last_seconds_of_a_window() -> None:
    opening = Opening(open=True, changes_at=START + timedelta(seconds=29))
    assert why(Cap(1, opening=opening)).reason == "WindowClosed"
    later = Opening(open=True, changes_at=START + timedelta(seconds=30))
    assert closed({A: 1}, {A: Cap(1, opening=later)}, START, 15.0) is None


def test_an_endpoint_that_nobody_names_any_more_has_no_slots() -> None:
    told = closed({A: 1}, {}, START, 15.0)
    assert told is not None
    assert told.reason == "CapTooSmall"


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        (0, "it is the next"),
        (1, "1 job is before it"),
        (9, "9 jobs are before it"),
        (10, "10 jobs or more are before it"),
        (200, "10 jobs or more are before it"),
    ],
)
def test_who_waits_is_told_its_place(before: int, sentence: str) -> None:
    assert (
        in_line(taken(A, Cap(2), before=before, promised=False)) == f"all 2 runner slots of {A} are taken; {sentence}"
    )


def test_what_has_no_line_tells_no_place() -> None:
    assert in_line(parallelism_used(3)) == "its parallelism (3) is used up"


def test_another_place_in_the_line_is_no_reason_to_tell_again() -> None:
    assert Waiting("WaitingForSlot", "all are taken", 1) == Waiting("WaitingForSlot", "all are taken", 2)
