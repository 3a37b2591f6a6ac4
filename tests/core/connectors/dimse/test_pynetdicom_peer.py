"""Our own upper layer with pynetdicom on the other side: C-ECHO, C-FIND, C-GET and C-STORE."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pynetdicom import AE, evt

from adit.connectors.dimse import DimseConnector
from adit.connectors.dimse.contexts import FIND_MODELS, GET_MODELS, IMAGE_SYNTAXES, UNCOMPRESSED, VERIFICATION
from adit.connectors.target import Target
from adit.query import Level, Query, Selection
from adit.testing.datasets import ct_study
from adit.testing.odd_files import CT, odd_files
from adit.testing.part10 import data_set_bytes
from adit.testing.patients import PLAIN
from adit.transfer.instance import Instance
from adit.transfer.placement import Placement

STUDY = ct_study(PLAIN, instances=5)


@dataclass
class PynetdicomPeer:
    """An SCP that answers every search and retrieval with the same files, and keeps the bytes that are stored."""

    files: list[Path]
    ae_title: str = "PYNET"
    host: str = "127.0.0.1"
    port: int = 0
    stored: list[bytes] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator["PynetdicomPeer"]:
        entity = AE(self.ae_title)
        for uid in (VERIFICATION, FIND_MODELS["StudyRoot"], GET_MODELS["StudyRoot"]):
            entity.add_supported_context(uid, list(UNCOMPRESSED))
        entity.add_supported_context(CT, list(IMAGE_SYNTAXES), scu_role=True, scp_role=True)
        handlers = [(evt.EVT_C_FIND, self.find), (evt.EVT_C_GET, self.get), (evt.EVT_C_STORE, self.store)]
        address = (self.host, 0)
        server = entity.start_server(address, block=False, evt_handlers=handlers)  # type: ignore[arg-type] # it is one
        assert server is not None
        self.port = server.server_address[1]
        try:
            yield self
        finally:
            server.shutdown()

    def find(self, _: Any) -> Iterator[tuple[int, Dataset | None]]:
        for path in self.files:
            answer = Dataset()
            answer.QueryRetrieveLevel = "IMAGE"
            answer.SOPInstanceUID = path.stem
            yield 0xFF00, answer

    def get(self, _: Any) -> Iterator[Any]:
        yield len(self.files)
        for path in self.files:
            yield 0xFF00, dcmread(path)

    def store(self, event: Any) -> int:
        self.stored.append(event.request.DataSet.getvalue())
        return 0


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return STUDY.write(tmp_path / "ct")


@pytest.fixture
def peer(files: list[Path]) -> Iterator[PynetdicomPeer]:
    with PynetdicomPeer(files).running() as running:
        yield running


@pytest.fixture
def connector(target_of: Callable[..., Target], peer: PynetdicomPeer) -> Iterator[DimseConnector]:
    with DimseConnector(target_of(peer)) as opened:
        yield opened


def test_it_is_searched(connector: DimseConnector, files: list[Path]) -> None:
    connector.echo()
    query = Query(Level.IMAGE, study_instance_uid="1.2", series_instance_uid="1.2.3")
    assert [str(one.SOPInstanceUID) for one in connector.find(query)] == [path.stem for path in files]


def test_it_sends_what_is_fetched(connector: DimseConnector, files: list[Path], spool: Path) -> None:
    got = {
        one.sop_instance_uid: b"".join(one.chunks())
        for one in connector.fetch(Selection("", STUDY.study_instance_uid), spool)
    }
    assert got == {path.stem: data_set_bytes(path) for path in files}


def test_it_keeps_what_is_stored(
    connector: DimseConnector, peer: PynetdicomPeer, instance_of: Callable[[Path], Instance], tmp_path: Path
) -> None:
    odd = [path for name, path in odd_files(tmp_path / "odd").items() if name != "private SOP class"]  # has no service
    assert all(one.stored for one in connector.store(map(instance_of, odd), Placement("job")))
    assert sorted(peer.stored) == sorted(data_set_bytes(path) for path in odd)
