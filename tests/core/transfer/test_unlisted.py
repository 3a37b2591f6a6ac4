"""What a source sends beyond what was listed, or twice: it is moved by name, or stays here by name."""

from pathlib import Path

from adit.testing.connectors import FakeConnector, FakeFaults, FakeInstance, fake_study
from adit.testing.transfers import moved, transfer_job_task
from adit.transfer.policy import Policy
from adit.transfer.record import Entry
from adit.transfer.transfer import TaskOutcome


def named(outcome: TaskOutcome, reason: str) -> list[Entry]:
    return [entry for entry in outcome.entries if entry.reason == reason]


def test_what_is_sent_twice_counts_once(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(3), FakeFaults(sent_twice=frozenset({"1.2.3.1.2"})))
    destination = FakeConnector("b")
    outcome = moved(source, destination, tmp_path)
    assert (outcome.line.state, outcome.line.instances.received) == ("S", 3)
    assert destination.log.count("store 1.2.3.1.2") == 1
    assert [entry.kind for entry in named(outcome, "SentTwice")] == ["Note"]


def test_an_unlisted_instance_of_the_study_is_moved_verified_and_warned(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(3), FakeFaults(unlisted=frozenset({"1.2.3.1.2"})))
    destination = FakeConnector("b")
    outcome = moved(source, destination, tmp_path)
    assert (outcome.line.state, outcome.line.reason) == ("W", "NotListed")
    assert outcome.line.instances.verified == outcome.line.instances.listed == 3
    assert "1.2.3.1.2" in destination.held


def test_an_instance_of_another_study_is_never_stored(tmp_path: Path) -> None:
    stray = FakeInstance("P9", "9.9", "9.9.1", "9.9.1.1")
    source = FakeConnector("a", fake_study(3), FakeFaults(sent_besides=(stray,)))
    destination = FakeConnector("b")
    outcome = moved(source, destination, tmp_path)
    assert "9.9.1.1" not in destination.held
    assert [entry.instance for entry in named(outcome, "WrongStudy")] == ["9.9.1.1"]
    assert (outcome.line.state, outcome.line.instances.expected) == ("W", 3)
    assert list((tmp_path / "spool").iterdir()) == []


def test_bytes_that_nobody_listed_and_nobody_can_read_are_never_stored(tmp_path: Path) -> None:
    stray = FakeInstance("P9", "9.9", "9.9.1", "9.9.1.1", data=b"\x08\x00\x05\x00CS\xff")
    source = FakeConnector("a", fake_study(3), FakeFaults(sent_besides=(stray,)))
    destination = FakeConnector("b")
    outcome = moved(source, destination, tmp_path)
    assert "9.9.1.1" not in destination.held
    assert outcome.line.state == "W"


def test_an_excluded_series_that_is_sent_unasked_stays_here(tmp_path: Path) -> None:
    study = fake_study(2, series=2, modalities=("CT", "SR"))
    source = FakeConnector("a", study, FakeFaults(sent_besides=(study[2],)))
    destination = FakeConnector("b")
    outcome = moved(source, destination, tmp_path, policy=Policy(frozenset({"SR"})))
    assert study[2].uid not in destination.held
    assert (outcome.line.state, outcome.line.instances.excluded) == ("S", 2)


def test_what_nobody_listed_of_an_excluded_series_stays_here_though_its_header_tells_no_modality(
    tmp_path: Path,
) -> None:
    study = fake_study(2, series=2, modalities=("CT", "PR"))
    stray = FakeInstance("P1", "1.2.3", "1.2.3.2", "1.2.3.2.77", modality="")
    source = FakeConnector("a", study, FakeFaults(sent_besides=(stray,)))
    destination = FakeConnector("b")
    outcome = moved(source, destination, tmp_path, policy=Policy(frozenset({"PR"})))
    assert {one.series for one in destination.held.values()} == {"1.2.3.1"}
    assert [entry.instance for entry in named(outcome, "SentThoughExcluded")] == ["1.2.3.2.77"]
    assert (outcome.line.state, outcome.line.instances.expected) == ("S", 2)


def test_a_series_that_nobody_named_is_never_stored(tmp_path: Path) -> None:
    study = fake_study(2, series=2)
    source = FakeConnector("a", study, FakeFaults(sent_besides=(study[2],)))
    destination = FakeConnector("b")
    outcome = moved(source, destination, tmp_path, transfer_job_task(series=("1.2.3.1",)))
    assert study[2].uid not in destination.held
    assert [entry.instance for entry in named(outcome, "WrongSeries")] == [study[2].uid]


def test_what_is_not_accepted_leaves_the_spool_at_once(tmp_path: Path) -> None:
    study = fake_study(20)
    source = FakeConnector("a", study, FakeFaults(sent_twice=frozenset(one.uid for one in study)))
    moved(source, FakeConnector("b"), tmp_path, ahead_bytes=0)
    assert source.most_spooled == 1
