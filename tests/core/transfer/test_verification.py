"""How what is stored is proved, by each method, and what Auto makes of a peer."""

from pathlib import Path

import pytest

from adit.api.dicom_server import Verification
from adit.errors import AccessDenied, PermanentError, RetryableError
from adit.testing.connectors import FakeConnector, FakeFaults, FakeInstance, fake_study
from adit.testing.transfers import FakeClock, moved
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.rewriter import Subject
from adit.transfer.transfer import TaskOutcome

REFUSED = PermanentError("no IMAGE level here", reason="FindRefused")


def transfer(
    tmp_path: Path,
    faults: FakeFaults,
    method: str = "Auto",
    *,
    settle: int = 10,
    clock: FakeClock | None = None,
    held: int = 0,
) -> TaskOutcome:
    study = fake_study(7)
    verification = Verification.of({"method": method, "settleSeconds": settle})
    destination = FakeConnector("b", study[:held], faults)
    return moved(FakeConnector("a", study), destination, tmp_path, verification=verification, clock=clock)


def verified(outcome: TaskOutcome) -> tuple[str, str, int | None]:
    return outcome.line.state, outcome.line.method, outcome.line.instances.verified


def test_a_peer_that_names_its_instances_is_verified_by_name(tmp_path: Path) -> None:
    assert verified(transfer(tmp_path, FakeFaults())) == ("S", "Instances", 7)


@pytest.mark.parametrize(
    "faults",
    [
        FakeFaults(no_image_level=REFUSED),
        FakeFaults(image_level_empty=True),
        FakeFaults(no_image_level=AccessDenied("you may only store here")),
    ],
)
def test_a_peer_that_only_counts_is_verified_by_number(tmp_path: Path, faults: FakeFaults) -> None:
    assert verified(transfer(tmp_path, faults, settle=0)) == ("S", "Counts", 7)


def test_a_peer_that_answers_no_question_is_taken_at_its_word(tmp_path: Path) -> None:
    faults = FakeFaults(no_image_level=REFUSED, omit_keys=frozenset({"NumberOfSeriesRelatedInstances"}))
    assert verified(transfer(tmp_path, faults)) == ("S", "StoreResponses", 7)
    faults = FakeFaults(on_find=PermanentError("write-only"))
    assert verified(transfer(tmp_path, faults)) == ("S", "StoreResponses", 7)


@pytest.mark.parametrize("faults", [FakeFaults(coerced_patient_id="LOCAL-1"), FakeFaults(patient_root_only=True)])
@pytest.mark.parametrize("method", ["Instances", "Counts"])
def test_a_peer_may_give_the_patient_its_own_id_or_insist_on_ours(
    tmp_path: Path, faults: FakeFaults, method: str
) -> None:
    assert verified(transfer(tmp_path, faults, method)) == ("S", method, 7)


def test_a_peer_that_dropped_everything_is_not_taken_at_its_word(tmp_path: Path) -> None:
    assert verified(transfer(tmp_path, FakeFaults(drop_every_nth=1))) == ("F", "Instances", 0)


def test_a_number_that_is_too_small_is_a_line_per_series_with_how_many(tmp_path: Path) -> None:
    outcome = transfer(tmp_path, FakeFaults(drop_every_nth=3), "Counts")
    assert verified(outcome) == ("W", "Counts", 5)
    assert [(entry.kind, entry.series, entry.instance, entry.count) for entry in outcome.entries] == [
        ("Lost", "1.2.3.1", "", 2)
    ]


def test_a_number_never_proves_an_instance_that_was_refused(tmp_path: Path) -> None:
    refused = StoreOutcome("1.2.3.1.7", stored=False, status=0x0122, reason="Refused")
    outcome = transfer(tmp_path, FakeFaults(refuse={"1.2.3.1.7": refused}), "Counts", held=7)
    assert verified(outcome) == ("W", "Counts", 6)
    assert [(entry.kind, entry.instance) for entry in outcome.entries] == [("Lost", "1.2.3.1.7")]


