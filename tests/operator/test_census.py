from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adit.api.task_set import Ended
from adit_operator.admission import due_time
from adit_operator.census import candidates_of, granted, present_of, waited
from adit_operator.testing.builders import seen_job, seen_set
from adit_operator.testing.fakes import START
from tests.operator.admission_world import World

HOUR = timedelta(hours=1)
STOPPED = Ended.of({"reason": "Stopped"})


@pytest.fixture
def world() -> World:
    """A job of two sets, of which one runs."""
    world = World()
    world.server("again", limits={"maxAssociations": 2})
    world.submit("one", count=2)
    world.turn()
    return world


def test_a_runner_is_known_with_its_job_and_the_time_since_when_it_runs(world: World) -> None:
    (runner,) = present_of(world.cache, world.allocation()).runners
    assert (runner.uid, runner.owner and runner.owner.uid, runner.since) == ("one-0", "one", START)
    assert (runner.leaving, runner.asked) == (False, False)


@pytest.mark.parametrize("changes", [{"suspend": True}, {"stalled": True}, {"shutdown": True}, {"ready": False}])
def test_the_runner_of_a_job_that_must_not_run_is_leaving(world: World, changes: dict[str, bool]) -> None:
    world.change("one", **changes)
    assert [one.leaving for one in present_of(world.cache, world.allocation()).runners] == [True]


def test_a_runner_that_said_its_last_word_is_leaving(world: World) -> None:
    (job,) = world.running()
    word = replace(world.set_of(job), attempt=job.attempt, ended=STOPPED)
    world.cache.see(word)
    assert [one.leaving for one in present_of(world.cache, world.allocation()).runners] == [True]


def test_a_runner_whose_predecessor_said_its_last_word_is_not_leaving(world: World) -> None:
    (job,) = world.running()
    world.cache.see(replace(world.set_of(job), attempt=job.attempt - 1, ended=STOPPED))
    assert [one.leaving for one in present_of(world.cache, world.allocation()).runners] == [False]


def test_a_pod_that_terminates_is_leaving(world: World) -> None:
    world.terminate(world.running()[0])
    assert [one.leaving for one in present_of(world.cache, world.allocation()).runners] == [True]


def test_a_job_was_served_when_its_runner_ended(world: World) -> None:
    world.wait(60)
    world.end(world.running()[0], states=("P", "P"))
    served = present_of(world.cache, world.allocation()).served
    assert {when for _, _, when in served} == {START + timedelta(seconds=60)}


@pytest.mark.parametrize(
    ("windows", "seconds", "pause"),
    [(True, 5, 65), (True, 30, None), (False, 5, None)],
    ids=["stopped at once", "worked for a while", "no windows"],
)
def test_a_runner_that_stops_as_soon_as_it_begins_is_not_followed_by_the_next(
    world: World, windows: Any, seconds: int, pause: int | None
) -> None:
    if windows:
        world.server("research", windows=[{"start": "00:00", "end": "24:00"}])
    (job,) = world.running()
    world.wait(seconds)
    world.end(job, states=("P", "P"))
    world.cache.see(replace(world.set_of(job), ended=STOPPED))
    (candidate,) = candidates_of(world.cache, world.allocation())
    due = due_time(candidate.sets[0])
    assert (due and (due - START).total_seconds()) == pause


def test_a_job_without_a_grant_is_no_candidate(world: World) -> None:
    transfer = next(iter(world.cache.transfers.values()))
    assert granted(world.cache, transfer)
    world.submit("foreign", namespace="trial")
    world.server("pacs", allowedConsumers=[])
    assert [one.transfer.uid for one in candidates_of(world.cache, world.allocation())] == ["one"]


def test_a_job_whose_server_is_gone_is_no_candidate(world: World) -> None:
    del world.cache.servers[next(ref for ref in world.cache.servers if ref.name == "research")]
    assert list(candidates_of(world.cache, world.allocation())) == []


def test_a_set_has_waited_since_it_was_made_since_its_last_end_or_since_its_retry_was_due(world: World) -> None:
    seen = seen_set("P", created=START, owner_uid="one")
    assert waited(world.cache, seen, START + HOUR) == 3600
    world.cache.see(seen_job(seen, finished=True, ended=START + HOUR / 2))
    assert waited(world.cache, seen, START + HOUR) == 1800
    assert waited(world.cache, replace(seen, due={"t0": START + HOUR * 0.75}), START + HOUR) == 900
