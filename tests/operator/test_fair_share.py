from datetime import datetime, timedelta
from typing import Any

import pytest

from adit_operator.observed import SeenTransfer
from adit_operator.runners import Runner
from adit_operator.shares import Shares, contended_endpoints
from adit_operator.testing.builders import seen_transfer
from adit_operator.testing.fakes import START
from tests.operator.admission_world import World

A, B = "A@h:1", "B@h:1"
BOTH = frozenset({A, B})
LATER = START + timedelta(hours=1)


def job(namespace: str, uid: str, created: str = "2026-01-01T00:00:00Z", **changes: Any) -> SeenTransfer:
    ref = seen_transfer(uid).ref
    return seen_transfer(uid, ref=type(ref)(ref.kind, namespace, uid), created=created, **changes)


def shares(
    *runners: Runner, served: tuple[tuple[SeenTransfer, str, datetime], ...] = (), contended: frozenset[str] = BOTH
) -> Shares:
    return Shares(runners, served, contended, LATER)


def running(transfer: SeenTransfer, *endpoints: str) -> Runner:
    return Runner(f"{transfer.uid}-set", transfer, endpoints or (A,), START)


def test_the_namespace_with_the_fewest_runners_is_next() -> None:
    many, few = job("many", "one"), job("few", "two", created="2026-01-02T00:00:00Z")
    now = shares(running(many), running(many), running(few))
    assert now.turn_of(few, [A]) < now.turn_of(many, [A])


def test_of_equals_the_one_is_next_that_was_served_longest_ago() -> None:
    old, young = job("one", "old"), job("two", "young", created="2026-01-02T00:00:00Z")
    now = shares(served=((old, A, LATER), (young, A, START)))
    assert now.turn_of(young, [A]) < now.turn_of(old, [A])


def test_of_namespaces_that_were_never_served_the_older_job_is_next() -> None:
    old, young = job("one", "old"), job("two", "young", created="2026-01-02T00:00:00Z")
    assert shares().turn_of(old, [A]) < shares().turn_of(young, [A])


def test_inside_one_namespace_the_older_job_is_next_whatever_it_holds() -> None:
    old, young = job("one", "old"), job("one", "young", created="2026-01-02T00:00:00Z")
    now = shares(running(old), running(old), served=((old, A, LATER),))
    assert now.turn_of(old, [A]) < now.turn_of(young, [A])


def test_an_endpoint_that_is_not_contended_counts_for_nothing() -> None:
    one, other = job("one", "one"), job("two", "two", created="2026-01-02T00:00:00Z")
    now = shares(running(one, B), running(one, B), running(other, A), contended=frozenset({A}))
    assert now.turn_of(one, [A, B]) < now.turn_of(other, [A])


def test_a_younger_job_does_not_spoil_the_turn_of_an_older_one_of_its_namespace() -> None:
    old, young = job("one", "old"), job("one", "young", created="2026-01-02T00:00:00Z")
    assert shares(running(young, B), running(young, B)).turn_of(old, [A, B])[0] == 0


def test_urgent_runners_do_not_count_among_the_others() -> None:
    urgent, other = job("one", "urgent", priority=500), job("one", "other")
    assert shares(running(urgent), running(urgent)).turn_of(other, [A])[0] == 0


@pytest.mark.parametrize(
    ("wishes", "runners", "contended"),
    [
        ([("one", (A,), 2), ("two", (A,), 1)], [], {A}),
        ([("one", (A,), 1), ("two", (A,), 1)], [], set()),
        ([("one", (A,), 9)], [], set()),
        ([("one", (A,), 2)], [running(job("two", "two"))], {A}),
    ],
    ids=["two want more than there is", "there is enough for both", "one alone", "one wants what another has"],
)
def test_contended_is_what_two_namespaces_want_more_of_than_there_is(
    wishes: list[Any], runners: list[Runner], contended: set[str]
) -> None:
    assert contended_endpoints(wishes, runners, {A: 2}) == contended


def started(world: World) -> list[str]:
    return [seen.owner_uid or "" for seen in world.turn().start]


def test_free_slots_are_shared_between_namespaces_however_many_jobs_each_has() -> None:
    world = World()
    for index in range(5):
        world.submit(f"crowd{index}", count=9)
        world.wait(1)
    world.submit("single", namespace="trial", count=9)
    assert sorted(started(world)) == ["crowd0", "single"]


def test_a_slot_that_comes_free_goes_to_the_namespace_that_has_fewer() -> None:
    world = World()
    world.server("pacs", limits={"maxAssociations": 9})
    world.server("again", limits={"maxAssociations": 4})
    world.submit("crowd", count=9)
    assert started(world) == ["crowd"] * 2
    world.submit("single", namespace="trial", count=9)
    world.end(world.running()[0], states=("S", "S"))
    assert started(world) == ["single"]


def test_two_namespaces_take_turns_at_a_single_slot() -> None:
    world = World()
    world.server("again", limits={"maxAssociations": 2})
    world.submit("one", count=3)
    world.submit("two", namespace="trial", count=3)
    turns = started(world)
    while world.running():
        world.wait(5)
        world.end(world.running()[0], states=("S", "S"))
        turns += started(world)
    assert turns == ["one", "two", "one", "two", "one", "two"]


def test_a_restarted_operator_decides_the_same_since_it_reads_who_was_served_from_jobs() -> None:
    world = World()
    world.server("again", limits={"maxAssociations": 2})
    world.submit("one", count=3)
    world.submit("two", namespace="trial", count=3)
    world.turn()
    world.wait(5)
    world.end(world.running()[0], states=("S", "S"))
    assert [world.decide().start for _ in range(2)] == [world.decide().start] * 2
    assert started(world) == ["two"]


def test_a_job_that_needs_two_servers_keeps_the_free_slot_of_the_one_it_waits_with() -> None:
    world = World()
    world.server("again", limits={"maxAssociations": 2})
    world.submit("holds", "pacs", "exchange", count=1)
    world.turn()
    world.server("archive", limits={"maxAssociations": 2})
    world.submit("wide", "pacs", "archive", count=1)
    world.wait(1)
    world.submit("narrow", "archive", "exchange", count=1)
    assert started(world) == []
    world.end(world.running()[0], states=("S", "S"))
    assert started(world) == ["wide"]


def test_what_waits_for_a_closed_server_keeps_nothing_from_others() -> None:
    world = World()
    world.server("research", paused=True)
    world.submit("wide", "pacs", "research", count=9, priority=500)
    world.submit("narrow", "pacs", "exchange", count=9)
    assert started(world) == ["narrow", "narrow"]
