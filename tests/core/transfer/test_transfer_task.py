"""One task through the pipeline, between two fake peers."""

from pathlib import Path

import pytest

from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.status import store_outcome
from adit.errors import AccessDenied, PeerUnavailable, PermanentError, RetryableError
from adit.testing.connectors import FakeConnector, FakeFaults, FakeInstance, fake_study
from adit.testing.transfers import FakeClock, moved, transfer_job_task
from adit.transfer.instance import Instance
from adit.transfer.outcomes import Excluded, Quarantined, RewriteOutcome, Rewritten, StoreOutcome
from adit.transfer.policy import Policy
from adit.transfer.record import Entry
from adit.transfer.rewriter import Subject
from adit.transfer.transfer import TaskOutcome


def lost(outcome: TaskOutcome) -> dict[str, str]:
    """Reason by SOP UID of what was lost."""
    return {entry.instance: entry.reason for entry in outcome.entries if entry.kind == "Lost"}


def named(outcome: TaskOutcome, reason: str) -> list[Entry]:
    return [entry for entry in outcome.entries if entry.reason == reason]


def refusal(uid: str, status: int, *, retryable: bool = False) -> StoreOutcome:
    return StoreOutcome(uid, stored=False, status=status, reason="Refused", message="no room", retryable=retryable)


class Renaming:
    """Gives every UID another root, and keeps back what it is told to."""

    def __init__(self, excluded: frozenset[str] = frozenset(), quarantined: frozenset[str] = frozenset()) -> None:
        self.excluded, self.quarantined = excluded, quarantined

    def rewrite(self, instance: Instance, subject: Subject) -> RewriteOutcome:
        assert subject.pseudonym == "Bob"
        uid = instance.sop_instance_uid
        if uid in self.excluded:
            return Excluded(uid, "ModalityExcluded")
        if uid in self.quarantined:
            return Quarantined(uid, "NotADataSet")
        data = b"".join(instance.chunks()).replace(b"1.2.3", b"2.9.9")
        return Rewritten(
            uid, Instance(instance.sop_class_uid, self.rewritten_uid(uid), instance.transfer_syntax_uid, (data,))
        )

    def rewritten_uid(self, original_uid: str) -> str:
        return original_uid.replace("1.2.3", "2.9.9")


def test_a_whole_study_arrives_byte_for_byte_and_is_verified(tmp_path: Path) -> None:
    source, destination = FakeConnector("a", fake_study(5, series=2)), FakeConnector("b")
    outcome = moved(source, destination, tmp_path)
    counts = outcome.line.instances
    assert outcome.line.state == "S"
    assert (counts.listed, counts.excluded, counts.expected) == (10, 0, 10)
    assert (counts.received, counts.rewritten, counts.stored, counts.verified) == (10, 10, 10, 10)
    assert outcome.line.method == "Instances"
    assert outcome.entries == ()
    assert {uid: one.encoded for uid, one in destination.held.items()} == {
        uid: one.encoded for uid, one in source.held.items()
    }


def test_without_a_budget_one_instance_is_in_the_spool_at_a_time_and_none_afterwards(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(50))
    moved(source, FakeConnector("b"), tmp_path, ahead_bytes=0)
    assert source.most_spooled == 1
    assert list((tmp_path / "spool").iterdir()) == []


