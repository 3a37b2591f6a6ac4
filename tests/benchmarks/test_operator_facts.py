from collections import Counter

from benchmarks.control.api_writes import between, writes_in
from benchmarks.control.facts import Fact, first_image, quantile, table, writes
from benchmarks.control.many_tasks import Sample, judged
from benchmarks.control.witness import Write, history_of

METRICS = """# HELP apiserver_request_total Counter
apiserver_request_total{code="200",resource="tasksets",subresource="status",verb="PATCH"} %d
apiserver_request_total{code="409",resource="tasksets",subresource="status",verb="PATCH"} 2
apiserver_request_total{code="200",resource="tasksets",subresource="",verb="LIST"} 900
apiserver_request_total{code="200",resource="nodes",subresource="status",verb="PATCH"} 900
apiserver_request_total{code="200",resource="leases",subresource="",verb="PUT"} 900
"""


def sample(succeeded: int, *, version: int, when: float = 0.0, tasks: int = 4, phase: str = "InProgress") -> Sample:
    counts = {"total": tasks, "pending": tasks - succeeded, "succeeded": succeeded, "warned": 0, "failed": 0}
    return Sample(when, version, {"tasks": {**counts, "canceled": 0}, "phase": phase})


HISTORY = history_of([Write(5, 1.0, "a", "SSPP"), Write(9, 3.0, "b", "SS"), Write(11, 4.0, "a", "SSSS")])


def test_the_truth_is_added_up_by_version_whatever_order_the_answers_came_in() -> None:
    late = history_of([Write(9, 3.0, "b", "SS"), Write(5, 1.0, "a", "SSPF")])
    assert [moment.counts for moment in late.moments] == [(0, 0, 0), (2, 0, 1), (4, 0, 1)]


def test_a_status_that_tells_an_earlier_truth_is_as_old_as_the_next_write() -> None:
    assert HISTORY.age((2, 0, 0), version=12, when=3.5) == 0.5
    assert HISTORY.age((6, 0, 0), version=12, when=9.0) == 0.0


def test_a_status_that_never_was_true_at_one_moment_is_found() -> None:
    assert not HISTORY.was((3, 0, 0), version=12)
    assert HISTORY.was((2, 0, 0), version=12)
    told, history = [sample(1, version=6), sample(4, version=9)], history_of([Write(5, 1.0, "a", "SSSS")])
    assert len(judged(told, history, 4, ordered=True)[0]) == 1
    assert judged(told, history, 4, ordered=False)[0] == []


def test_a_status_may_not_tell_what_was_written_after_it() -> None:
    assert HISTORY.age((4, 0, 0), version=8, when=9.0) is None
    assert HISTORY.age((4, 0, 0), version=9, when=3.0) == 0.0


def test_counts_that_do_not_add_up_are_wrong() -> None:
    history = history_of([Write(5, 1.0, "a", "SSSS")])
    lost = Sample(2.0, 6, {"tasks": {**sample(4, version=6).status["tasks"], "pending": 1}})
    wrong, _ = judged([lost, sample(4, version=7)], history, 4, ordered=True)
    assert [one.rpartition("}")[2] for one in wrong] == [" does not add up to 4"]


def test_a_job_that_did_not_end_as_its_tasks_did_is_wrong() -> None:
    wrong, _ = judged(
        [sample(3, version=6, phase="Success")], history_of([Write(5, 1.0, "a", "SSSP")]), 4, ordered=True
    )
    assert len(wrong) == 1
    assert wrong[0].startswith("in the end")


def test_only_writes_are_counted_whatever_was_answered_and_not_those_of_the_node() -> None:
    assert writes_in(METRICS % 40) == {("PATCH", "tasksets/status"): 42}


def test_what_was_written_in_between_is_the_difference() -> None:
    assert between(writes_in(METRICS % 40), writes_in(METRICS % 47)) == {("PATCH", "tasksets/status"): 7}


def test_the_writes_of_runners_are_told_beside_all_writes() -> None:
    text = writes({("PATCH", "tasksets/status"): 30}, Counter({("PATCH", "TaskSet/status"): 20}), 10.0)
    assert text.splitlines()[-1] == "| PATCH | tasksets/status | 30 | 3.00 | 20 |"


def test_a_missed_target_is_told() -> None:
    rows = table([Fact("memory", "300 MB", "≤ 256 MB", held=False), Fact("CPU", "3 s")]).splitlines()[2:]
    assert rows == ["| memory | ≤ 256 MB | 300 MB | MISSED |", "| CPU |  | 3 s |  |"]


def test_a_step_is_told_with_its_median_its_worst_and_what_it_took() -> None:
    runs = [{"planned": 1.0, "first image stored": 2.0, "later": 9.0}, {"planned": 1.2, "first image stored": 3.2}]
    rows = first_image([*runs, runs[0]]).splitlines()[2:]
    assert rows == ["| planned | 1.00 | 1.20 | +1.00 |", "| first image stored | 2.00 | 3.20 | +1.00 |"]


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile([1.0, 2.0, 3.0, 4.0], part) for part in (0.5, 0.99, 1.0)] == [3.0, 4.0, 4.0]
    assert quantile([], 0.5) == 0.0
