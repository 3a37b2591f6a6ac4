"""A source that is asked to move to a second PACS, which stands for the receiver, for tests of fetching by C-MOVE."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from adit.api.dicom_server import Implementation
from adit.connectors.dimse import DimseConnector
from adit.connectors.dimse.move_fetch import MoveFetch
from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.session import Session
from adit.connectors.pace import AT_WILL
from adit.connectors.target import Target
from adit.errors import AditError
from adit.query import Selection
from adit.testing import patients
from adit.testing.datasets import Study
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import read_meta
from adit.transfer.instance import FileSlice, Instance
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
    still_coming: bool = False
    """Whether a large instance is on its way all the time."""
    until: float = 0
    """Nothing comes before this moment (monotonic seconds)."""
    gap: float = 0
    """Seconds from asking for one to its coming, after another one has come."""

    came: bool = False

    def next(self, seconds: float) -> Instance | None:
        deadline = time.monotonic() + seconds
        if self.came:
            self.came, self.until = False, time.monotonic() + self.gap
        while True:
            for one in self.pacs.instances() if time.monotonic() >= self.until else ():
                uid = one.sop_instance_uid
                if not self.seen.isdisjoint({uid, (uid, one.sequence)}):
                    continue
                if self.torn.get(uid):
                    self.torn[uid] -= 1
                    self.unreadable.add(uid)
                    self.seen.add((uid, one.sequence))
                    continue
                self.seen.add(uid)
                self.came = True
                path = Path(shutil.copy(one.path, self.spool))
                meta = read_meta(path)
                data = FileSlice(path, meta.offset, path.stat().st_size - meta.offset)
                return Instance(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, (data,))
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.005)

    @property
    def heard(self) -> float:
        return time.monotonic() if self.still_coming and time.monotonic() < self.until else 0.0

    def take_unreadable(self) -> frozenset[str]:
        taken, self.unreadable = frozenset(self.unreadable), set()
        return taken


@dataclass
class MoveWorld:
    """A filled source, the receiver that it knows, and what was announced there."""

    source: LoopbackPacs
    receiver: LoopbackPacs
    study: Study
    target: Target
    spool: Path
    target_of: Callable[..., Target]
    torn: dict[str, int] = field(default_factory=dict)
    late: float = 0
    gap: float = 0
    still_coming: bool = False
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
            yield Watched(
                self.receiver,
                spool,
                torn=self.torn,
                until=time.monotonic() + self.late,
                gap=self.gap,
                still_coming=self.still_coming,
            )
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
