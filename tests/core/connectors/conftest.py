"""Connectors to real peers, closed at the end of the test; instances as they lie in Part-10 files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from adit.api.dicom_server import DicomServerSpec, Dimse
from adit.connectors.dimse import DimseConnector
from adit.connectors.target import Target
from adit.testing.part10 import read_meta
from adit.transfer.instance import FileSlice, Instance


class ListeningPeer(Protocol):
    host: str
    ae_title: str

    @property
    def port(self) -> int: ...


@pytest.fixture
def target_of(tmp_path: Path) -> Callable[..., Target]:
    """Build the Target of a listening peer; keywords go into its `dimse` block."""

    def build(peer: ListeningPeer, *, ae_title: str | None = None, calling: str = "ADIT", **dimse: Any) -> Target:
        block = Dimse(host=peer.host, port=peer.port, **{"response_timeout_seconds": 10, **dimse})
        spec = DicomServerSpec(ae_title=ae_title or peer.ae_title, dimse=block)
        return Target(name=peer.ae_title.lower(), spec=spec, calling_ae_title=calling, mount_dir=tmp_path)

    return build


@pytest.fixture
def connect(target_of: Callable[..., Target]) -> Iterator[Callable[..., DimseConnector]]:
    """Open a DimseConnector to a listening peer; keywords as of `target_of`."""
    with ExitStack() as stack:
        yield lambda peer, **keywords: stack.enter_context(DimseConnector(target_of(peer, **keywords)))


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """An empty directory to fetch into."""
    directory = tmp_path / "spool"
    directory.mkdir()
    return directory


@pytest.fixture
def instance_of() -> Callable[[Path], Instance]:
    """Take a Part-10 file for an instance, its data set where it lies."""

    def build(path: Path) -> Instance:
        meta = read_meta(path)
        data = FileSlice(path, meta.offset, path.stat().st_size - meta.offset)
        return Instance(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, (data,))

    return build
