"""C-STORE against real peers: instances arrive byte for byte, refusals are outcomes, only a lost peer is an error."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adit.connectors.dimse import DimseConnector
from adit.errors import RetryableError
from adit.query import Selection
from adit.testing.datasets import ct_study, mr_study, us_study
from adit.testing.faults import Faults
from adit.testing.odd_files import STUDY_UID, instance_uid, odd_files
from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import data_set_bytes, read_meta
from adit.testing.patients import PLAIN
from adit.testing.programs import Dcmqrscp, Storescp
from adit.testing.pytest_plugin import skip_or_fail
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.placement import Placement

Connect = Callable[..., DimseConnector]
InstanceOf = Callable[[Path], Instance]
CT = ct_study(PLAIN, instances=5, report=True)
JOB = Placement("job")


@pytest.fixture
def instances(tmp_path: Path, instance_of: InstanceOf) -> list[Instance]:
    return [instance_of(path) for path in CT.write(tmp_path / "ct")]


def held(pacs: LoopbackPacs) -> dict[str, bytes]:
    return {one.sop_instance_uid: data_set_bytes(one.path) for one in pacs.instances()}


def test_a_study_of_two_classes_is_stored_in_order(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance]
) -> None:
    outcomes = list(connect(loopback_pacs).store(instances, JOB))
    assert [one.sop_instance_uid for one in outcomes] == [one.sop_instance_uid for one in instances]
    assert all(one.stored and one.status == 0 and not one.reason for one in outcomes)
    assert held(loopback_pacs) == {one.sop_instance_uid: b"".join(one.chunks()) for one in instances}
    assert loopback_pacs.peak_associations == 1


def test_every_odd_instance_is_stored_as_it_is(
    loopback_pacs: LoopbackPacs, connect: Connect, instance_of: InstanceOf, tmp_path: Path
) -> None:
    odd = odd_files(tmp_path / "odd")
    assert all(one.stored for one in connect(loopback_pacs).store(map(instance_of, odd.values()), JOB))
    assert held(loopback_pacs) == {instance_uid(name): data_set_bytes(path) for name, path in odd.items()}


def test_bytes_that_no_decoder_could_read_are_sent_as_they_are(
    storescp: Storescp, connect: Connect, instances: list[Instance], tmp_path: Path
) -> None:
    garbage = bytes(range(256)) * 3000
    (tmp_path / "slice").write_bytes(b"before" + garbage[:700000] + b"behind")
    pieces = (FileSlice(tmp_path / "slice", 6, 700000), garbage[700000:])
    [outcome] = connect(storescp).store([replace(instances[0], pieces=pieces)], JOB)
    assert outcome.stored
    [file] = storescp.files()
    assert data_set_bytes(file) == garbage


def test_an_empty_data_set_is_answered_like_any_other(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance]
) -> None:
    outcomes = list(connect(loopback_pacs).store([replace(instances[0], pieces=()), instances[1]], JOB))
    assert [(one.stored, one.reason) for one in outcomes] == [(False, "CannotUnderstand"), (True, "")]


def test_a_full_destination_is_said_for_each_instance_and_may_be_tried_again(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance]
) -> None:
    loopback_pacs.faults = Faults(refuse_store_status=0xA700, refuse_store_after=2)
    outcomes = list(connect(loopback_pacs).store(instances, JOB))
    assert [one.stored for one in outcomes] == [True, True, False, False, False, False]
    refused = outcomes[2]
    assert (refused.status, refused.reason, refused.retryable) == (0xA700, "OutOfResources", True)
    assert refused.message == (
        "pacs is out of resources; free some space there, or lower its spec.limits (C-STORE status 0xa700)"
    )


@pytest.mark.parametrize(
    ("status", "stored", "reason"),
    [(0xB000, True, "ElementsCoerced"), (0x0111, True, "AlreadyStored"), (0x0124, False, "NotAuthorized")],
)
def test_other_answers_are_outcomes_too(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance], status: int, *, stored: bool, reason: str
) -> None:
    loopback_pacs.faults = Faults(refuse_store_status=status)
    [outcome] = connect(loopback_pacs).store(instances[:1], JOB)
    assert (outcome.stored, outcome.reason, outcome.retryable) == (stored, reason, False)


def test_nothing_is_transcoded_for_a_server_without_the_context(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance]
) -> None:
    loopback_pacs.faults = Faults(no_storage_contexts=True)
    outcomes = list(connect(loopback_pacs).store(instances, JOB))
    assert [(one.stored, one.reason, one.retryable) for one in outcomes] == [
        (False, "NoPresentationContext", False)
    ] * 6
    assert outcomes[0].message == (
        "pacs does not accept CT Image Storage in Explicit VR Little Endian from ADIT; "
        "allow this SOP class in this transfer syntax there"
    )


@pytest.mark.peer
def test_what_one_server_refuses_does_not_keep_the_rest_from_it(
    dcmqrscp: Dcmqrscp, connect: Connect, instance_of: InstanceOf, tmp_path: Path
) -> None:
    names, paths = zip(*odd_files(tmp_path / "odd").items(), strict=True)
    outcomes = dict(zip(names, connect(dcmqrscp).store(map(instance_of, paths), JOB), strict=True))
    refused = {name for name, outcome in outcomes.items() if outcome.reason == "NoPresentationContext"}
    assert refused == {"deflated", "encapsulated", "private SOP class"}
    assert all(outcome.stored for name, outcome in outcomes.items() if name not in refused)


def test_an_instance_that_cannot_be_read_is_named_and_the_rest_is_stored(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance], tmp_path: Path
) -> None:
    gone = replace(instances[0], pieces=(FileSlice(tmp_path / "gone", 0, 10),))
    (tmp_path / "short").write_bytes(bytes(1 << 20))
    short = replace(instances[1], pieces=(FileSlice(tmp_path / "short", 0, 3 << 20),))
    outcomes = list(connect(loopback_pacs).store([gone, short, *instances[2:]], JOB))
    assert [one.reason for one in outcomes[:2]] == ["UnreadableFile"] * 2
    assert all(one.stored for one in outcomes[2:])
    assert set(held(loopback_pacs)) == {one.sop_instance_uid for one in instances[2:]}


def test_a_peer_that_goes_away_is_an_error_after_what_was_stored(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance]
) -> None:
    connector = connect(loopback_pacs)
    outcomes = connector.store(instances, JOB)
    assert next(outcomes).stored
    loopback_pacs.stop()
    with pytest.raises(RetryableError, match="pacs"):
        list(outcomes)


def test_an_association_that_the_peer_dropped_while_it_rested_is_replaced(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance], tmp_path: Path
) -> None:
    connector = connect(loopback_pacs)
    assert next(connector.store(instances[:1], JOB)).stored
    port = loopback_pacs.port
    loopback_pacs.stop()
    with LoopbackPacs(tmp_path / "restarted", port=port) as restarted:
        assert next(connector.store(instances[1:2], JOB)).stored
        assert restarted.received == 1


@pytest.mark.parametrize("implementation", ["Native"])  # pynetdicom's thread may be late to notice
def test_an_association_that_the_peer_dropped_between_two_instances_is_replaced(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance], tmp_path: Path
) -> None:
    """A slow source may rest longer than a destination lets an association idle."""
    outcomes = connect(loopback_pacs).store(instances, JOB)
    assert next(outcomes).stored
    port = loopback_pacs.port
    loopback_pacs.stop()
    with LoopbackPacs(tmp_path / "restarted", port=port) as restarted:
        assert all(one.stored for one in outcomes)
        assert restarted.received == len(instances) - 1


def test_kinds_that_come_and_go_are_stored_over_associations_that_know_them(
    loopback_pacs: LoopbackPacs, connect: Connect, instances: list[Instance], instance_of: InstanceOf, tmp_path: Path
) -> None:
    others = [*mr_study(PLAIN, instances=1).write(tmp_path / "mr"), *us_study(PLAIN).write(tmp_path / "us")]
    mixed = [*map(instance_of, others), *instances]
    assert all(one.stored for one in connect(loopback_pacs).store([*mixed, *mixed], JOB))


def removed_when_sent(fetched: Iterator[Instance]) -> Iterator[Instance]:
    """As the pipeline does: an instance's file goes when the next instance is asked for."""
    for instance in fetched:
        yield instance
        for piece in instance.pieces:
            assert isinstance(piece, FileSlice)
            piece.path.unlink()