def test_progress_is_told_for_every_instance(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    source = FakeConnector("a", fake_study(3))
    size = len(source.held["1.2.3.1.1"].encoded)
    moved(source, FakeConnector("b"), tmp_path, progress=lambda counts, bytes_: seen.append((counts.stored, bytes_)))
    assert [stored for stored, _ in seen] == [0, 0, 1, 1, 2, 2, 3]
    assert seen[-1] == (3, 3 * size)


def test_named_series_only_are_moved(tmp_path: Path) -> None:
    destination = FakeConnector("b")
    task = transfer_job_task(series=("1.2.3.2",))
    outcome = moved(FakeConnector("a", fake_study(4, series=3)), destination, tmp_path, task)
    assert outcome.line.instances.listed == 4
    assert {one.series for one in destination.held.values()} == {"1.2.3.2"}


def test_a_named_series_that_the_source_does_not_have_warns_by_name(tmp_path: Path) -> None:
    task = transfer_job_task(series=("1.2.3.1", "1.2.3.9"))
    outcome = moved(FakeConnector("a", fake_study(2)), FakeConnector("b"), tmp_path, task)
    assert outcome.line.state == "W"
    assert [entry.series for entry in named(outcome, "SeriesNotFound")] == ["1.2.3.9"]


def test_a_task_whose_every_series_is_unknown_fails(tmp_path: Path) -> None:
    task = transfer_job_task(series=("1.2.3.9",))
    outcome = moved(FakeConnector("a", fake_study(2)), FakeConnector("b"), tmp_path, task)
    assert (outcome.line.state, outcome.line.reason, outcome.error) == ("F", "SeriesNotFound", None)


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        ((), "StudyNotFound"),
        ((*fake_study(1, patient_id="A"), FakeInstance("B", "1.2.3", "1.2.3.8", "1.2.3.8.1")), "StudyAmbiguous"),
    ],
)
def test_no_study_or_more_than_one_fails_for_good(
    tmp_path: Path, instances: tuple[FakeInstance, ...], reason: str
) -> None:
    outcome = moved(FakeConnector("a", instances), FakeConnector("b"), tmp_path)
    assert (outcome.line.state, outcome.line.reason, outcome.error) == ("F", reason, None)


def test_an_excluded_modality_is_listed_counted_and_never_fetched(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(3, series=2, modalities=("CT", "SR")))
    destination = FakeConnector("b")
    outcome = moved(source, destination, tmp_path, policy=Policy(frozenset({"SR"})))
    counts = outcome.line.instances
    assert (outcome.line.state, counts.listed, counts.excluded, counts.expected) == ("S", 6, 3, 3)
    assert {one.modality for one in destination.held.values()} == {"CT"}
    assert [(entry.kind, entry.series, entry.count) for entry in named(outcome, "ModalityExcluded")] == [
        ("Note", "1.2.3.2", 3)
    ]


def test_a_study_that_is_excluded_as_a_whole_succeeds_and_says_so(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(3, modalities=("SR",)))
    outcome = moved(source, FakeConnector("b"), tmp_path, policy=Policy(frozenset({"SR"})))
    assert (outcome.line.state, outcome.line.message) == ("S", "every instance is excluded by a rule")
    assert "fetch 1.2.3" not in source.log


def test_what_does_not_arrive_is_asked_for_once_more(tmp_path: Path) -> None:
    faults = FakeFaults(withheld_once=frozenset({"1.2.3.1.2", "1.2.3.1.4"}))
    source = FakeConnector("a", fake_study(5), faults)
    outcome = moved(source, FakeConnector("b"), tmp_path)
    assert outcome.line.state == "S"
    assert source.log.count("fetch 1.2.3") == 2


def test_what_never_arrives_is_named_and_warned(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(5), FakeFaults(withheld=frozenset({"1.2.3.1.2"})))
    outcome = moved(source, FakeConnector("b"), tmp_path)
    assert lost(outcome) == {"1.2.3.1.2": "NotReceived"}
    assert (outcome.line.state, outcome.error) == ("W", None)
    assert outcome.line.message.startswith("1 of 5 instances: ")


def test_a_peer_that_closes_mid_study_is_asked_again_for_the_rest_then_tried_again_later(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(10), FakeFaults(fetch_ends_after=4))
    outcome = moved(source, FakeConnector("b"), tmp_path)
    assert outcome.line.instances.verified == 8
    assert set(lost(outcome)) == {"1.2.3.1.9", "1.2.3.1.10"}
    assert isinstance(outcome.error, RetryableError)
    assert outcome.error.reason == "AssociationLost"


def test_a_destination_out_of_resources_makes_the_task_retryable_and_names_what_it_refused(tmp_path: Path) -> None:
    refused = refusal("1.2.3.1.3", 0xA700, retryable=True)
    destination = FakeConnector("b", faults=FakeFaults(refuse={"1.2.3.1.3": refused}))
    outcome = moved(FakeConnector("a", fake_study(5)), destination, tmp_path)
    assert lost(outcome) == {"1.2.3.1.3": "Refused"}
    assert outcome.line.state == "W"
    assert isinstance(outcome.error, RetryableError)


