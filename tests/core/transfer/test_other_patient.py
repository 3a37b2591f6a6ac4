"""A study that the source keeps under another PatientID than the task says."""

from pathlib import Path

from adit.testing.connectors import FakeConnector, fake_study
from adit.testing.transfers import moved
from adit.transfer.rewriter import Subject


def test_a_study_under_another_patient_is_moved_with_a_warning_that_names_nobody(tmp_path: Path) -> None:
    destination = FakeConnector("b")
    outcome = moved(FakeConnector("a", fake_study(2, patient_id="Q77")), destination, tmp_path)
    assert (outcome.line.state, outcome.line.reason) == ("W", "PatientIdMismatch")
    assert outcome.line.instances.verified == 2
    assert not any(word in outcome.line.message for word in ("Q77", "P1", "1.2.3"))


def test_a_study_under_another_patient_never_gets_a_pseudonym(tmp_path: Path) -> None:
    source, destination = FakeConnector("a", fake_study(2, patient_id="Q77")), FakeConnector("b")
    outcome = moved(source, destination, tmp_path, subject=Subject("Alice"))
    assert (outcome.line.state, outcome.line.reason, outcome.error) == ("F", "PatientIdMismatch", None)
    assert not any(asked.startswith("fetch") for asked in source.log)
    assert not destination.held
    assert not any(word in outcome.line.message for word in ("Q77", "P1", "1.2.3"))
