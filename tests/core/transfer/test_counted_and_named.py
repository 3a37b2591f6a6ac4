"""A source that counts more instances of a series than it names."""

from collections.abc import Iterator
from pathlib import Path

from pydicom import Dataset

from adit.query import Level, Query
from adit.testing.connectors import FakeConnector, FakeFaults, fake_study
from adit.testing.transfers import moved, transfer_job_task
from adit.transfer.listing import MAX_INSTANCES, list_study


class Miscounting(FakeConnector):
    """Counts two more instances of each series than it names."""

    def find(self, query: Query) -> Iterator[Dataset]:
        for answer in super().find(query):
            if query.level is Level.SERIES:
                answer.NumberOfSeriesRelatedInstances += 2
            yield answer


def test_fewer_named_than_counted_are_expected_and_lost_by_number(tmp_path: Path) -> None:
    source = Miscounting("a", fake_study(3))
    outcome = moved(source, FakeConnector("b"), tmp_path)
    counts = outcome.line.instances
    assert (outcome.line.state, outcome.line.reason, outcome.error) == ("W", "ListedFewer", None)
    assert (counts.listed, counts.expected, counts.verified) == (5, 5, 3)
    assert [(one.kind, one.series, one.count) for one in outcome.entries] == [("Lost", "1.2.3.1", 2)]
    assert source.log.count("fetch 1.2.3") == 1


def test_what_was_counted_but_not_named_is_proved_when_it_comes(tmp_path: Path) -> None:
    source = Miscounting("a", fake_study(5), FakeFaults(unlisted=frozenset({"1.2.3.1.2", "1.2.3.1.4"})))
    outcome = moved(source, FakeConnector("b"), tmp_path)
    assert (outcome.line.state, outcome.line.instances.verified, outcome.entries) == ("S", 5, ())


def test_only_what_was_named_is_asked_for_again_by_name(tmp_path: Path) -> None:
    source = Miscounting("a", fake_study(3), FakeFaults(withheld_once=frozenset({"1.2.3.1.2"})))
    outcome = moved(source, FakeConnector("b"), tmp_path)
    assert (outcome.line.state, outcome.line.reason, outcome.line.instances.verified) == ("W", "ListedFewer", 3)
    assert [one.reason for one in outcome.entries] == ["ListedFewer"]


def test_a_count_beyond_all_reason_does_not_refuse_what_is_named() -> None:
    class Absurd(FakeConnector):
        def find(self, query: Query) -> Iterator[Dataset]:
            for answer in super().find(query):
                if query.level is Level.SERIES:
                    answer.NumberOfSeriesRelatedInstances = 2_000_000_000
                yield answer

    [series] = list_study(Absurd("a", fake_study(3)), transfer_job_task()).series
    assert (len(series.instances or ()), series.expected) == (3, MAX_INSTANCES)
