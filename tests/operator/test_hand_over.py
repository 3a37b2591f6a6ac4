from datetime import timedelta
from typing import Any

import pytest

from adit_operator.admission import Admission
from adit_operator.handover import HandOver, makes_room
from adit_operator.runners import Runner, beyond_parallelism
from adit_operator.shares import Shares
from adit_operator.testing.builders import seen_transfer
from adit_operator.testing.fakes import START
from tests.operator.admission_world import SHUT, World

ONE_SLOT: dict[str, Any] = {"limits": {"maxAssociations": 2, "reservedInteractive": 1}}
PATIENCE = 600
PAUSE = timedelta(seconds=1)


def world_of(slots: int) -> World:
    """The PACS takes so many runners; the other servers take more."""
    world = World()
    world.server("pacs", limits={"maxAssociations": slots + 1, "reservedInteractive": 1})
    world.server("again", limits={"maxAssociations": slots + 1, "reservedInteractive": 1})
    world.server("research", limits={"maxAssociations": 20})
    return world


def told(admission: Admission) -> list[tuple[str, str, str]]:
    """Who makes room, how and why."""
    return sorted((one.uid, one.stop, one.reason) for one in admission.yield_)


def yielded(world: World) -> list[str]:
    """Let those who were told to make room end; answers whose sets start then."""
    for job in world.running():
        if world.set_of(job).stop is not None:
            world.end(job, states=world.set_of(job).states)
    return [seen.owner_uid or "" for seen in world.turn().start]


def test_an_urgent_job_gets_the_slot_of_the_least_urgent_and_youngest_runner() -> None:
    world = world_of(3)
    world.submit("low", count=1, priority=50, namespace="trial")
    world.submit("middle", count=2, parallelism=2)
    world.turn()
    world.wait(10)
    world.submit("urgent", count=1, priority=500)
    assert told(world.turn()) == [("low-0", "AfterTask", "Preempted")]
    assert yielded(world) == ["urgent"]


def test_as_many_make_room_as_are_needed_and_no_more() -> None:
    world = world_of(4)
    world.submit("low", count=9)
    world.turn()
    world.submit("urgent", count=2, priority=500)
    assert [one.uid for one in world.turn().yield_] == ["low-0", "low-1"]
    assert [one.uid for one in world.turn().yield_] == ["low-0", "low-1"], "who is told already is counted"
    assert yielded(world) == ["urgent", "urgent"]


def test_of_two_of_one_priority_the_younger_runner_goes() -> None:
    world = world_of(2)
    world.submit("first", count=1)
    world.turn()
    world.wait(60)
    world.submit("second", count=1)
    world.turn()
    world.submit("urgent", count=1, priority=500)
    assert [one.uid for one in world.turn().yield_] == ["second-0"]


def test_who_leaves_anyway_makes_room_enough() -> None:
    world = world_of(2)
    world.submit("one", count=1)
    world.submit("two", count=1)
    world.turn()
    world.change("two", suspend=True)
    world.submit("urgent", count=1, priority=500)
    assert told(world.turn()) == []


def test_a_runner_that_leaves_anyway_gives_its_namespace_no_lead() -> None:
    world = world_of(2)
    world.submit("one", count=1)
    world.submit("two", count=1)
    world.turn()
    world.change("two", suspend=True)
    world.submit("gets", namespace="teaching", count=1)
    world.wait(1)
    world.submit("waits", namespace="trial", count=1)
    assert told(world.turn()) == []


def test_nobody_makes_room_where_that_would_not_suffice() -> None:
    world = world_of(1)
    world.server("archive", **ONE_SLOT)
    world.submit("low", "pacs", "research", count=1)
    world.submit("equal", "archive", "research", count=1, priority=500)
    world.turn()
    world.submit("urgent", "pacs", "archive", count=1, priority=500)
    assert told(world.turn()) == []


def test_nobody_makes_room_for_a_job_that_waits_for_something_else() -> None:
    world = world_of(1)
    world.submit("low", count=1)
    world.turn()
    world.server("archive", paused=True)
    world.submit("urgent", "pacs", "archive", count=1, priority=500)
    assert told(world.turn()) == []


