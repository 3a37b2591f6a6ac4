"""C-MOVE as a way of fetching: announced, reconciled by name, asked for again; the receiver is a second PACS here."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from adit.api.dicom_server import Implementation
from adit.connectors.dimse import DimseConnector
from adit.connectors.dimse.move import MoveDestinationUnknown, for_move, move_error
from adit.connectors.dimse.peer import Peer
from adit.connectors.target import Target, TlsFiles
from adit.errors import AccessDenied, AditError, PeerUnavailable, PermanentError, RetryableError
from adit.query import Level, Query
from adit.testing import patients
from adit.testing.counted_openings import CountedOpenings
from adit.testing.datasets import ct_study
from adit.testing.faults import Faults
from adit.testing.moves import MoveWorld
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import read_meta
from adit.testing.programs import Dcmqrscp
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.placement import Placement
from adit.transmit.access import ReceiverAccess
from adit.transmit.client import ReceiverUnavailable


def test_a_study_is_announced_by_name_before_it_is_asked_for_and_comes_whole(world: MoveWorld) -> None:
    came, error = world.fetch()
    assert error is None
    assert (set(came), len(came)) == (world.uids, 12)
    [announced] = world.announced
    assert (announced.calling_ae_title, announced.study_instance_uid) == ("PACS", world.study.study_instance_uid)
    assert announced.sop_instance_uids == world.uids
    assert world.withdrawn == 1


def test_what_has_just_been_listed_is_not_searched_again(world: MoveWorld) -> None:
    names = dict.fromkeys(world.uids, world.named().sop_instance_uids[0][0])
    with world.fetching() as fetch:
        fetch.names = names
        came = {one.sop_instance_uid for one in fetch.run()}
    assert (came, len(world.source.requests)) == (world.uids, 1)
    assert world.announced[0].sop_instance_uids == world.uids


def test_a_connector_awaits_what_it_has_just_listed(world: MoveWorld) -> None:
    nobody = ReceiverAccess("RECEIVER", "127.0.0.1", 1, bytes(32))
    study = Query(Level.SERIES, patient_id=patients.PLAIN.patient_id, study_instance_uid=world.study.study_instance_uid)
    with DimseConnector(replace(world.target, receiver=nobody), move=True) as connector:
        for one in list(connector.find(study)):
            images = replace(study, level=Level.IMAGE, series_instance_uid=str(one.SeriesInstanceUID))
            assert len(list(connector.find(images))) == 12
        before = len(world.source.requests)
        with pytest.raises(ReceiverUnavailable):
            list(connector.fetch(world.selection(), world.spool))
    assert len(world.source.requests) == before


def test_it_does_not_wait_where_nothing_is_missing(world: MoveWorld) -> None:
    began = time.monotonic()
    assert world.fetch(quiet=30)[1] is None
    assert time.monotonic() - began < 5


def test_an_instance_that_fails_once_is_asked_for_again_and_comes(world: MoveWorld) -> None:
    # Every 7th of each request: the study's 7th, then none of the one that is missing.
    world.source.faults = Faults(fail_fetch_every_nth=7)
    came, error = world.fetch()
    assert (error, set(came)) == (None, world.uids)


def test_what_never_arrives_is_a_partial_retrieval_after_all_that_came(world: MoveWorld) -> None:
    world.receiver.faults = Faults(drop_every_nth_stored=1)
    came, error = world.fetch(quiet=0.2)
    assert came == []
    assert isinstance(error, RetryableError)
    assert (error.reason, "0 of 12 instances" in error.message) == ("PartialRetrieve", True)


def test_a_destination_that_the_source_does_not_know_is_told_with_what_to_do(world: MoveWorld) -> None:
    world.source.destinations.clear()
    came, error = world.fetch(quiet=30)
    assert came == []
    assert isinstance(error, MoveDestinationUnknown)
    assert "does not know the AE title RECEIVER" in error.message
    assert "address and DICOM port: for our receiver see docs/receiver.md" in error.message


def test_a_source_that_is_away_is_unavailable_at_once(world: MoveWorld) -> None:
    with world.fetching(quiet=30) as fetch:
        fetch.find_models = ()
        named = fetch.selection
        fetch.selection = replace(named, sop_instance_uids=(("1.2", ("1.2.3",)),))
        world.source.stop()
        with pytest.raises(PeerUnavailable):
            list(fetch.run())


def test_a_source_that_lists_no_instances_is_reconciled_by_its_counts(world: MoveWorld) -> None:
    def refuse(_query: object) -> Iterator[object]:
        raise PermanentError("no image level", reason="QueryRefused")

    world.source.faults = Faults(fail_fetch_every_nth=7)
    with world.fetching() as fetch:
        fetch.find = refuse  # type: ignore[assignment] # it yields nothing
        came: list[Instance] = []
        with pytest.raises(RetryableError, match="11 of 12"):
            came.extend(fetch.run())
    assert world.announced[0].sop_instance_uids == frozenset()


def test_a_study_that_is_aborted_in_the_middle_is_asked_for_again(world: MoveWorld) -> None:
    world.source.faults = Faults(abort_fetch_after=5)
    came, error = world.fetch(quiet=0.2)
    assert len(came) == len(set(came)) >= 5
    assert error is None or error.reason == "PartialRetrieve"
    assert (error is None) == (set(came) == world.uids)


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_what_is_left_early_is_canceled_within_a_second_and_its_association_kept(
    world: MoveWorld,
    implementation: Implementation,
    secured: bool,  # noqa: FBT001 - pytest gives it by name
    tmp_path: Path,
) -> None:
    opened = CountedOpenings()
    with secure(world, tmp_path) if secured else nullcontext():
        world.asked_as(implementation, **({"tls": {}} if secured else {}))
        files = TlsFiles(tmp_path / "authority.pem") if secured else TlsFiles()
        world.target = replace(world.target, tls=files, openings=opened)
        world.source.faults = Faults(delay_per_instance=0.05)
        with world.fetching() as fetch:
            running = fetch.run()
            next(running)
            began, before = time.monotonic(), len(opened.seconds)
            running.close()  # type: ignore[attr-defined] # it is a generator
            assert time.monotonic() - began < 1.5
            fetch.session.associate(for_move("StudyRoot", ("PatientRoot", "StudyRoot")))
            assert len(opened.seconds) == before
    assert world.withdrawn == 1
    assert len(world.receiver.instances()) < 12
    assert not [one for one in threading.enumerate() if one.name == "move"]


@contextmanager
def secure(world: MoveWorld, tmp_path: Path) -> Iterator[None]:
    """Serve the source's instances over TLS meanwhile."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with LoopbackPacs(tmp_path / "a", "PACS", destinations=world.source.destinations, tls=context) as source:
        world.source, plain = source, world.source
        try:
            yield
        finally:
            world.source = plain