def test_store_responses_are_believed_when_asked_to(tmp_path: Path) -> None:
    assert verified(transfer(tmp_path, FakeFaults(drop_every_nth=3), "StoreResponses")) == ("S", "StoreResponses", 7)


def test_without_verification_the_count_is_absent(tmp_path: Path) -> None:
    outcome = transfer(tmp_path, FakeFaults(drop_every_nth=3), "None")
    assert verified(outcome) == ("S", "None", None)
    assert "verified" not in outcome.line.instances.manifest()


def test_a_peer_that_indexes_late_is_asked_again_within_its_time(tmp_path: Path) -> None:
    clock = FakeClock()
    assert verified(transfer(tmp_path, FakeFaults(settles_after_finds=4), clock=clock)) == ("S", "Instances", 7)
    assert 0 < clock.now < 10


def test_a_peer_that_never_shows_them_is_asked_until_its_time_is_over(tmp_path: Path) -> None:
    clock = FakeClock()
    outcome = transfer(tmp_path, FakeFaults(settles_after_finds=1000), "Instances", settle=30, clock=clock)
    assert verified(outcome) == ("F", "Instances", 0)
    assert clock.now == 30


def test_the_strict_method_does_not_give_way(tmp_path: Path) -> None:
    outcome = transfer(tmp_path, FakeFaults(no_image_level=REFUSED), "Instances")
    assert verified(outcome) == ("F", "Instances", 0)
    assert (outcome.line.reason, outcome.error) == ("VerificationRefused", None)


def test_a_peer_that_is_busy_when_asked_makes_the_task_retryable(tmp_path: Path) -> None:
    faults = FakeFaults(no_image_level=RetryableError("busy", reason="PeerBusy"))
    outcome = transfer(tmp_path, faults, settle=1)
    assert verified(outcome) == ("F", "Instances", 0)
    assert isinstance(outcome.error, RetryableError)
    assert outcome.error.reason == "PeerBusy"


def pseudonymized(tmp_path: Path, faults: FakeFaults, method: str = "Auto") -> TaskOutcome:
    source, destination = FakeConnector("a", fake_study(3)), FakeConnector("b", faults=faults)
    verification = Verification.of({"method": method, "settleSeconds": 0})
    return moved(source, destination, tmp_path, subject=Subject("Bob"), verification=verification)


@pytest.mark.parametrize(("method", "count"), [("Instances", 3), ("Counts", 1)])
def test_under_a_pseudonym_an_answer_of_another_patient_is_a_warning(tmp_path: Path, method: str, count: int) -> None:
    outcome = pseudonymized(tmp_path, FakeFaults(coerced_patient_id="Alice"), method)
    assert verified(outcome) == ("W", method, 3)
    assert [(one.kind, one.stage, one.reason, one.count) for one in outcome.entries] == [
        ("Warning", "Verify", "OtherPatientId", count)
    ]
    assert "Alice" not in outcome.line.message


@pytest.mark.parametrize("patient_id", ["Bob", ""])
@pytest.mark.parametrize("method", ["Instances", "Counts"])
def test_the_pseudonym_or_no_patient_at_all_proves(tmp_path: Path, patient_id: str, method: str) -> None:
    assert verified(pseudonymized(tmp_path, FakeFaults(coerced_patient_id=patient_id), method)) == ("S", method, 3)


def test_a_number_larger_than_what_was_sent_is_a_warning(tmp_path: Path) -> None:
    others = [FakeInstance("P1", "1.2.3", "1.2.3.1", f"9.9.{n}") for n in range(4)]
    verification = Verification.of({"method": "Counts", "settleSeconds": 0})
    destination = FakeConnector("b", others, FakeFaults(drop_every_nth=1))
    outcome = moved(FakeConnector("a", fake_study(3)), destination, tmp_path, verification=verification)
    assert outcome.line.state == "W"
    assert [(one.kind, one.reason, one.count) for one in outcome.entries] == [("Warning", "CountedMore", 1)]