def test_one_runner_at_both_ends_is_told_rather_than_two() -> None:
    world = world_of(2)
    world.server("archive", limits={"maxAssociations": 3})
    world.submit("both", "pacs", "archive", count=1)
    world.turn()
    world.wait(1)
    world.submit("a", "pacs", "research", count=1)
    world.submit("b", "archive", "research", count=1)
    world.turn()
    world.submit("urgent", "pacs", "archive", count=1, priority=500)
    assert told(world.turn()) == [("both-0", "AfterTask", "Preempted")]
    assert yielded(world) == ["urgent"]


def test_two_less_urgent_runners_are_told_rather_than_one_that_is_more_urgent() -> None:
    world = world_of(2)
    world.server("archive", limits={"maxAssociations": 3})
    world.submit("both", "pacs", "archive", count=1, priority=100)
    world.submit("a", "pacs", "research", count=1, priority=50)
    world.submit("b", "archive", "research", count=1, priority=50)
    world.turn()
    world.submit("urgent", "pacs", "archive", count=1, priority=500)
    assert [uid for uid, _, _ in told(world.turn())] == ["a-0", "b-0"]


def test_a_job_that_cannot_get_one_end_does_not_hold_up_who_needs_the_other_only() -> None:
    world = world_of(2)
    world.server("archive", **ONE_SLOT)
    world.submit("low", "pacs", "research", count=2, priority=50)
    world.submit("equal", "archive", "research", count=1, priority=500)
    world.turn()
    world.submit("stuck", "pacs", "archive", count=1, priority=500)
    world.wait(1)
    world.submit("urgent", "pacs", "research", count=1, priority=500)
    assert len(told(world.turn())) == 1
    assert yielded(world) == ["urgent"]
    equal = next(job for job in world.running() if job.owner_uid == "equal")
    world.end(equal, states=("S", "S"))
    assert len(told(world.turn())) == 1
    assert yielded(world) == ["stuck"]


def test_a_namespace_far_below_its_share_gets_a_slot_at_once() -> None:
    world = world_of(4)
    world.submit("crowd", count=9)
    world.turn()
    world.submit("single", namespace="trial", count=9)
    assert [reason for _, _, reason in told(world.turn())] == ["Preempted", "Preempted"]
    assert yielded(world) == ["single", "single"]
    assert told(world.turn()) == [], "two and two are equal"


def test_a_single_slot_is_handed_over_after_a_while_only() -> None:
    world = world_of(1)
    world.submit("one", count=2)
    world.turn()
    world.submit("two", namespace="trial", count=2)
    assert told(world.turn()) == []
    world.wait(PATIENCE)
    assert told(world.turn()) == [("one-0", "AfterTask", "Preempted")]
    assert yielded(world) == ["two"]
    assert told(world.turn()) == [], "it does not go back at once"
    world.wait(PATIENCE)
    world.turn()
    assert yielded(world) == ["one"]


def test_the_namespace_that_has_most_gives_first() -> None:
    world = world_of(7)
    world.submit("most", count=4)
    world.turn()
    world.wait(1)
    world.submit("many", count=3, namespace="teaching")
    world.turn()
    world.submit("none", count=1, namespace="trial")
    assert [uid for uid, _, _ in told(world.turn())] == ["most-0"]


def test_of_those_just_ahead_the_one_that_had_its_slot_longest_gives_it() -> None:
    world = world_of(2)
    world.submit("first", count=1)
    world.turn()
    world.wait(60)
    world.submit("second", count=1, namespace="teaching")
    world.turn()
    world.wait(PATIENCE)
    world.submit("third", count=1, namespace="trial")
    assert [uid for uid, _, _ in told(world.turn())] == ["first-0"]


def test_who_was_told_before_is_told_again_rather_than_a_younger_one() -> None:
    low, urgent = seen_transfer("low", priority=50), seen_transfer("urgent", priority=500)
    runners = [Runner("asked", low, ("A",), START, asked=True), Runner("younger", low, ("A",), START + PAUSE)]
    over = HandOver(runners, Shares(runners, (), frozenset({"A"}), START + PAUSE), START + PAUSE, PATIENCE * PAUSE)
    assert [one.uid for one in makes_room(urgent, {"A": 1}, {"A": 1}, over)] == ["asked"]


def test_a_namespace_that_gives_one_leads_by_one_less() -> None:
    world = world_of(4)
    world.submit("has", "pacs", "again", count=2)
    world.turn()
    world.submit("wants", "pacs", "again", namespace="trial", count=1)
    assert len(told(world.turn())) == 1, "its two slots are those of one runner"


