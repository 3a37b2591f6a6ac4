"""A source that may send to the destination itself does: nothing of the study comes here, and all of it is proved."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from adit.api.dicom_server import DicomServerSpec, Verification
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
from adit.testing.datasets import Study, ct_study
from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import Patient
from adit.testing.transfers import moved, transfer_job_task
from adit.transfer.instance import Instance
from adit.transfer.outcomes import RewriteOutcome, Rewritten
from adit.transfer.rewriter import PassThrough, Rewriter, Subject
from adit.transfer.transfer import TaskOutcome

AT_ONCE = Verification(settle_seconds=0)


class Rewriting:
    """Rewrites, though it changes nothing."""

    def rewrite(self, instance: Instance, subject: Subject) -> RewriteOutcome:  # noqa: ARG002 - nobody is renamed
        return Rewritten(instance.sop_instance_uid, instance)

    def rewritten_uid(self, original_uid: str) -> str:
        return original_uid


@dataclass
class Pair:
    """Two PACS, the first of which knows the second and holds the study."""

    source: LoopbackPacs
    destination: LoopbackPacs
    study: Study
    folder: Path

    def move(
        self,
        *,
        allowed: tuple[str, ...] = ("RESEARCH",),
        verification: Verification = AT_ONCE,
        rewriter: Rewriter | None = None,
    ) -> TaskOutcome:
        task = transfer_job_task("P1", self.study.study_instance_uid)
        options = {"move": True, "moveDestinations": list(allowed)}
        with opened(self.source, **options) as source, opened(self.destination) as destination:
            return moved(
                source,
                destination,
                self.folder,
                task,
                verification=verification,
                rewriter=rewriter or PassThrough(),
            )

    @property
    def missing(self) -> set[str]:
        there = {one.sop_instance_uid for one in self.destination.instances()}
        return {one.sop_instance_uid for one in self.source.instances()} - there


def opened(pacs: LoopbackPacs, **dimse: object) -> Connector:
    spec = DicomServerSpec.of({"aeTitle": pacs.ae_title, "dimse": {"host": pacs.host, "port": pacs.port, **dimse}})
    return open_connector(Target(pacs.ae_title.lower(), spec, "ADIT", Path("/mnt")))


def notes(outcome: TaskOutcome) -> dict[str, int]:
    """How many instances each note is about."""
    return {entry.reason: entry.count for entry in outcome.entries if entry.kind == "Note"}


@pytest.fixture(name="pair")
def _pair(tmp_path: Path) -> Iterator[Pair]:
    study = ct_study(Patient("P1", "Doe^Jane"), instances=21, rows=16)
    with LoopbackPacs(tmp_path / "a", "PACS") as source, LoopbackPacs(tmp_path / "b", "RESEARCH") as destination:
        source.load(study.write(tmp_path / "files"))
        source.destinations["RESEARCH"] = (destination.host, destination.port)
        yield Pair(source, destination, study, tmp_path)


def test_the_source_sends_it_itself_and_every_count_is_the_same(pair: Pair) -> None:
    outcome = pair.move()
    counts = outcome.line.instances
    assert (outcome.line.state, outcome.line.method, outcome.line.bytes) == ("S", "Instances", 0)
    assert (counts.expected, counts.received, counts.rewritten, counts.stored, counts.verified) == (21,) * 5
    assert notes(outcome) == {"SentDirectly": 21}
    assert (pair.missing, pair.destination.received) == (set(), 21)
    assert pair.source.peak_associations == 1
    assert pair.destination.peak_associations <= 2  # ours may come while the source's is being released


def test_what_did_not_arrive_is_asked_for_again_by_name(pair: Pair) -> None:
    pair.source.faults = Faults(fail_fetch_every_nth=7)
    outcome = pair.move()
    assert (outcome.line.state, notes(outcome), pair.missing) == ("S", {"SentDirectly": 21}, set())


def test_a_destination_that_the_source_does_not_know_gets_it_through_us_and_the_record_says_why(pair: Pair) -> None:
    pair.source.destinations.clear()
    outcome = pair.move(verification=Verification(settle_seconds=30))
    assert (outcome.line.state, pair.missing) == ("S", set())
    assert outcome.line.bytes > 0
    assert set(notes(outcome)) == {"MoveDestinationUnknown"}


def test_what_the_source_cannot_send_there_comes_through_us(pair: Pair) -> None:
    pair.source.destinations["RESEARCH"] = ("127.0.0.1", 1)  # nobody is there
    outcome = pair.move()
    assert (outcome.line.state, outcome.line.instances.verified, pair.missing) == ("S", 21, set())
    assert set(notes(outcome)) & {"SentThroughUs", "OutOfResources"}


@pytest.mark.parametrize("method", ["Auto", "Counts"])
@pytest.mark.parametrize("fault", ["unknown", "fails"])
def test_what_the_destination_had_before_is_no_proof_that_the_source_sent_it(
    pair: Pair, fault: str, method: Literal["Auto", "Counts"]
) -> None:
    pair.destination.load([one.path for one in pair.source.instances()])
    if fault == "unknown":
        pair.source.destinations.clear()
    else:
        pair.source.destinations["RESEARCH"] = ("127.0.0.1", 1)  # nobody is there
    outcome = pair.move(verification=Verification(method=method, settle_seconds=0))
    assert (outcome.line.instances.stored, pair.destination.received) == (21, 21)  # through us
    assert outcome.line.bytes > 0
    assert "SentDirectly" not in notes(outcome)


def test_what_the_destination_had_before_and_the_source_says_it_sent_is_sent(pair: Pair) -> None:
    pair.destination.load([one.path for one in pair.source.instances()])
    outcome = pair.move()
    assert (notes(outcome), outcome.line.bytes) == ({"SentDirectly": 21}, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"allowed": ()},
        {"allowed": ("ELSEWHERE",)},
        {"rewriter": Rewriting()},
        {"verification": Verification(method="StoreResponses")},
        {"verification": Verification(method="None")},
    ],
)
def test_it_goes_through_us_unless_it_may_go_unchanged_and_is_proved(pair: Pair, options: dict[str, object]) -> None:
    outcome = pair.move(**options)  # type: ignore[arg-type] # of several types
    assert (outcome.line.state, notes(outcome), pair.missing) == ("S", {}, set())
    assert outcome.line.bytes > 0


def test_a_stop_ends_a_source_that_is_sending(pair: Pair) -> None:
    pair.source.faults = Faults(delay_per_instance=0.02)
    task = transfer_job_task("P1", pair.study.study_instance_uid)
    options = {"move": True, "moveDestinations": ["RESEARCH"]}
    with opened(pair.source, **options) as source, opened(pair.destination) as destination:
        outcome = moved(
            source, destination, pair.folder, task, verification=AT_ONCE, stop=lambda: pair.destination.received >= 5
        )
    assert outcome.interrupted
    assert pair.destination.received < 21