@pytest.mark.peer
@pytest.mark.parametrize("tcp_nodelay", [True, False], ids=["TCP_NODELAY=1", "as installed"])
def test_pass_through_from_server_to_server_is_byte_equal(
    loopback_pacs: LoopbackPacs, connect: Connect, tmp_path: Path, spool: Path, *, tcp_nodelay: bool
) -> None:
    skip_or_fail("storescp")
    odd = odd_files(tmp_path / "odd")
    loopback_pacs.load(odd.values())
    with Storescp(tmp_path / "destination", tcp_nodelay=tcp_nodelay) as destination:
        fetched = connect(loopback_pacs).fetch(Selection(PLAIN.patient_id, STUDY_UID), spool)
        assert all(one.stored for one in connect(destination).store(removed_when_sent(fetched), JOB))
        arrived = {read_meta(path).sop_instance_uid: data_set_bytes(path) for path in destination.files()}
    assert arrived == {instance_uid(name): data_set_bytes(path) for name, path in odd.items()}
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("implementation", ["Native"])  # test_same_results.py holds the other to it
@pytest.mark.peer
@pytest.mark.parametrize("tcp_nodelay", [True, False], ids=["TCP_NODELAY=1", "as installed"])
def test_from_orthanc_to_orthanc_a_study_stays_as_it_was(
    connect: Connect, tmp_path: Path, spool: Path, *, tcp_nodelay: bool
) -> None:
    skip_or_fail("Orthanc")
    paths = CT.write(tmp_path / "ct")
    with (
        Orthanc(tmp_path / "source", tcp_nodelay=tcp_nodelay) as source,
        Orthanc(tmp_path / "destination", tcp_nodelay=tcp_nodelay) as destination,
    ):
        source.upload(paths)
        fetched = connect(source).fetch(Selection(PLAIN.patient_id, CT.study_instance_uid), spool)
        assert all(one.stored for one in connect(destination).store(removed_when_sent(fetched), JOB))
        for path in paths:
            copy = tmp_path / "copy"
            copy.write_bytes(destination.file(path.stem))
            assert data_set_bytes(copy) == data_set_bytes(path)


@pytest.mark.peer
def test_a_peer_that_waits_for_acknowledgements_does_not_slow_us_down(
    connect: Connect, instance_of: InstanceOf, tmp_path: Path
) -> None:
    """As Debian installs it, dcmtk waits 40 ms for every instance, unless it is acknowledged at once."""
    skip_or_fail("storescp")
    many = [instance_of(path) for path in ct_study(PLAIN, instances=100).write(tmp_path / "ct")]
    with Storescp(tmp_path / "destination", tcp_nodelay=False) as destination:
        connector = connect(destination)
        connector.echo()
        began = time.monotonic()
        assert len(list(connector.store(many, JOB))) == 100
        assert time.monotonic() - began < 100 * 0.035
