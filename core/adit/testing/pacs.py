"""The loopback PACS: a real DICOM server on 127.0.0.1 that stores byte for byte and misbehaves on request.

Tests, the demo and `adit pacs` use it. Its door is listener.py, its services pacs_services.py, its index pacs_index.py.
"""

import itertools
import shutil
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from pydicom.dataset import Dataset
from pydicom.uid import UID

from adit.testing import upper_layer as ul
from adit.testing.elements import EXPLICIT_LITTLE, IMPLICIT_LITTLE, UnreadableDataSet
from adit.testing.faults import Faults
from adit.testing.listener import HOST, Listener, Rejection
from adit.testing.negotiation import Associate, Context, Proposal
from adit.testing.pacs_index import Index, StoredInstance, read_instance
from adit.testing.pacs_services import QUERY_RETRIEVE, VERIFICATION, Admission, Services

PARTIAL_PREFIX = ".partial-"
CALLING_UNKNOWN, CALLED_UNKNOWN, LIMIT_EXCEEDED = (1, 1, 3), (1, 1, 7), (2, 3, 2)


class LoopbackPacs:
    """A PACS in threads of this process; use it as a context manager, or `start()` and `stop()` it.

    The directory is scanned at the start; every DICOM instance in it is served. `port=0` takes a free one.
    `destinations` maps the AE titles that C-MOVE may send to onto (host, port), and may be changed while it runs.
    """

    def __init__(
        self,
        directory: Path,
        ae_title: str = "PACS",
        port: int = 0,
        destinations: Mapping[str, tuple[str, int]] | None = None,
        faults: Faults | None = None,
        *,
        require_called_aet: bool = True,
        allowed_calling: Iterable[str] | None = None,
        maximum_associations: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.ae_title = ae_title
        self.host = HOST
        self.destinations: dict[str, tuple[str, int]] = dict(destinations or {})
        self._directory = directory
        self._wanted_port = port
        self._require_called = require_called_aet
        self._allowed_calling = None if allowed_calling is None else frozenset(allowed_calling)
        self._maximum = maximum_associations
        self._tls = tls
        self._faults = faults or Faults()
        self._index = Index()
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._stopping = threading.Event()
        self._received = self._stores = 0
        self._requests: list[float] = []
        self._partials = itertools.count()

    # life -------------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Index the directory, listen, and answer; returns when the port is open. Again, it is the same port."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for path in sorted(path for path in self._directory.rglob("*") if path.is_file()):
            if path.name.startswith(PARTIAL_PREFIX):
                path.unlink()  # left behind by a PACS that was killed
                continue
            try:
                self._index.put(read_instance(path, self._index.next_sequence()))
            except UnreadableDataSet:
                continue  # a person's folder may hold other files as well
        self._stopping.clear()
        self._listener = Listener(self, self._wanted_port, self._tls)
        self._wanted_port = self._listener.port

    def stop(self) -> None:
        """Close every connection and wait for the threads."""
        self._stopping.set()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    @property
    def port(self) -> int:
        if self._listener is None:
            raise RuntimeError("the loopback PACS is not running")
        return self._listener.port

    # content ----------------------------------------------------------------------------------------------------------

    def load(self, paths: Iterable[Path]) -> None:
        """Copy Part-10 files in, without a network; raises UnreadableDataSet for a file that is none."""
        for path in paths:
            partial = self.partial()
            try:
                shutil.copyfile(path, partial)
                self._put(partial)
            finally:
                partial.unlink(missing_ok=True)

    def store(self, dataset: Dataset) -> None:
        """Write a data set that has its file meta information, and serve it."""
        partial = self.partial()
        try:
            dataset.save_as(partial, enforce_file_format=True)
            self._put(partial)
        finally:
            partial.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove every instance and start the counters again."""
        for instance in self._index.clear():
            instance.path.unlink(missing_ok=True)
        with self._lock:
            self._received = self._stores = 0
            self._requests.clear()
        if self._listener is not None:
            self._listener.forget_peak()

    def instances(self) -> tuple[StoredInstance, ...]:
        """What is stored now, in the order of arrival."""
        return self._index.instances()

    @property
    def received(self) -> int:
        """C-STOREs whose instance was kept, since the start or the last `clear()`."""
        return self._received

    @property
    def requests(self) -> tuple[float, ...]:
        """When each C-FIND, C-GET and C-MOVE came (monotonic seconds), since the start or the last `clear()`."""
        with self._lock:
            return tuple(self._requests)

    @property
    def peak_associations(self) -> int:
        """The highest number of accepted associations open at once, since the start or the last `clear()`."""
        return 0 if self._listener is None else self._listener.peak

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._lock:
            self._faults = faults
            self._stores = 0

    # what the services use --------------------------------------------------------------------------------------------

    def partial(self) -> Path:
        """A new path in the directory to receive a file into."""
        return self._directory / f"{PARTIAL_PREFIX}{next(self._partials)}"

    def pause(self) -> None:
        """Wait the delay that the faults ask for; stopping ends it."""
        if self._faults.delay_per_instance:
            self._stopping.wait(self._faults.delay_per_instance)

    def note_request(self) -> None:
        """Remember when a request came that asks for something."""
        with self._lock:
            self._requests.append(time.monotonic())

    def admit(self) -> Admission:
        """Decide what happens to the next C-STORE."""
        self.pause()
        with self._lock:
            self._stores += 1
            faults, number = self._faults, self._stores
        refused = faults.refuse_store_status if number > faults.refuse_store_after else 0
        dropped = faults.drop_every_nth_stored and number % faults.drop_every_nth_stored == 0
        return Admission(refused, drop=bool(dropped))

    def keep(self, partial: Path) -> None:
        """Index a received file under its SOP Instance UID; raises UnreadableDataSet."""
        self._put(partial)
        with self._lock:
            self._received += 1

    def _put(self, partial: Path) -> None:
        instance = read_instance(partial, self._index.next_sequence())
        path = self._directory / f"{instance.sop_instance_uid}.dcm"
        partial.replace(path)
        former = self._index.put(replace(instance, path=path))
        if former is not None and former.path != path:
            former.path.unlink(missing_ok=True)

    # what the listener asks -------------------------------------------------------------------------------------------

    def reject(self, request: Associate, already_open: int) -> Rejection | None:
        if self._faults.reject_associations:
            return self._faults.rejection
        if self._require_called and request.called != self.ae_title:
            return CALLED_UNKNOWN
        if self._allowed_calling is not None and request.calling not in self._allowed_calling:
            return CALLING_UNKNOWN
        return LIMIT_EXCEEDED if self._maximum is not None and already_open >= self._maximum else None

    def choose(self, request: Associate, proposal: Proposal) -> str | None:
        uid, syntaxes = proposal.abstract_syntax, proposal.transfer_syntaxes
        if uid == VERIFICATION or uid in QUERY_RETRIEVE:
            return next((syntax for syntax in syntaxes if syntax in (IMPLICIT_LITTLE, EXPLICIT_LITTLE)), None)
        if self._faults.no_storage_contexts or not is_storage(uid) or not syntaxes:
            return None
        _, peer_receives = request.roles.get(uid, (1, 0))
        held = Counter(one.transfer_syntax_uid for one in self._index if one.sop_class_uid == uid)
        if peer_receives and held:  # a C-GET: what we hold can be sent only as it is
            return max(syntaxes, key=lambda syntax: held[syntax])
        return syntaxes[0]

    def serve(self, connection: ul.Connection, contexts: Mapping[int, Context], calling: str) -> None:
        Services(self, connection, contexts, calling).serve()


def is_storage(uid: str) -> bool:
    """Whether instances of this SOP class can be stored; a UID unknown to the standard is taken for a private one."""
    known = UID(uid)
    if not known.type:
        return True
    return known.type == "SOP Class" and "Storage" in known.name and "Storage Commitment" not in known.name
