"""C-MOVE as a way of fetching: announced, reconciled by name, asked for again; the receiver is a second PACS here."""

import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trustme

from adit.api.dicom_server import Implementation
from adit.connectors.dimse import DimseConnector
from adit.connectors.dimse.move import MoveDestinationUnknown, for_move, move_error
from adit.connectors.dimse.move_fetch import MoveFetch
from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.session import Session
from adit.connectors.pace import AT_WILL
from adit.connectors.target import Target, TlsFiles
from adit.errors import AccessDenied, AditError, PeerUnavailable, PermanentError, RetryableError
from adit.query import Selection
from adit.testing import patients
from adit.testing.counted_openings import CountedOpenings
from adit.testing.datasets import Study, ct_study
from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import read_meta
from adit.testing.programs import Dcmqrscp
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.placement import Placement
from adit.transmit.access import ReceiverAccess
from adit.transmit.client import Awaited

ACCESS = ReceiverAccess("RECEIVER", "127.0.0.1", 1, bytes(32))


@dataclass
class Watched:
    """Hands out what a loopback PACS takes in, each instance once, as transmit/client.py does."""

    pacs: LoopbackPacs
    spool: Path
    message_id: int = 4711
    torn: dict[str, int] = field(default_factory=dict)
    """Which cannot be read, and how often they come so."""
    seen: set[str | tuple[str, int]] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    def next(self, seconds: float) -> Instance | None:
        deadline = time.monotonic() + seconds
        while True:
            for one in self.pacs.instances():
                uid = one.sop_instance_uid
                if not self.seen.isdisjoint({uid, (uid, one.sequence)}):
                    continue
                if self.torn.get(uid):
                    self.torn[uid] -= 1
                    self.unreadable.add(uid)
                    self.seen.add((uid, one.sequence))
                    continue
                self.seen.add(uid)
                path = Path(shutil.copy(one.path, self.spool))
                meta = read_meta(path)
                data = FileSlice(path, meta.offset, path.stat().st_size - meta.offset)
                return Instance(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, (data,))
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.005)

    def take_unreadable(self) -> frozenset[str]:
        taken, self.unreadable = frozenset(self.unreadable), set()
        return taken


@dataclass
class World:
    """A filled source, the receiver that it knows, and what was announced there."""

    source: LoopbackPacs
    receiver: LoopbackPacs
    study: Study
    target: Target
    spool: Path
    target_of: Callable[..., Target]
    torn: dict[str, int] = field(default_factory=dict)
    announced: list[Awaited] = field(default_factory=list)
    withdrawn: int = 0
    response_seconds: float = 0
    stopped: Callable[[], bool] = bool

    @contextmanager
    def listen(self, _: ReceiverAccess, wanted: Awaited, spool: Path, stopped: Callable[[], bool]) -> Iterator[Watched]:
        self.stopped = stopped
        assert not self.source.requests or self.source.peak_associations == 1
        self.announced.append(wanted)
        try:
            yield Watched(self.receiver, spool, torn=self.torn)
        finally:
            self.withdrawn += 1

    @property
    def uids(self) -> set[str]:
        return {one.sop_instance_uid for one in self.source.instances()}

    def asked_as(self, implementation: Implementation, **dimse: object) -> None:
        """Ask the source in this way; keywords go into its `dimse` block."""
        self.target = self.target_of(self.source, implementation=implementation, **dimse)

    def selection(self) -> Selection:
        return Selection(patients.PLAIN.patient_id, self.study.study_instance_uid)

    def named(self) -> Selection:
        """All of it, by name: nothing has to be searched."""
        [series] = {one.series_instance_uid for one in self.source.instances()}
        return replace(self.selection(), sop_instance_uids=((series, tuple(sorted(self.uids))),))

    @contextmanager
    def fetching(self, selection: Selection | None = None, quiet: float = 0.4) -> Iterator[MoveFetch]:
        with DimseConnector(self.target) as asked:
            peer = Peer.of(self.target)
            session = Session(replace(peer, response_timeout=self.response_seconds or peer.response_timeout))
            try:
                yield MoveFetch(
                    session,
                    "StudyRoot",
                    ("PatientRoot", "StudyRoot"),
                    "ISO_IR 192",
                    selection or self.selection(),
                    self.spool,
                    asked.find,
                    AT_WILL,
                    ACCESS,
                    self.listen,
                    quiet,
                )
            finally:
                session.close()

    def fetch(self, selection: Selection | None = None, quiet: float = 0.4) -> tuple[list[str], AditError | None]:
        """The UIDs that came, and what was raised after them."""
        came: list[str] = []
        with self.fetching(selection, quiet) as fetch:
            try:
                came.extend(instance.sop_instance_uid for instance in fetch.run())
            except AditError as error:
                return came, error
        return came, None


@pytest.fixture(name="world")
def _world(target_of: Callable[..., Target], tmp_path: Path, spool: Path) -> Iterator[World]:
    study = ct_study(patients.PLAIN, instances=12, rows=16)
    with LoopbackPacs(tmp_path / "a", "PACS") as source, LoopbackPacs(tmp_path / "r", "RECEIVER") as receiver:
        source.load(study.write(tmp_path / "files"))
        source.destinations["RECEIVER"] = (receiver.host, receiver.port)
        yield World(source, receiver, study, target_of(source), spool, target_of)


