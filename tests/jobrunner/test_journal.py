"""What a runner resumes from, and what it writes of itself."""

from datetime import UTC, datetime

from adit.api.counts import InstanceCounts
from adit.api.resource import TaskSet
from adit.api.task_set import TaskRetry
from adit.cluster.cluster import Manifest
from adit.testing.task_sets import task_set_manifest
from adit.transfer.record import TaskLine
from adit_jobrunner.journal import Journal

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


def task_set(status: Manifest | None = None) -> TaskSet:
    return TaskSet.read({**task_set_manifest(studies=("1.1", "1.2", "1.3")), "status": status or {}})


def line(name: str, instances: int = 5, *, state: str = "S", reason: str = "") -> TaskLine:
    counts = InstanceCounts(listed=instances, expected=instances, stored=instances, verified=instances)
    return TaskLine.of({"id": name, "state": state, "reason": reason, "instances": counts.manifest(), "bytes": 10})


def resumed(journal: Journal) -> Journal:
    return Journal(task_set({"runner": journal.status().manifest()}), attempt=1)


def test_counts_of_a_task_cut_short_by_a_crash_are_forgotten_by_the_next_runner() -> None:
    journal = Journal(task_set(), attempt=0)
    journal.begin(journal.tasks[0])
    journal.finish(line("t0"), ())
    journal.begin(journal.tasks[1])
    journal.progress(InstanceCounts(listed=9, expected=9, stored=4), 400)
    assert (journal.status().instances.stored, journal.status().bytes) == (9, 410)
    again = resumed(journal)
    assert (again.status().instances.stored, again.status().bytes) == (5, 10)
    assert [task.id for task in again.open_tasks()] == ["t1", "t2"]


def test_tasks_come_in_order_and_a_waiting_one_is_passed_over_until_it_is_due() -> None:
    journal = Journal(task_set(), attempt=0)
    retry = TaskRetry(id="t0", attempts=1, due_time="2024-01-02T12:00:01Z", reason="PeerBusy")
    journal.postpone(retry)
    for journal_ in (journal, resumed(journal)):
        first = journal_.next_task(NOON)
        later = journal_.next_task(NOON.replace(second=1))
        assert first is not None
        assert later is not None
        assert (first.id, later.id, journal_.attempts(later)) == ("t1", "t0", 1)
        assert journal_.earliest_due() == "2024-01-02T12:00:01Z"


def test_an_override_closes_a_task_but_is_not_the_runners_word() -> None:
    verdict = {"overrides": [{"id": "t0", "state": "C", "reason": "Canceled"}]}
    journal = Journal(task_set({"verdict": verdict}), attempt=0)
    assert [task.id for task in journal.open_tasks()] == ["t1", "t2"]
    assert journal.status().states == "PPP"


def test_reasons_count_the_tasks_that_did_not_succeed() -> None:
    journal = Journal(task_set(), attempt=0)
    journal.finish(line("t0"), ())
    journal.finish(line("t1", state="W", reason="NotVerified"), ())
    journal.finish(line("t2", state="F", reason="StudyNotFound"), ())
    assert resumed(journal).status().reasons == {"NotVerified": 1, "StudyNotFound": 1}
    assert resumed(journal).status().states == "SWF"
