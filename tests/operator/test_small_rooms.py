import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.api.counts import InstanceCounts
from adit.api.transfer_job import TransferJobSpec
from adit.cluster.embedded.merge import merged, without_nulls
from adit.transfer.record import Record, TaskLine, encode
from adit_operator.aggregate import aggregate
from adit_operator.merge import merge_patch
from adit_operator.queue import WorkQueue
from adit_operator.reach import PROBE_SECONDS, Reach
from adit_operator.settings import OperatorSettings
from adit_operator.testing.builders import override, seen_set, transfer_job

JSON = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
DOCUMENT = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@given(DOCUMENT, DOCUMENT)
def test_a_merge_patch_makes_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert without_nulls(merged(old, merge_patch(old, new))) == new


@given(DOCUMENT)
def test_nothing_is_written_where_nothing_changed(document: dict[str, Any]) -> None:
    assert merge_patch(document, document) == {}


def spec(**changes: Any) -> TransferJobSpec:
    return transfer_job(spec=changes).spec


def test_totals_count_each_task_by_its_newest_round() -> None:
    first, second = counted(listed=2, expected=2, verified=2), counted(listed=1, expected=1, verified=0)
    record = Record((line("t0", "S", first, size=6), line("t1", "F", second, reason="Refused", size=4)))
    sets = [
        seen_set("SF", bytes=10, instances=first + second, reasons={"Refused": 1}, record=encode(record)),
        seen_set("W", round_=1, ids=["t1"], bytes=5, instances=second, reasons={"Partial": 1}),
    ]
    totals = aggregate(2, sets)
    assert (totals.tasks.succeeded, totals.tasks.warned, totals.tasks.failed) == (1, 1, 0)
    assert (totals.bytes, totals.instances) == (11, first + second)
    assert [(one.reason, one.count) for one in totals.failures] == [("Partial", 1)]


def test_a_round_that_opens_takes_back_what_it_repeats() -> None:
    record = Record((line("t0", "S", counted(listed=2)), line("t1", "F", counted(listed=1), reason="Refused")))
    both = seen_set("SF", instances=counted(listed=3), reasons={"Refused": 1}, record=encode(record))
    totals = aggregate(2, [both], repeated=["t1"])
    assert (totals.instances.listed, totals.failures) == (2, ())


def counted(**counts: int) -> InstanceCounts:
    return InstanceCounts(**counts)


def line(task: str, state: str, instances: InstanceCounts, *, reason: str = "", size: int = 0) -> TaskLine:
    return TaskLine.of({"id": task, "state": state, "reason": reason, "bytes": size}).model_copy(
        update={"instances": instances}
    )


def test_the_operators_own_words_are_among_the_reasons() -> None:
    crashed = seen_set("FF", overrides=(override("t0", "F"), override("t1", "F")))
    assert [(one.reason, one.count) for one in aggregate(2, [crashed]).failures] == [("RunnerCrash", 2)]


def test_a_suspected_endpoint_is_probed_at_once_then_every_15_seconds() -> None:
    reach = Reach()
    reach.suspect("A", "no answer", now=100.0)
    assert reach.due(100.0) == ("A",)
    reach.failed("A", "still none", now=100.0)
    assert reach.due(100.0 + PROBE_SECONDS - 1) == ()
    assert reach.due(100.0 + PROBE_SECONDS) == ("A",)
    assert reach.down() == {"A": "still none"}


def test_an_endpoint_that_answers_probes_but_no_runner_is_not_asked_in_a_hot_loop() -> None:
    reach = Reach()
    reach.suspect("A", "no answer", now=100.0)
    reach.answered("A", now=100.5)
    assert reach.down() == {}
    reach.suspect("A", "no answer", now=101.0)
    assert reach.due(101.0) == ()
    assert reach.seconds_to_next(101.0) == 14.5


def test_a_runners_success_ends_an_outage() -> None:
    reach = Reach()
    reach.suspect("A", "no answer", now=0.0)
    assert reach.proved("A", 0.0)
    assert reach.down() == {}
    assert reach.seconds_to_next(0.0) is None


async def test_the_queue_gives_each_key_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in ("a", "b", "a"):
        queue.add(key)
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.01)


async def test_a_key_added_while_it_is_worked_comes_again_and_never_twice_at_a_time() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.01)
    queue.done("a")
    assert await asyncio.wait_for(queue.get(), 1) == "a"


async def test_failures_come_later_and_later_until_success() -> None:
    queue: WorkQueue[str] = WorkQueue(first_delay=100.0, longest_delay=300.0)
    delays = []
    for _ in range(4):
        queue.add("a")  # a change overtakes the back-off
        delays.append(queue.failed(await queue.get()))
    assert delays == [100.0, 200.0, 300.0, 300.0]
    queue.add("a")
    queue.done(await queue.get())
    queue.add("a")
    assert queue.failed(await queue.get()) == 100.0
    queue.add("a")  # takes the timer away


async def test_a_failed_key_comes_back_by_itself() -> None:
    queue: WorkQueue[str] = WorkQueue(first_delay=0.01)
    queue.add("a")
    queue.failed(await queue.get())
    assert await asyncio.wait_for(queue.get(), 1) == "a"


def test_settings_come_from_the_environment_by_adits_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLING_AE_TITLE", "MYADIT")
    monkeypatch.setenv("EXCLUDE_MODALITIES", "PR, SR,OT")
    monkeypatch.setenv("MOUNT_DIR", "/data")
    given_to_runners = OperatorSettings().for_runners()
    assert given_to_runners.calling_ae_title == "MYADIT"
    assert given_to_runners.exclude_modalities == ("PR", "SR", "OT")
    assert given_to_runners.mount_dir == "/data"