def test_a_final_refusal_is_named_and_not_tried_again(tmp_path: Path) -> None:
    destination = FakeConnector("b", faults=FakeFaults(refuse={"1.2.3.1.3": refusal("1.2.3.1.3", 0x0122)}))
    outcome = moved(FakeConnector("a", fake_study(5)), destination, tmp_path)
    assert (lost(outcome), outcome.error) == ({"1.2.3.1.3": "Refused"}, None)


def remarked(uid: str, status: int) -> FakeFaults:
    return FakeFaults(refuse={uid: store_outcome(uid, status, Peer("b", "127.0.0.1", 104, "B", "ADIT", 1, 1))})


def test_an_instance_that_the_destination_has_already_is_a_note(tmp_path: Path) -> None:
    destination = FakeConnector("b", fake_study(5), remarked("1.2.3.1.3", 0x0111))
    outcome = moved(FakeConnector("a", fake_study(5)), destination, tmp_path)
    assert (outcome.line.state, outcome.line.instances.stored) == ("S", 5)
    assert [(entry.kind, entry.instance) for entry in named(outcome, "AlreadyStored")] == [("Note", "1.2.3.1.3")]


def test_under_a_pseudonym_a_copy_that_the_destination_had_is_a_warning(tmp_path: Path) -> None:
    before = FakeInstance("", "2.9.9", "2.9.9.1", "2.9.9.1.1")
    destination = FakeConnector("b", [before], remarked("2.9.9.1.1", 0x0111))
    source = FakeConnector("a", fake_study(3))
    outcome = moved(source, destination, tmp_path, rewriter=Renaming(), subject=Subject("Bob"))
    assert (outcome.line.state, outcome.line.reason, outcome.line.instances.verified) == ("W", "AlreadyStored", 3)
    assert [entry.instance for entry in named(outcome, "AlreadyStored")] == ["1.2.3.1.1"]


@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007, 0x0107, 0x0116])
def test_what_is_stored_with_a_remark_is_a_warning_by_name(tmp_path: Path, status: int) -> None:
    held = FakeInstance("P1", "1.2.3", "1.2.3.1", "1.2.3.1.3")
    outcome = moved(
        FakeConnector("a", fake_study(5)), FakeConnector("b", [held], remarked("1.2.3.1.3", status)), tmp_path
    )
    assert (outcome.line.state, outcome.line.instances.verified) == ("W", 5)
    assert [(entry.kind, entry.stage, entry.instance) for entry in outcome.entries] == [
        ("Warning", "Store", "1.2.3.1.3")
    ]


def test_a_destination_lost_mid_study_is_asked_for_no_more_and_everything_left_is_named(tmp_path: Path) -> None:
    source = FakeConnector("a", fake_study(6))
    destination = FakeConnector("b", faults=FakeFaults(store_ends_after=2))
    outcome = moved(source, destination, tmp_path)
    assert source.log.count("fetch 1.2.3") == 1
    assert set(lost(outcome).values()) == {"AssociationLost"}
    assert len(lost(outcome)) == 4
    assert isinstance(outcome.error, RetryableError)


@pytest.mark.parametrize("held_before", [(), fake_study(21)[::2]], ids=["empty", "half-full"])
def test_a_destination_that_drops_every_seventh_warns_naming_exactly_those(
    tmp_path: Path, held_before: tuple[FakeInstance, ...]
) -> None:
    study = fake_study(21)
    destination = FakeConnector("b", held_before, FakeFaults(drop_every_nth=7))
    outcome = moved(FakeConnector("a", study), destination, tmp_path)
    dropped = {one.uid for one in study} - set(destination.held)
    assert outcome.line.state == "W"
    assert dropped
    assert lost(outcome) == dict.fromkeys(dropped, "NotVerified")
    assert outcome.line.instances.verified == 21 - len(dropped)


def test_a_destination_that_held_half_before_and_holds_all_afterwards_is_a_success(tmp_path: Path) -> None:
    study = fake_study(10)
    outcome = moved(FakeConnector("a", study), FakeConnector("b", study[:5]), tmp_path)
    assert (outcome.line.state, outcome.line.instances.verified, outcome.entries) == ("S", 10, ())


def test_an_instance_that_never_came_but_is_there_counts_as_verified_and_warns(tmp_path: Path) -> None:
    study = fake_study(4)
    source = FakeConnector("a", study, FakeFaults(withheld=frozenset({"1.2.3.1.2"})))
    outcome = moved(source, FakeConnector("b", study), tmp_path)
    assert (outcome.line.state, outcome.line.instances.verified, lost(outcome)) == ("W", 4, {})
    assert [entry.kind for entry in named(outcome, "NotReceived")] == ["Warning"]


