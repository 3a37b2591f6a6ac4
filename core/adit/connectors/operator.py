"""DicomOperator: one server by the ways that it supports, chosen once when it is opened; what the pipeline is given."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydicom import Dataset

from adit.api.dicom_folder import DicomFolderSpec
from adit.api.dicom_server import DicomServerSpec, RetrieveMethod, StoreMethod
from adit.connectors.connector import Connector
from adit.connectors.target import Target
from adit.errors import BadInput, PermanentError, RetryableError
from adit.query import Query, Selection
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement
from adit.transfer.stream import EndsFetch

Way = Literal["dimse", "move", "web"]
_WAY_OF: dict[RetrieveMethod | StoreMethod, Way] = {
    "CGet": "dimse",
    "Wado": "web",
    "CMove": "move",
    "CStore": "dimse",
    "Stow": "web",
}


def open_connector(target: Target) -> Connector:
    """The connector of a server or a folder; nothing is connected before it is used."""
    if isinstance(target.spec, DicomFolderSpec):
        from adit.connectors.folder import FolderConnector  # noqa: PLC0415 - see _connector

        return FolderConnector(target)
    return DicomOperator(target)


class DicomOperator:
    """A Connector over DIMSE and DICOMweb; the one not in use is closed, so that one connection is open at most."""

    def __init__(self, target: Target) -> None:
        if not isinstance(target.spec, DicomServerSpec):
            raise BadInput(f"{target.name} is no DicomServer")
        self.name = target.name
        self._target = target
        self._echo = echo_way(target.spec)
        self._find = find_way(target.spec)
        self._fetch = fetch_way(target.spec, receiver=target.receiver is not None)
        self._store = store_way(target.spec)
        self._open: dict[Way, Connector] = {}
        self._aborted = False

    def echo(self) -> None:
        self._by(self._echo).echo()

    def find(self, query: Query) -> Iterator[Dataset]:
        if self._find is None:
            raise PermanentError(
                f"{self.name} cannot be searched: neither spec.dimse.find nor spec.dicomweb.qido is on",
                reason="FindUnsupported",
            )
        return self._by(self._find).find(query)

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        if self._fetch is None:
            raise PermanentError(retrieve_unsupported(self._target), reason="RetrieveUnsupported")
        return self._by(self._fetch).fetch(selection, spool)

    def moves_to(self, destination: Connector) -> str:
        """The AE title under which this server may send to `destination` itself; empty where it may or can not.

        `destination` must be searchable, for nobody else can say then what has arrived there.
        """
        spec = self._target.spec
        if not isinstance(destination, DicomOperator) or destination._find is None:  # noqa: SLF001 - one of ours
            return ""
        other = destination._target.spec  # noqa: SLF001 - one of ours
        assert isinstance(spec, DicomServerSpec)
        assert isinstance(other, DicomServerSpec)
        allowed = spec.dimse.move_destinations if spec.dimse is not None and spec.dimse.move else ()
        return other.ae_title if other.ae_title in allowed else ""

    def move_to(self, selection: Selection, ae_title: str) -> Iterator[int]:
        """Let the server send to a third party; yields how many it says it has sent."""
        from adit.connectors.dimse import DimseConnector  # noqa: PLC0415 - see _connector

        connector = self._by("dimse")
        assert isinstance(connector, DimseConnector)
        return connector.move_to(selection, ae_title)

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:
        if self._store is None:
            raise PermanentError(
                f"{self.name} cannot be stored to: none of its spec.storeOrder is switched on "
                "(spec.dimse.store, spec.dicomweb.stow)",
                reason="StoreUnsupported",
            )
        return self._by(self._store).store(instances, placement)

    def end_fetch(self) -> None:
        """Nobody takes any more of a C-MOVE that is under way: it is canceled. From any thread."""
        for connector in tuple(self._open.values()):
            if isinstance(connector, EndsFetch):
                connector.end_fetch()

    def abort(self) -> None:
        self._aborted = True
        for connector in tuple(self._open.values()):
            connector.abort()

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _by(self, way: Way) -> Connector:
        if self._aborted:
            raise RetryableError(f"the exchange with {self.name} was aborted", reason="Aborted")
        way = "web" if way == "web" else "dimse"  # one association for search and retrieval, whichever that is
        if way not in self._open:
            self.close()
            self._open[way] = _connector(way, self._target, move=self._fetch == "move")
        return self._open[way]


def _connector(way: Way, target: Target, *, move: bool) -> Connector:
    """Import what is used and nothing else: pynetdicom and httpx cost 20 MB and a quarter of a second each."""
    if way == "dimse":
        from adit.connectors.dimse import DimseConnector  # noqa: PLC0415 - as said above

        return DimseConnector(target, move=move)
    from adit.connectors.web import DicomWebConnector  # noqa: PLC0415 - as said above

    return DicomWebConnector(target)


def echo_way(spec: DicomServerSpec) -> Way:
    """C-ECHO where there is a DICOM port, else a one-row QIDO."""
    return "dimse" if spec.dimse is not None else "web"


def find_way(spec: DicomServerSpec) -> Way | None:
    """C-FIND where a model is supported, else QIDO."""
    if spec.dimse is not None and spec.dimse.find:
        return "dimse"
    return "web" if spec.dicomweb is not None and spec.dicomweb.qido else None


def fetch_way(spec: DicomServerSpec, *, receiver: bool = False) -> Way | None:
    """The first of `retrieveOrder` that the server supports; C-MOVE only where there is a receiver."""
    supported: dict[RetrieveMethod, bool] = {
        "CGet": spec.dimse is not None and spec.dimse.get,
        "Wado": spec.dicomweb is not None and spec.dicomweb.wado,
        "CMove": spec.dimse is not None and spec.dimse.move and receiver,
    }
    return next((_WAY_OF[method] for method in spec.retrieve_order if supported.get(method)), None)


def store_way(spec: DicomServerSpec) -> Way | None:
    """The first of `storeOrder` that the server supports."""
    supported: dict[StoreMethod, bool] = {
        "CStore": spec.dimse is not None and spec.dimse.store,
        "Stow": spec.dicomweb is not None and spec.dicomweb.stow,
    }
    return next((_WAY_OF[method] for method in spec.store_order if supported.get(method)), None)


def retrieve_unsupported(target: Target) -> str:
    """Why nothing can be fetched, in words."""
    spec = target.spec
    assert isinstance(spec, DicomServerSpec)
    if "CMove" in spec.retrieve_order and spec.dimse is not None and spec.dimse.move:
        return (
            f"{target.name} offers C-MOVE only, and this installation has no receiver that it could send to; install "
            "one (receiver.enabled of the chart; adit run: ADIT_RECEIVER_PORT), or switch on spec.dimse.get or "
            "spec.dicomweb.wado if it has them"
        )
    return (
        f"nothing can be fetched from {target.name}: none of its spec.retrieveOrder is switched on "
        "(spec.dimse.get, spec.dicomweb.wado, spec.dimse.move)"
    )
