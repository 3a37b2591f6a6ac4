"""The pace of requests: by its own clock, and at real peers that look at theirs."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.connectors import open_connector
from adit.connectors.pace import Pace
from adit.connectors.target import Target
from adit.errors import RetryableError
from adit.query import Level, Query, Selection
from adit.testing.datasets import ct_study
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import PLAIN
from adit.transfer.instance import Instance
from adit.transfer.placement import Placement

A_HAIR = 1e-6
PER_MINUTE = 600.0  # one in 0.1 s
CT = ct_study(PLAIN, instances=2, rows=16)
SELECTION = Selection(PLAIN.patient_id, CT.study_instance_uid)
QUERY = Query(Level.STUDY, study_instance_uid=CT.study_instance_uid)


class Clock:
    """Seconds that pass only where somebody lets them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@settings(deadline=None)
@given(
    st.floats(0.5, 1000), st.lists(st.tuples(st.just(0.0) | st.floats(0, 5), st.floats(0, 30)), min_size=2, max_size=60)
)
def test_no_minute_has_more_requests_than_are_allowed(per_minute: float, work: list[tuple[float, float]]) -> None:
    clock, begun = Clock(), []
    pace = Pace(per_minute, clock=clock, sleep=clock.sleep)
    for connecting, answering in work:
        pace.turn()
        clock.now += connecting
        pace.began()
        begun.append(clock.now)
        clock.now += answering
    assert busiest_minute(begun) <= math.ceil(per_minute)


def busiest_minute(begun: list[float]) -> int:
    """How many requests the busiest minute has."""
    return max(sum(start <= moment < start + 60 - A_HAIR for moment in begun) for start in begun)


Runner = tuple[float, list[float]]  # seconds of an empty slot before it, then how long each of its requests takes


@settings(deadline=None)
@given(
    st.integers(1, 40).flatmap(lambda share: st.tuples(st.just(share), st.floats(0, 60 / share))),
    st.lists(
        st.lists(st.tuples(st.floats(0, 20), st.lists(st.floats(0, 5), max_size=8)), min_size=1, max_size=8),
        min_size=1,
        max_size=7,
    ),
)
def test_runners_that_start_anew_keep_together_what_their_slots_share(
    share_and_phase: tuple[int, float], slots: list[list[Runner]]
) -> None:
    share, phase = share_and_phase
    begun = []
    for runners in slots:
        clock = Clock()
        clock.now = phase
        for empty, work in runners:
            clock.now += empty
            pace = Pace(share, clock=clock, sleep=clock.sleep)
            for seconds in work:
                pace.turn()
                begun.append(clock.now)
                clock.now += seconds
    assert not begun or busiest_minute(begun) <= share * len(slots)


def test_a_runner_of_one_short_task_is_no_way_around_the_limit() -> None:
    clock, begun = Clock(), []
    for _ in range(20):
        pace = Pace(2, clock=clock, sleep=clock.sleep)
        for _ in range(3):
            pace.turn()
            begun.append(clock.now)
    assert (len(begun), busiest_minute(begun)) == (60, 2)


@settings(deadline=None)
@given(st.floats(0.5, 1000), st.lists(st.floats(0, 300), min_size=1, max_size=20))
def test_a_pace_makes_nobody_wait_longer_than_it_must(per_minute: float, work: list[float]) -> None:
    clock = Clock()
    pace = Pace(per_minute, clock=clock, sleep=clock.sleep)
    pace.turn()
    assert clock.now == pytest.approx(60 / per_minute)  # whoever was here before may have asked a moment ago
    for seconds in work:
        last = clock.now
        clock.now += seconds
        pace.turn()
        assert clock.now == pytest.approx(max(last + seconds, last + 60 / per_minute))


def test_without_a_limit_nobody_waits() -> None:
    def sleep(_: float) -> None:
        pytest.fail("waited")

    for _ in range(3):
        Pace(sleep=sleep).turn()


def test_a_stop_ends_the_waiting() -> None:
    clock = Clock()
    stopped: list[bool] = []

    def stop_in_the_midst(_: float) -> None:
        assert not stopped, "waits on over the stop"
        stopped.append(True)

    pace = Pace(1, clock=clock, sleep=stop_in_the_midst, stopped=lambda: bool(stopped))
    with pytest.raises(RetryableError) as error:
        pace.turn()
    assert (error.value.reason, clock.now) == ("Aborted", 0)


def test_every_find_and_every_fetch_waits_for_its_turn(
    loopback_pacs: LoopbackPacs, target_of: Callable[..., Target], tmp_path: Path, spool: Path
) -> None:
    loopback_pacs.load(CT.write(tmp_path / "ct"))
    clock = Clock()
    target = replace(target_of(loopback_pacs), pace=Pace(1, clock=clock, sleep=clock.sleep))
    seen = []
    with open_connector(target) as connector:
        for ask in (lambda: connector.find(QUERY), lambda: connector.fetch(SELECTION, spool)) * 2:
            list(ask())
            seen.append(clock.now)
    assert seen == [60, 120, 180, 240]


def test_the_pace_is_told_when_a_request_leaves_and_not_only_that_it_may(
    loopback_pacs: LoopbackPacs, target_of: Callable[..., Target], tmp_path: Path, spool: Path
) -> None:
    loopback_pacs.load(CT.write(tmp_path / "ct"))
    told: list[str] = []

    class Noting(Pace):
        def turn(self) -> None:
            told.append("turn")

        def began(self) -> None:
            told.append("began")

    with open_connector(replace(target_of(loopback_pacs), pace=Noting(1))) as connector:
        list(connector.find(QUERY))
        list(connector.fetch(SELECTION, spool))
    assert told == ["turn", "began"] * 2


def test_a_pacs_is_asked_at_the_pace_by_its_own_clock(
    loopback_pacs: LoopbackPacs, target_of: Callable[..., Target], tmp_path: Path, spool: Path
) -> None:
    loopback_pacs.load(CT.write(tmp_path / "ct"))
    target = replace(target_of(loopback_pacs), pace=Pace(PER_MINUTE))
    with open_connector(target) as connector:
        assert len(list(connector.find(QUERY))) == 1
        assert len(list(connector.fetch(SELECTION, spool))) == 2
        assert len(list(connector.find(QUERY))) == 1
    gaps = [later - earlier for earlier, later in pairwise(loopback_pacs.requests)]
    assert len(gaps) == 2
    assert all(gap > 0.07 for gap in gaps)  # one may be noted late


def test_stores_on_an_association_are_no_requests(
    loopback_pacs: LoopbackPacs,
    target_of: Callable[..., Target],
    tmp_path: Path,
    instance_of: Callable[[Path], Instance],
) -> None:
    instances = [instance_of(path) for path in CT.write(tmp_path / "ct")]
    clock = Clock()
    target = replace(target_of(loopback_pacs), pace=Pace(1, clock=clock, sleep=clock.sleep))
    with open_connector(target) as connector:
        stored = list(connector.store(instances, Placement("job")))
    assert (len(stored), loopback_pacs.received, clock.now) == (2, 2, 0)
