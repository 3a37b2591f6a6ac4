"""What a peer says after its last instance: no task succeeds over an error that nobody has looked at."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from adit.errors import AditError, PermanentError, RetryableError
from adit.query import Selection
from adit.testing.connectors import FakeConnector, FakeFaults, fake_study
from adit.testing.transfers import moved
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement

PARTIAL = RetryableError("a sent 3 of 5 instances and failed to send 2", reason="PartialRetrieve")
UNREADABLE = PermanentError("2 of the objects sent are no DICOM", reason="UnreadableInstance")
MISMATCH = PermanentError("the identifier does not match", reason="IdentifierMismatch")


class Ending(FakeConnector):
    """Ends its fetches with these errors, one after the other, after `breaks_at` instances of the first."""

    def __init__(self, *ends: AditError | None, breaks_at: int = 99, faults: FakeFaults | None = None) -> None:
        super().__init__("a", fake_study(3), faults)
        self.ends, self.breaks_at = list(ends), breaks_at

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        end = self.ends.pop(0) if self.ends else None
        for number, instance in enumerate(super().fetch(selection, spool)):
            if number == self.breaks_at:
                break
            yield instance
        self.breaks_at = 99
        if end is not None:
            raise end


class Unsynced(FakeConnector):
    """Stores everything, and fails after its last answer."""

    def __init__(self, error: AditError) -> None:
        super().__init__("b")
        self.error = error

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:
        yield from super().store(instances, placement)
        raise self.error


@pytest.mark.parametrize("error", [PARTIAL, UNREADABLE])
def test_an_error_of_the_source_is_a_warning_though_all_that_it_listed_is_proved(
    tmp_path: Path, error: AditError
) -> None:
    outcome = moved(Ending(error), FakeConnector("b"), tmp_path)
    assert (outcome.line.state, outcome.line.reason, outcome.line.message) == ("W", error.reason, error.message)
    assert (outcome.line.instances.verified, outcome.error) == (3, None)
    assert [(entry.task, entry.stage, entry.instance) for entry in outcome.entries] == [("t0", "Fetch", "")]


def test_an_error_that_asking_again_mended_is_a_note(tmp_path: Path) -> None:
    outcome = moved(Ending(PARTIAL, breaks_at=2), FakeConnector("b"), tmp_path)
    assert (outcome.line.state, outcome.line.instances.verified) == ("S", 3)
    assert [(entry.kind, entry.reason) for entry in outcome.entries] == [("Note", "PartialRetrieve")]


def test_an_error_of_the_second_request_is_a_warning_though_it_brought_the_rest(tmp_path: Path) -> None:
    outcome = moved(Ending(PARTIAL, UNREADABLE, breaks_at=2), FakeConnector("b"), tmp_path)
    assert (outcome.line.state, outcome.line.reason) == ("W", "UnreadableInstance")


@pytest.mark.parametrize("second", [MISMATCH, None])
def test_an_error_that_may_pass_is_tried_again_though_the_second_request_ended_for_good(
    tmp_path: Path, second: AditError | None
) -> None:
    never = FakeFaults(withheld=frozenset({"1.2.3.1.3"}))
    outcome = moved(Ending(PARTIAL, second, faults=never), FakeConnector("b"), tmp_path)
    assert outcome.error is PARTIAL
    assert [entry.reason for entry in outcome.entries if entry.kind == "Lost"] == ["PartialRetrieve"]
    noted = [entry.reason for entry in outcome.entries if entry.kind == "Note"]
    assert noted == ([second.reason] if second else [])


@pytest.mark.parametrize("passing", [True, False])
def test_an_error_after_the_last_store_is_never_a_success(tmp_path: Path, passing: bool) -> None:  # noqa: FBT001 - a parameter of the test
    kind = RetryableError if passing else PermanentError
    error = kind("the folder could not be synced", reason="FolderError")
    outcome = moved(FakeConnector("a", fake_study(3)), Unsynced(error), tmp_path)
    assert (outcome.line.state, outcome.line.reason, outcome.line.instances.verified) == ("W", "FolderError", 3)
    assert outcome.error is (error if passing else None)
