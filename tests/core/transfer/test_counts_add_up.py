"""Whatever the peers do wrong: listed = excluded + expected, expected = verified + what is lost by name."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from adit.api.dicom_server import Verification
from adit.errors import PermanentError
from adit.testing.connectors import FakeConnector, FakeFaults, FakeInstance, fake_study
from adit.testing.transfers import moved
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.policy import Policy

STUDY = fake_study(6, series=3, modalities=("CT", "SR", "MR"))
UIDS = [one.uid for one in STUDY]
SOME = st.frozensets(st.sampled_from(UIDS), max_size=5)
STRAY = FakeInstance("P9", "9.9", "9.9.1", "9.9.1.1")
REFUSALS = st.dictionaries(
    st.sampled_from(UIDS),
    st.builds(
        StoreOutcome,
        sop_instance_uid=st.just(""),
        stored=st.just(value=False),
        status=st.sampled_from([0xA700, 0x0111, 0x0122]),
        reason=st.just("Refused"),
        retryable=st.booleans(),
    ),
    max_size=4,
).map(
    lambda refused: {
        uid: StoreOutcome(uid, stored=False, status=one.status, reason=one.reason, retryable=one.retryable)
        for uid, one in refused.items()
    }
)
SOURCES = st.builds(
    FakeFaults,
    withheld=SOME,
    withheld_once=SOME,
    unlisted=SOME,
    sent_twice=SOME,
    sent_besides=st.sampled_from([(), (STRAY,), (STUDY[7],)]),
    fetch_ends_after=st.none() | st.integers(0, 20),
    no_image_level=st.none() | st.just(PermanentError("no image level")),
    image_level_empty=st.booleans(),
)
DESTINATIONS = st.builds(
    FakeFaults,
    drop_every_nth=st.integers(0, 4),
    refuse=REFUSALS,
    store_ends_after=st.none() | st.integers(0, 20),
    no_image_level=st.none() | st.just(PermanentError("no image level")),
    image_level_empty=st.booleans(),
    settles_after_finds=st.integers(0, 5),
    omit_keys=st.sampled_from([frozenset[str](), frozenset({"NumberOfSeriesRelatedInstances", "PatientID"})]),
)


@settings(deadline=None, max_examples=80)
@given(
    source=SOURCES,
    destination=DESTINATIONS,
    held=SOME,
    method=st.sampled_from(["Auto", "Instances", "Counts", "StoreResponses", "None"]),
    excluded=st.sampled_from([frozenset[str](), frozenset({"SR"})]),
)
def test_the_counts_add_up_whatever_the_peers_do_wrong(
    source: FakeFaults, destination: FakeFaults, held: frozenset[str], method: str, excluded: frozenset[str]
) -> None:
    there = FakeConnector("b", [one for one in STUDY if one.uid in held], destination)
    with tempfile.TemporaryDirectory() as spool:
        outcome = moved(
            FakeConnector("a", STUDY, source),
            there,
            Path(spool),
            policy=Policy(excluded),
            verification=Verification.of({"method": method}),
        )
        assert list((Path(spool) / "spool").iterdir()) == []

    counts, line = outcome.line.instances, outcome.line
    lost = sum(entry.count for entry in outcome.entries if entry.kind == "Lost")
    proved = counts.stored if counts.verified is None else counts.verified
    assert counts.listed == counts.excluded + counts.expected
    assert counts.expected == proved + lost
    assert counts.expected >= counts.received >= counts.rewritten >= counts.stored
    assert (counts.verified is None) == (method == "None")
    assert (line.state == "S") == all(entry.kind == "Note" for entry in outcome.entries)
    assert line.state != "F" or proved == 0
    assert STRAY.uid not in there.held
    reports = {one.uid for one in STUDY if one.modality == "SR"}
    assert not excluded or reports & there.held.keys() <= held


@settings(deadline=None, max_examples=80)
@given(held=SOME, drop=st.integers(2, 7))
def test_nothing_but_what_is_lost_is_missing_at_the_destination(held: frozenset[str], drop: int) -> None:
    there = FakeConnector("b", [one for one in STUDY if one.uid in held], FakeFaults(drop_every_nth=drop))
    with tempfile.TemporaryDirectory() as spool:
        outcome = moved(FakeConnector("a", STUDY), there, Path(spool))
    lost = {entry.instance for entry in outcome.entries if entry.kind == "Lost"}
    assert lost == set(UIDS) - there.held.keys()
