"""What is written of the work, when, and when not any more."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from adit.api.resource import TaskSet
from adit.cluster.cluster import ClusterUnavailable, Manifest
from adit.testing.task_sets import task_set_manifest
from adit.transfer.record import TaskLine
from adit_jobrunner.control import Control
from adit_jobrunner.decide import ended
from adit_jobrunner.flush import LAST_TRIES, Flusher
from adit_jobrunner.journal import Journal
from adit_jobrunner.status import HolderLost


@dataclass
class FakeWriter:
    """Keeps the patches; answers with the next of its errors, then with silence."""

    errors: list[Exception] = field(default_factory=list)
    patches: list[dict[str, Any]] = field(default_factory=list)

    async def write(self, patch: Manifest) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.patches.append(patch)


async def no_time(seconds: float) -> None:
    del seconds


@pytest.fixture(name="journal")
def _journal() -> Journal:
    return Journal(TaskSet.read(task_set_manifest(studies=("1.1", "1.2"))), attempt=0)


def flusher(writer: FakeWriter, journal: Journal, control: Control | None = None) -> Flusher:
    return Flusher(writer, journal, control or Control(), sleep=no_time)


async def test_what_has_not_changed_is_not_written_again(journal: Journal) -> None:
    writer = FakeWriter()
    flush = flusher(writer, journal)
    assert [await flush.flush(), await flush.flush()] == [True, True]
    journal.finish(TaskLine(id="t0", state="S"), ())
    await flush.flush()
    assert [patch["runner"]["states"] for patch in writer.patches] == ["PP", "SP"]


async def test_what_could_not_be_written_is_written_with_the_next(journal: Journal) -> None:
    writer = FakeWriter([ClusterUnavailable("restarting")])
    flush = flusher(writer, journal)
    assert [await flush.flush(), await flush.flush()] == [False, True]
    assert len(writer.patches) == 1


async def test_the_last_word_clears_the_holder_in_the_same_write(journal: Journal) -> None:
    writer = FakeWriter([ClusterUnavailable("restarting")] * 3)
    journal.end(ended("Stopped", "why"))
    assert await flusher(writer, journal).last_word()
    [patch] = writer.patches
    word = {"reason": "Stopped", "message": "why", "peer": None}
    assert (patch["holder"], patch["runner"]["ended"]) == (None, word)


async def test_an_api_that_stays_away_never_hears_the_last_word(journal: Journal) -> None:
    writer = FakeWriter([ClusterUnavailable("gone")] * LAST_TRIES)
    assert not await flusher(writer, journal).last_word()


async def test_a_set_that_was_lost_hears_nothing(journal: Journal) -> None:
    writer, control = FakeWriter(), Control()
    control.lose("the cluster could not be reached for 40 s")
    assert not await flusher(writer, journal, control).last_word()
    assert not await flusher(writer, journal, control).flush_surely()
    assert writer.patches == []


async def test_losing_the_set_over_a_flush_stops_the_work(journal: Journal) -> None:
    control = Control()
    assert not await flusher(FakeWriter([HolderLost("another runner holds it")]), journal, control).flush()
    assert (control.lost, control.stop_now(), control.lost_reason) == (True, True, "another runner holds it")


async def test_a_sign_of_life_carries_what_changed(journal: Journal) -> None:
    writer = FakeWriter()
    flush = flusher(writer, journal)
    journal.finish(TaskLine(id="t0", state="S"), ())
    await flush.write({"holder": {"podUid": "u"}})
    await flush.write({"holder": {"podUid": "u"}})
    assert [patch["holder"] for patch in writer.patches] == [{"podUid": "u"}] * 2
    assert [patch.get("runner", {}).get("states") for patch in writer.patches] == ["SP", None]


async def test_what_a_sign_of_life_carried_is_not_flushed_again(journal: Journal) -> None:
    writer = FakeWriter()
    flush = flusher(writer, journal)
    await flush.write({"holder": {"podUid": "u"}})
    assert await flush.flush()
    assert len(writer.patches) == 1


async def test_what_a_sign_of_life_could_not_bring_is_written_with_the_next(journal: Journal) -> None:
    writer = FakeWriter([ClusterUnavailable("restarting")])
    flush = flusher(writer, journal)
    with pytest.raises(ClusterUnavailable):
        await flush.write({"holder": {"podUid": "u"}})
    assert await flush.flush()
    assert [patch["runner"]["states"] for patch in writer.patches] == ["PP"]


async def test_the_rhythm_flushes_only_where_nothing_was_written_meanwhile(journal: Journal) -> None:
    writer, control = FakeWriter(), Control()
    beats, ids = iter([True, False]), iter(["t0", "t1"])

    async def one_task_each_time(_: float) -> None:
        name = next(ids, None)
        if name is None:
            control.lose("the test ends")
            return
        journal.finish(TaskLine(id=name, state="S"), ())
        if next(beats):
            await flush.write({"holder": {"podUid": "u"}})

    flush = Flusher(writer, journal, control, sleep=one_task_each_time)
    await flush.keep_flushing(10)
    assert [patch["runner"]["states"] for patch in writer.patches] == ["SP", "SS"]
    assert ["holder" in patch for patch in writer.patches] == [True, False]
