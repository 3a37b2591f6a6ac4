"""Verdicts and the table of the data path: pure."""

from dataclasses import replace

import pytest

from benchmarks.data_path import report
from benchmarks.data_path.measured import Attempt, Goal, Lane, Measured, verdict


def lane(
    name: str, *walls: float, start: float = 0.0, problem: str = "", gaps: tuple[float, ...] = (), peak: int = 0
) -> Lane:
    peaks = {"send": peak} if peak else {}
    attempts = tuple(Attempt(wall, problem=problem, gaps=gaps, peaks=peaks) for wall in walls)
    return Lane(name, name.startswith("adit"), 100, 50_000_000, attempts, (Attempt(start),) if start else ())


def table(*lanes: Lane, goal: Goal | None = None) -> Measured:
    return Measured("send", "to storescp", 1, lanes, {"adit send": goal} if goal else {})


def cells(text: str, program: str) -> list[str]:
    [line] = [line for line in text.splitlines() if f"| {program} |" in line]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(("wall", "expected"), [(0.7, "held"), (0.71, "missed")])
def test_a_ratio_is_held_up_to_its_goal(wall: float, expected: str) -> None:
    assert verdict(Goal(0.7), lane("adit send", wall), lane("dcmsend", 1.0)) == expected


def test_the_median_is_judged() -> None:
    assert verdict(Goal(0.7), lane("adit send", 0.5, 0.6, 9.0), lane("dcmsend", 1.0)) == "held"


def test_a_miss_tells_whether_the_start_is_the_cause() -> None:
    slow_start = lane("adit send", 0.9, start=0.5)
    assert verdict(Goal(0.7), slow_start, lane("dcmsend", 1.0, start=0.1)) == "missed (held net of start-up)"


def test_what_start_up_leaves_too_little_of_is_not_judged_net() -> None:
    nothing_left = lane("adit send", 0.9, start=0.85)
    assert verdict(Goal(0.7), nothing_left, lane("dcmsend", 1.0, start=0.1)) == "missed"
    assert cells(report.row(table(lane("dcmsend", 1.0), nothing_left)), "adit send")[4] == "–"


def test_a_goal_net_of_start_up_does_not_look_at_the_wall() -> None:
    reference = lane("findscu", 0.3, start=0.02)
    assert verdict(Goal(1.5, net=True), lane("adit find", 0.8, start=0.45), reference) == "held"
    assert verdict(Goal(1.5, net=True), lane("adit find", 0.9, start=0.45), reference) == "missed"


def test_a_rate_is_missed_by_steps() -> None:
    fast = lane("adit send", 0.5, gaps=(0.001, 0.0349))
    assert verdict(Goal(rate=150), fast, lane("dcmsend", 9.0)) == "held"
    stalled = lane("adit send", 0.5, gaps=(0.001, 0.035))
    assert verdict(Goal(rate=150), stalled, lane("dcmsend", 9.0)) == "missed: 200/s, 1 steps"
    stray = lane("adit send", 0.5, gaps=(0.035, *[0.001] * 99))
    assert verdict(Goal(rate=150), stray, lane("dcmsend", 9.0)) == "held"


def test_a_rate_below_its_goal_is_missed() -> None:
    assert verdict(Goal(rate=150), lane("adit send", 1.0), lane("dcmsend", 9.0)) == "missed: 100/s, 0 steps"


def test_one_bad_repetition_makes_a_line_invalid_and_says_why() -> None:
    bad = table(lane("dcmsend", 1.0), lane("adit send", 0.5, problem="1 of 9 are missing | x"), goal=Goal(0.7))
    assert cells(report.row(bad), "adit send")[3] == "INVALID: 1 of 9 are missing / x"
    assert cells(report.row(bad), "adit send")[-1] == "INVALID"
    assert not report.complete([bad])


def test_a_bad_start_makes_a_line_invalid_too() -> None:
    started_badly = replace(lane("adit send", 1.0), starts=(Attempt(1.0, problem="refused"),))
    assert not started_badly.valid


def test_there_is_no_verdict_without_a_reference() -> None:
    assert verdict(Goal(0.7), lane("adit send", 0.5), lane("dcmsend", 1.0, problem="refused")) == "no reference"


def test_a_row_tells_ratio_rate_and_goal() -> None:
    found = cells(
        report.row(table(lane("dcmsend", 1.0), lane("adit send", 0.5, start=0.1), goal=Goal(0.7))), "adit send"
    )
    assert found[3:8] == ["0.50", "0.40", "200", "100", "0.50"]
    assert found[-2:] == ["≤0.7×", "held"]


def test_every_line_has_a_cell_for_each_heading() -> None:
    text = report.row(table(lane("dcmsend", 1.0), lane("adit send"), goal=Goal(0.7)))
    assert {len(line.split("|")) for line in text.splitlines()} == {len(report.HEAD) + 2}


def test_the_peak_of_a_worker_is_the_largest_of_all_rows() -> None:
    small, large = (table(lane("dcmsend", 1.0, peak=9), lane("adit send", 1.0, peak=peak)) for peak in (1, 100_000_001))
    text = report.memory([small, large])
    assert "| send | 100 | send | 100 | missed |" in text


def test_missed_goals_do_not_make_a_run_incomplete() -> None:
    assert report.complete([table(lane("dcmsend", 1.0), lane("adit send", 5.0), goal=Goal(0.7))])


def test_the_times_between_instances_are_told() -> None:
    text = report.titles([table(lane("dcmsend", 1.0, gaps=(0.04,) * 3), lane("adit send", 1.0, gaps=(0.002,) * 3))])
    assert "dcmsend: median 40.0 ms, p99 40.0 ms, 3 of 3 are 35 ms or more" in text
    assert "adit send: median 2.0 ms, p99 2.0 ms, 0 of 3 are 35 ms or more" in text
