"""DicomWebConnector: one PACS over HTTP, behind the same protocol as every other peer."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Self

from pydicom import Dataset

from adit.api.dicom_server import DicomServerSpec
from adit.connectors.matching import matches
from adit.connectors.target import Target
from adit.connectors.web.door import Door
from adit.connectors.web.qido import Qido
from adit.connectors.web.search import searches_for
from adit.connectors.web.stow import Stow
from adit.connectors.web.wado import Wado
from adit.errors import BadInput
from adit.query import Level, Query, Selection
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement

_KEYS = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}


class DicomWebConnector:
    """Implements adit.connectors.connector.Connector with QIDO-RS, WADO-RS and STOW-RS over one HTTP connection."""

    def __init__(self, target: Target) -> None:
        if not isinstance(target.spec, DicomServerSpec) or target.spec.dicomweb is None:
            raise BadInput(f"{target.name}: has no dicomweb block, so it cannot be spoken to over HTTP")
        self.name = target.name
        self._door = Door(target.name, target.spec.dicomweb, target.authorization, target.pace)
        self._qido, self._wado, self._stow = Qido(self._door), Wado(self._door), Stow(self._door)

    def echo(self) -> None:
        """A one-row QIDO."""
        self._qido.one_row()

    def find(self, query: Query) -> Iterator[Dataset]:
        """QIDO-RS; every page until the server has no more, or `query.limit` is reached."""
        answers = chain.from_iterable(self._qido.answers(search, query.limit) for search in searches_for(query))
        matching = (answer for answer in answers if matches(query, answer))
        yield from islice(_distinct(matching, _KEYS[query.level]), query.limit)

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        """WADO-RS."""
        yield from self._wado.fetch(selection, spool)

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:  # noqa: ARG002 - a PACS places by UIDs
        """STOW-RS."""
        yield from self._stow.store(instances)

    def abort(self) -> None:
        """Shut the socket, from any thread; the connector is of no use afterwards."""
        self._door.abort()

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _distinct(answers: Iterable[Dataset], keyword: str) -> Iterator[Dataset]:
    """Each patient, study, series or instance once, though several searches found it."""
    seen: set[str] = set()
    for answer in answers:
        key = str(answer.get(keyword) or "")
        if not key or key not in seen:
            seen.add(key)
            yield answer