def test_a_source_that_sends_no_pending_responses_is_waited_for_while_its_instances_come(
    world: MoveWorld, implementation: Implementation
) -> None:
    world.asked_as(implementation)
    world.response_seconds = 0.5
    world.source.faults = Faults(omit_pending_responses=True, delay_per_instance=0.06)
    began = time.monotonic()
    came, error = world.fetch(world.named())
    assert (error, set(came)) == (None, world.uids)
    assert time.monotonic() - began > 0.7


def test_a_source_that_neither_answers_nor_sends_is_given_up_after_the_response_time_out(
    world: MoveWorld, implementation: Implementation
) -> None:
    world.asked_as(implementation)
    world.response_seconds = 0.5
    world.source.faults = Faults(silent=True)
    began = time.monotonic()
    came, error = world.fetch(world.named())
    assert (came, getattr(error, "reason", None)) == ([], "PartialRetrieve")
    assert 0.5 <= time.monotonic() - began < 3


def test_while_the_caller_is_busy_with_an_instance_the_source_is_not_given_up(world: MoveWorld) -> None:
    world.response_seconds = 0.5
    world.source.faults = Faults(omit_pending_responses=True, delay_per_instance=0.1)
    with world.fetching(world.named()) as fetch:
        running = fetch.run()
        first = next(running)
        time.sleep(0.8)
        came = [first, *running]
    assert {one.sop_instance_uid for one in came} == world.uids