def test_a_study_is_announced_by_name_before_it_is_asked_for_and_comes_whole(world: World) -> None:
    came, error = world.fetch()
    assert error is None
    assert (set(came), len(came)) == (world.uids, 12)
    [announced] = world.announced
    assert (announced.calling_ae_title, announced.study_instance_uid) == ("PACS", world.study.study_instance_uid)
    assert announced.sop_instance_uids == world.uids
    assert world.withdrawn == 1


def test_it_does_not_wait_where_nothing_is_missing(world: World) -> None:
    began = time.monotonic()
    assert world.fetch(quiet=30)[1] is None
    assert time.monotonic() - began < 5


def test_an_instance_that_fails_once_is_asked_for_again_and_comes(world: World) -> None:
    # Every 7th of each request: the study's 7th, then none of the one that is missing.
    world.source.faults = Faults(fail_fetch_every_nth=7)
    came, error = world.fetch()
    assert (error, set(came)) == (None, world.uids)


def test_what_never_arrives_is_a_partial_retrieval_after_all_that_came(world: World) -> None:
    world.receiver.faults = Faults(drop_every_nth_stored=1)
    came, error = world.fetch(quiet=0.2)
    assert came == []
    assert isinstance(error, RetryableError)
    assert (error.reason, "0 of 12 instances" in error.message) == ("PartialRetrieve", True)


def test_a_destination_that_the_source_does_not_know_is_told_with_what_to_do(world: World) -> None:
    world.source.destinations.clear()
    came, error = world.fetch(quiet=30)
    assert came == []
    assert isinstance(error, MoveDestinationUnknown)
    assert "does not know the AE title RECEIVER" in error.message
    assert "address and DICOM port: for our receiver see docs/receiver.md" in error.message


def test_a_source_that_is_away_is_unavailable_at_once(world: World) -> None:
    with world.fetching(quiet=30) as fetch:
        fetch.find_models = ()
        named = fetch.selection
        fetch.selection = replace(named, sop_instance_uids=(("1.2", ("1.2.3",)),))
        world.source.stop()
        with pytest.raises(PeerUnavailable):
            list(fetch.run())


def test_a_source_that_lists_no_instances_is_reconciled_by_its_counts(world: World) -> None:
    def refuse(_query: object) -> Iterator[object]:
        raise PermanentError("no image level", reason="QueryRefused")

    world.source.faults = Faults(fail_fetch_every_nth=7)
    with world.fetching() as fetch:
        fetch.find = refuse  # type: ignore[assignment] # it yields nothing
        came: list[Instance] = []
        with pytest.raises(RetryableError, match="11 of 12"):
            came.extend(fetch.run())
    assert world.announced[0].sop_instance_uids == frozenset()


def test_a_study_that_is_aborted_in_the_middle_is_asked_for_again(world: World) -> None:
    world.source.faults = Faults(abort_fetch_after=5)
    came, error = world.fetch(quiet=0.2)
    assert len(came) == len(set(came)) >= 5
    assert error is None or error.reason == "PartialRetrieve"
    assert (error is None) == (set(came) == world.uids)


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_what_is_left_early_is_canceled_within_a_second_and_its_association_kept(
    world: World,
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
def secure(world: World, tmp_path: Path) -> Iterator[None]:
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
    world: World, implementation: Implementation
) -> None:
    world.asked_as(implementation)
    world.response_seconds = 0.5
    world.source.faults = Faults(omit_pending_responses=True, delay_per_instance=0.06)
    began = time.monotonic()
    came, error = world.fetch(world.named())
    assert (error, set(came)) == (None, world.uids)
    assert time.monotonic() - began > 0.7


def test_a_source_that_neither_answers_nor_sends_is_given_up_after_the_response_time_out(
    world: World, implementation: Implementation
) -> None:
    world.asked_as(implementation)
    world.response_seconds = 0.5
    world.source.faults = Faults(silent=True)
    began = time.monotonic()
    came, error = world.fetch(world.named())
    assert (came, getattr(error, "reason", None)) == ([], "PartialRetrieve")
    assert 0.5 <= time.monotonic() - began < 3


def test_while_the_caller_is_busy_with_an_instance_the_source_is_not_given_up(world: World) -> None:
    world.response_seconds = 0.5
    world.source.faults = Faults(omit_pending_responses=True, delay_per_instance=0.1)
    with world.fetching(world.named()) as fetch:
        running = fetch.run()
        first = next(running)
        time.sleep(0.8)
        came = [first, *running]
    assert {one.sop_instance_uid for one in came} == world.uids


def test_an_abort_from_another_thread_ends_it_within_a_second(world: World) -> None:
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


def test_what_the_receiver_has_and_cannot_read_is_asked_for_again_without_a_wait(world: World) -> None:
    torn = min(world.uids)
    world.torn = {torn: 1}
    began = time.monotonic()
    came, error = world.fetch(quiet=30)
    assert (error, set(came), came[-1]) == (None, world.uids, torn)
    assert time.monotonic() - began < 5


def test_what_the_receiver_can_never_read_is_told_as_such_after_all_that_came(world: World) -> None:
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
    world: World, status: int, kind: type[AditError], reason: str
) -> None:
    error = move_error(status, "RECEIVER", Peer.of(world.target))
    assert isinstance(error, kind)
    assert error.reason == reason


@pytest.mark.parametrize("status", [0x0000, 0xB000])
def test_success_and_partial_success_are_judged_by_what_arrived(world: World, status: int) -> None:
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
            filled = World(own, receiver, study, target_of(own), spool, target_of)
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
