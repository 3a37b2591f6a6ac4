"""When each endpoint is asked, by the clock alone."""

from hypothesis import given
from hypothesis import strategies as st

from adit_operator.reach import JITTER, PROBE_SECONDS, REGULAR_SECONDS, Reach

MANY = {f"PACS{n}@host:{n}": n for n in range(100)}


def test_servers_that_answered_before_a_restart_are_asked_one_after_the_other() -> None:
    reach = Reach()
    reach.follow(MANY, MANY.keys(), now=0.0)
    per_ten_seconds = [len(reach.due(at + 10.0)) - len(reach.due(at)) for at in range(0, int(REGULAR_SECONDS), 10)]
    assert len(reach.due(REGULAR_SECONDS)) == 100
    assert max(per_ten_seconds) <= 15


def test_servers_that_nobody_knows_are_asked_at_once() -> None:
    reach = Reach()
    reach.follow(MANY, (), now=0.0)
    assert len(reach.due(0.0)) == 100


@given(st.integers(1, 30), st.floats(1.0, 1e6))
def test_the_pause_is_the_regular_one_give_or_take_a_tenth(times: int, start: float) -> None:
    reach = Reach()
    reach.follow({"A": 1}, (), now=start)
    for _ in range(times):
        reach.answered("A", start)
    pause = reach.seconds_to_next(start)
    assert pause is not None
    assert REGULAR_SECONDS * (1 - JITTER) - 0.01 <= pause <= REGULAR_SECONDS * (1 + JITTER) + 0.01


def test_many_servers_do_not_stay_in_step() -> None:
    reach = Reach()
    reach.follow(MANY, (), now=0.0)
    for endpoint in MANY:
        reach.answered(endpoint, 0.0)
    halfway = len(reach.due(REGULAR_SECONDS))
    assert 30 <= halfway <= 70


def test_a_runner_that_fails_after_a_regular_look_has_the_server_asked_at_once() -> None:
    reach = Reach()
    reach.follow({"A": 1}, (), now=0.0)
    reach.answered("A", 1.0)
    reach.suspect("A", "no answer", 2.0)
    assert reach.due(2.0) == ("A",)


def test_a_change_of_a_server_that_is_down_has_it_asked_at_once() -> None:
    reach = Reach()
    reach.follow({"A": 1}, (), now=0.0)
    reach.failed("A", "no answer", 0.0)
    reach.follow({"A": 1}, (), now=1.0)
    assert reach.due(1.0) == ()
    reach.follow({"A": 2}, (), now=1.0)
    assert reach.due(1.0) == ("A",)


def test_a_runners_success_puts_the_next_look_off() -> None:
    reach = Reach()
    reach.follow({"A": 1}, (), now=0.0)
    reach.answered("A", 0.0)
    reach.proved("A", 250.0)
    assert reach.due(400.0) == ()


def test_a_down_server_is_asked_by_the_short_pause_alone() -> None:
    reach = Reach()
    reach.follow({"A": 1}, (), now=0.0)
    reach.failed("A", "no answer", 0.0)
    assert reach.due(PROBE_SECONDS - 1) == ()
    assert reach.due(PROBE_SECONDS) == ("A",)


def test_what_nobody_names_any_more_is_forgotten() -> None:
    reach = Reach()
    reach.follow({"A": 1}, (), now=0.0)
    reach.answered("A", 0.0, 0.5)
    reach.suspect("A", "no answer", 0.0)
    reach.follow({}, (), now=1.0)
    assert (reach.down(), reach.echoes(), reach.seconds_to_next(1.0)) == ({}, {}, None)