def test_an_abort_from_another_thread_ends_it_within_a_second(world: MoveWorld) -> None:
    world.source.faults = Faults(delay_per_instance=0.05)
    with world.fetching(quiet=30) as fetch:
        running = fetch.run()
        next(running)
        threading.Timer(0.2, fetch.session.abort).start()
        began = time.monotonic()
        with pytest.raises(RetryableError) as error:
            list(running)
        assert error.value.reason == "Aborted"
        assert world.stopped()
        assert time.monotonic() - began < 2


def test_what_the_receiver_has_and_cannot_read_is_asked_for_again_without_a_wait(world: MoveWorld) -> None:
    torn = min(world.uids)
    world.torn = {torn: 1}
    began = time.monotonic()
    came, error = world.fetch(quiet=30)
    assert (error, set(came), came[-1]) == (None, world.uids, torn)
    assert time.monotonic() - began < 5


def test_what_the_receiver_can_never_read_is_told_as_such_after_all_that_came(world: MoveWorld) -> None:
    world.torn = {min(world.uids): 99}
    came, error = world.fetch(quiet=30)
    assert len(came) >= 11
    assert isinstance(error, RetryableError)
    assert "11 of 12" in error.message
    assert "1 of them the receiver has and cannot read" in error.message


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (0xA701, RetryableError, "OutOfResources"),
        (0xA702, RetryableError, "OutOfResources"),
        (0xA801, AccessDenied, "MoveDestinationUnknown"),
        (0xA900, PermanentError, "IdentifierMismatch"),
        (0xC123, RetryableError, "UnableToProcess"),
        (0xFE00, RetryableError, "CanceledByPeer"),
    ],
)
def test_each_status_of_the_table_becomes_an_error_that_says_what_follows(
    world: MoveWorld, status: int, kind: type[AditError], reason: str
) -> None:
    error = move_error(status, "RECEIVER", Peer.of(world.target))
    assert isinstance(error, kind)
    assert error.reason == reason


@pytest.mark.parametrize("status", [0x0000, 0xB000])
def test_success_and_partial_success_are_judged_by_what_arrived(world: MoveWorld, status: int) -> None:
    assert move_error(status, "RECEIVER", Peer.of(world.target)) is None


@pytest.mark.peer
def test_dcmqrscp_moves_a_study_whole(target_of: Callable[..., Target], tmp_path: Path, spool: Path) -> None:
    study = ct_study(patients.PLAIN, instances=5, rows=16)
    files = study.write(tmp_path / "files")
    with LoopbackPacs(tmp_path / "r", "RECEIVER") as receiver:
        destinations = {"RECEIVER": (receiver.host, receiver.port)}
        with Dcmqrscp(tmp_path / "qr", destinations=destinations) as peer, LoopbackPacs(tmp_path / "own") as own:
            own.load(files)
            own.destinations["QRSCP"] = (peer.host, peer.port)
            filled = MoveWorld(own, receiver, study, target_of(own), spool, target_of)
            with DimseConnector(target_of(peer)) as filler:
                sent = [_instance(path) for path in files]
                assert all(outcome.stored for outcome in filler.store(sent, Placement("job")))
            filled.target = target_of(peer)
            came, error = filled.fetch()
    assert (error, set(came)) == (None, {one.sop_instance_uid for one in sent})


def _instance(path: Path) -> Instance:
    meta = read_meta(path)
    data = FileSlice(path, meta.offset, path.stat().st_size - meta.offset)
    return Instance(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, (data,))