def test_a_namespace_does_not_give_its_last_two_slots_for_one_runner_at_once() -> None:
    world = world_of(2)
    world.submit("has", count=2)
    world.turn()
    world.submit("wants", "pacs", "again", namespace="trial", count=1)
    assert told(world.turn()) == []
    world.wait(PATIENCE)
    assert len(told(world.turn())) == 2


def test_inside_one_namespace_nobody_makes_room_for_an_equal() -> None:
    world = world_of(2)
    world.submit("young", count=9)
    world.turn()
    world.wait(2 * PATIENCE)
    world.submit("other", count=9)
    assert told(world.turn()) == []


def test_a_lower_parallelism_is_obeyed_between_tasks_by_the_youngest() -> None:
    world = world_of(4)
    world.submit("one", count=1)
    world.submit("many", count=2)
    world.turn()
    world.wait(10)
    world.change("many", parallelism=3)
    world.more(next(one for one in world.cache.transfers.values() if one.uid == "many"), 2)
    world.turn()
    world.change("many", parallelism=2)
    assert told(world.turn()) == [("many-2", "AfterTask", "ParallelismLowered")]
    assert yielded(world) == []


def test_a_runner_whose_job_is_gone_is_beyond_no_parallelism() -> None:
    owner = seen_transfer("one", parallelism=1)
    runners = [Runner("orphan", None, (), START), Runner("a", owner, (), START)]
    assert beyond_parallelism(runners) == ()


def test_who_was_told_already_to_keep_a_lower_parallelism_is_told_again() -> None:
    owner = seen_transfer("one", parallelism=1)
    runners = [Runner("asked", owner, (), START, asked=True), Runner("younger", owner, (), START + PAUSE)]
    assert [one.uid for one in beyond_parallelism(runners)] == ["asked"]


def test_a_lower_limit_is_obeyed_and_nothing_starts_until_it_is() -> None:
    world = world_of(3)
    world.submit("one", count=9)
    world.turn()
    world.server("pacs", **ONE_SLOT)
    assert [reason for _, _, reason in told(world.turn())] == ["LimitLowered", "LimitLowered"]
    assert yielded(world) == []


def test_a_paused_server_stops_runners_of_the_other_object_of_its_endpoint_too() -> None:
    world = world_of(2)
    world.submit("one", "again", count=1)
    world.turn()
    world.server("pacs", paused=True)
    assert told(world.turn()) == [("one-0", "AfterTask", "ServerPaused")]


@pytest.mark.parametrize(("hard", "stop"), [(False, "AfterTask"), (True, "Now")])
def test_the_end_of_a_window_stops_between_tasks_unless_it_is_hard(hard: Any, stop: str) -> None:
    world = world_of(2)
    world.server("pacs", windows=[{"start": "00:00", "end": "01:00", "hard": hard}])
    world.submit("one", count=1)
    world.turn()
    world.wait(3600)
    assert told(world.turn()) == [("one-0", stop, "WindowClosed")]
    assert yielded(world) == []
    world.wait(23 * 3600)
    assert [seen.uid for seen in world.turn().start] == ["one-0"], "it goes on by itself"


def test_of_two_servers_whose_windows_close_one_hard_window_interrupts() -> None:
    world = world_of(2)
    world.server("pacs", windows=[{"start": "00:00", "end": "01:00"}])
    world.server("research", windows=[{"start": "00:00", "end": "01:00", "hard": True}])
    world.submit("one", count=1)
    world.turn()
    world.wait(3600)
    assert told(world.turn()) == [("one-0", "Now", "WindowClosed")]


def test_a_window_that_was_only_now_set_interrupts_nothing() -> None:
    world = world_of(2)
    world.submit("one", count=1)
    world.turn()
    world.server("pacs", windows=[{**SHUT[0], "hard": True}])
    assert told(world.turn()) == [("one-0", "AfterTask", "WindowClosed")]


def test_admission_looks_again_when_a_window_opens_or_closes() -> None:
    world = world_of(2)
    world.server("pacs", windows=[{"start": "01:00", "end": "02:00"}])
    for hour in (1, 2):
        due = world.decide().next_due
        assert due is not None
        assert (due - START).total_seconds() == hour * 3600
        world.now = due