def test_rewritten_uids_are_what_is_verified_and_original_ones_what_is_recorded(tmp_path: Path) -> None:
    destination = FakeConnector("b", faults=FakeFaults(drop_every_nth=4))
    rewriter, subject = Renaming(quarantined=frozenset({"1.2.3.1.1"})), Subject("Bob")
    outcome = moved(FakeConnector("a", fake_study(6)), destination, tmp_path, rewriter=rewriter, subject=subject)
    assert set(destination.held) == {f"2.9.9.1.{n}" for n in (2, 3, 4, 6)}
    assert lost(outcome) == {"1.2.3.1.1": "NotADataSet", "1.2.3.1.5": "NotVerified"}
    counts = outcome.line.instances
    assert (outcome.line.state, counts.expected, counts.rewritten, counts.verified) == ("W", 6, 5, 4)


def test_what_only_its_header_excludes_moves_from_expected_to_excluded(tmp_path: Path) -> None:
    rewriter, subject = Renaming(excluded=frozenset({"1.2.3.1.1"})), Subject("Bob")
    outcome = moved(FakeConnector("a", fake_study(3)), FakeConnector("b"), tmp_path, rewriter=rewriter, subject=subject)
    counts = outcome.line.instances
    assert (outcome.line.state, counts.listed, counts.excluded, counts.expected, counts.verified) == ("S", 3, 1, 2, 2)


def test_nothing_verified_is_a_failure(tmp_path: Path) -> None:
    destination = FakeConnector("b", faults=FakeFaults(drop_every_nth=1))
    outcome = moved(FakeConnector("a", fake_study(3)), destination, tmp_path)
    assert (outcome.line.state, outcome.line.reason) == ("F", "NotVerified")


def test_the_stop_signal_ends_the_task_after_the_instance_in_hand(tmp_path: Path) -> None:
    source, destination = FakeConnector("a", fake_study(9)), FakeConnector("b")
    outcome = moved(source, destination, tmp_path, stop=lambda: len(destination.held) >= 4)
    assert outcome.interrupted
    assert len(destination.held) == outcome.line.instances.stored == 4
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_stop_while_the_destination_settles_leaves_the_task_open(tmp_path: Path) -> None:
    clock = FakeClock()
    destination = FakeConnector("b", faults=FakeFaults(settles_after_finds=1000))
    outcome = moved(FakeConnector("a", fake_study(3)), destination, tmp_path, clock=clock, stop=lambda: clock.now > 2)
    assert outcome.interrupted
    assert clock.now < 5


def test_an_error_after_the_stop_signal_is_the_stop(tmp_path: Path) -> None:
    source = FakeConnector("a", faults=FakeFaults(on_find=RetryableError("torn down", reason="AssociationLost")))
    assert moved(source, FakeConnector("b"), tmp_path, stop=lambda: True).interrupted


@pytest.mark.parametrize("error", [PeerUnavailable("nobody answers"), AccessDenied("wrong AE title")])
@pytest.mark.parametrize("side", ["find", "fetch", "store"])
def test_a_peer_that_will_not_open_ends_the_task_without_a_verdict(
    tmp_path: Path, side: str, error: PeerUnavailable | AccessDenied
) -> None:
    source = FakeConnector("a", fake_study(3))
    destination = FakeConnector("b")
    match side:
        case "find":
            source.faults.on_find = error
        case "fetch":
            source.faults.on_fetch = error
        case _:
            destination.faults.on_store = error
    outcome = moved(source, destination, tmp_path)
    assert outcome.error is error
    assert outcome.line.instances.stored == 0


def test_a_source_that_refuses_for_good_fails_the_task_with_its_words(tmp_path: Path) -> None:
    error = PermanentError("no presentation context accepted", reason="NoPresentationContext")
    outcome = moved(FakeConnector("a", fake_study(3), FakeFaults(on_fetch=error)), FakeConnector("b"), tmp_path)
    assert (outcome.line.state, outcome.line.reason, outcome.error) == ("F", "NoPresentationContext", None)
    assert len(lost(outcome)) == 3
