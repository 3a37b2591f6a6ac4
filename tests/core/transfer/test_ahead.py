"""The source works ahead of the destination: both at once, within a budget of bytes, and nothing of it gets lost."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adit.api.dicom_server import DicomServerSpec
from adit.connectors import Target, open_connector
from adit.errors import RetryableError
from adit.query import Selection
from adit.testing.connectors import FakeConnector, FakeInstance, fake_study
from adit.testing.datasets import ct_study
from adit.testing.elements import EXPLICIT_LITTLE, encode_elements
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import Patient
from adit.testing.task_sets import server_spec
from adit.testing.transfers import moved, transfer_job_task
from adit.transfer.ahead import FetchAhead
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement

SIZE = 100_000


class Slow(FakeConnector):
    """Calls `before` before each instance that it sends or takes."""

    def __init__(self, name: str, instances: Iterable[FakeInstance] = (), *, before: Callable[[], object]) -> None:
        super().__init__(name, instances)
        self.before = before
        self.threads: set[int] = set()

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        sent = super().fetch(selection, spool)
        try:
            while True:
                self.before()
                self.threads.add(threading.get_ident())
                if (instance := next(sent, None)) is None:
                    return
                yield instance
        finally:
            self.threads.add(threading.get_ident())

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:
        def slowly() -> Iterator[Instance]:
            for instance in instances:
                self.before()
                self.threads.add(threading.get_ident())
                yield instance

        return super().store(slowly(), placement)


class Gathering(FakeConnector):
    """Takes all that it can get before it answers for any, as STOW-RS takes a group."""

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:
        return super().store(list(instances), placement)


def large_study(instances: int) -> tuple[FakeInstance, ...]:
    """Instances of a little less than SIZE bytes."""
    padding = encode_elements([(0xFFFCFFFC, "OB", bytes(SIZE - 1000))], EXPLICIT_LITTLE)
    return tuple(replace(one, data=one.encoded + padding) for one in fake_study(instances))


def spooled_bytes(spool: Path) -> int:
    return sum(path.stat().st_size for path in spool.iterdir())


def test_source_and_destination_work_at_the_same_time(tmp_path: Path) -> None:
    source = Slow("a", fake_study(20), before=lambda: time.sleep(0.02))
    destination = Slow("b", before=lambda: time.sleep(0.02))
    began = time.monotonic()
    outcome = moved(source, destination, tmp_path)
    assert outcome.line.state == "S"
    assert time.monotonic() - began < 0.7  # one after the other takes 0.82 s


def test_each_side_keeps_one_thread_and_the_destinations_is_the_callers(tmp_path: Path) -> None:
    source, destination = Slow("a", fake_study(9), before=bool), Slow("b", before=bool)
    moved(source, destination, tmp_path)
    assert len(source.threads) == 1
    assert destination.threads == {threading.get_ident()}
    assert source.threads != destination.threads


@pytest.mark.parametrize("budget", [0, SIZE, 5 * SIZE])
def test_the_spool_never_holds_more_than_the_budget_and_one_instance(tmp_path: Path, budget: int) -> None:
    seen: list[int] = []

    def look() -> None:
        time.sleep(0.002)
        seen.append(spooled_bytes(tmp_path / "spool"))

    held = FakeConnector("a", large_study(30))
    held.on_instance = lambda: seen.append(spooled_bytes(tmp_path / "spool"))
    moved(held, Slow("b", before=look), tmp_path, ahead_bytes=budget)
    assert max(seen) <= budget + SIZE
    assert max(seen) > budget - SIZE


def test_a_destination_that_gathers_more_than_the_budget_is_given_what_it_asks_for(tmp_path: Path) -> None:
    destination = Gathering("b")
    outcome = moved(FakeConnector("a", fake_study(40)), destination, tmp_path, ahead_bytes=0)
    assert (outcome.line.state, len(destination.held)) == ("S", 40)


def test_a_stalled_destination_stalls_the_sources_association(tmp_path: Path) -> None:
    study = ct_study(Patient("P1", "Doe^Jane"), instances=30, rows=256)
    task = transfer_job_task("P1", study.study_instance_uid)
    go_on, sizes = threading.Event(), [0, -1]

    def stall() -> None:
        while not go_on.is_set() and sizes[-1] != sizes[-2]:  # until nothing more arrives
            time.sleep(0.3)
            sizes.append(spooled_bytes(tmp_path / "spool"))
        go_on.set()

    with LoopbackPacs(tmp_path / "pacs") as pacs:
        files = study.write(tmp_path / "files")
        pacs.load(files)
        one = max(path.stat().st_size for path in files)
        spec = DicomServerSpec.of(server_spec(pacs.port, "PACS"))
        with open_connector(Target("pacs", spec, "ADIT", tmp_path)) as source:
            outcome = moved(source, Slow("b", before=stall), tmp_path, task, ahead_bytes=3 * one)
    # Beside what was fetched, one may be arriving: the peer awaits its answer before it sends another.
    assert 0 < sizes[-1] <= 5 * one
    assert (outcome.line.state, outcome.line.instances.verified) == ("S", 30)


def test_a_defect_on_the_sources_thread_is_raised_on_the_callers(tmp_path: Path) -> None:
    class Broken(FakeConnector):
        def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
            yield next(super().fetch(selection, spool))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        moved(Broken("a", fake_study(3)), FakeConnector("b"), tmp_path)


def test_a_defect_met_while_the_fetch_is_closed_is_raised_as_well(tmp_path: Path) -> None:
    class Broken(FakeConnector):
        def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
            try:
                yield from super().fetch(selection, spool)
            finally:
                raise ZeroDivisionError

    destination = FakeConnector("b")
    destination.faults.store_ends_after = 1
    with pytest.raises(ZeroDivisionError):
        moved(Broken("a", fake_study(30)), destination, tmp_path, ahead_bytes=0)


def test_what_a_source_raises_at_once_is_an_error_of_the_fetch(tmp_path: Path) -> None:
    class Refusing(FakeConnector):
        def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:  # noqa: ARG002 - no generator
            raise RetryableError("aborted", reason="Aborted")

    outcome = moved(Refusing("a", fake_study(3)), FakeConnector("b"), tmp_path)
    assert {(entry.stage, entry.reason) for entry in outcome.entries if entry.kind == "Lost"} == {("Fetch", "Aborted")}


def test_a_stop_ends_a_source_that_says_nothing(tmp_path: Path) -> None:
    stop = threading.Event()

    class Silent(FakeConnector):
        def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
            yield next(super().fetch(selection, spool))
            stop.set()
            self._aborted.wait(30)
            raise RetryableError("aborted", reason="Aborted")

    source = Silent("a", fake_study(3))
    began = time.monotonic()
    outcome = moved(source, FakeConnector("b"), tmp_path, stop=stop.is_set)
    assert (outcome.interrupted, source.aborted) == (True, True)
    assert time.monotonic() - began < 2


def test_a_store_that_ends_early_tells_a_source_that_sends_nothing_meanwhile(tmp_path: Path) -> None:
    class Slow(FakeConnector):
        told = threading.Event()

        def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
            yield next(super().fetch(selection, spool))
            self.told.wait(30)

        def end_fetch(self) -> None:
            self.told.set()

    source, destination = Slow("a", fake_study(3)), FakeConnector("b")
    destination.faults.store_ends_after = 0
    began = time.monotonic()
    moved(source, destination, tmp_path)
    assert (source.told.is_set(), source.aborted) == (True, False)
    assert time.monotonic() - began < 5


def test_a_store_that_ends_early_ends_the_fetch_after_the_instance_in_hand(tmp_path: Path) -> None:
    source, destination = FakeConnector("a", fake_study(500)), FakeConnector("b")
    destination.faults.store_ends_after = 3
    outcome = moved(source, destination, tmp_path, ahead_bytes=0)
    assert outcome.line.instances.stored == 3
    assert not source.aborted  # it is used again for the next task
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_was_fetched_ahead_and_nobody_took_is_told(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(5))
    ahead = FetchAhead(
        lambda: source.fetch(Selection("P1", "1.2.3"), tmp_path), 1 << 20, stop=lambda: False, abort=source.abort
    )
    with ahead:
        first = next(iter(ahead))
        deadline = time.monotonic() + 5
        while len(list(tmp_path.iterdir())) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [one.sop_instance_uid for one in (first, *ahead.left())] == [f"1.2.3.1.{n}" for n in range(1, 6)]
