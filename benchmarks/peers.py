"""The peers of a scenario as started processes: where studies come from, where they go, and what has arrived there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from adit.testing.orthanc import Orthanc
from adit.testing.part10 import read_meta
from adit.testing.programs import Storescp
from benchmarks.studies import StudyFiles

P = TypeVar("P", Orthanc, Storescp)


class Destination(Protocol):
    """A peer that stores; `clear` empties it, `held` are the SOP Instance UIDs that it has."""

    name: str

    @property
    def pid(self) -> int: ...

    @property
    def ae_title(self) -> str: ...

    @property
    def port(self) -> int: ...

    def manifest(self) -> Mapping[str, Any]:
        """The spec of its DicomServer."""
        ...

    def clear(self) -> None: ...

    def held(self) -> frozenset[str]: ...


class ProgramPeer(Generic[P]):
    """What every started program says of itself."""

    def __init__(self, program: P, name: str) -> None:
        self.name = name
        self._program: P = program

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def ae_title(self) -> str:
        return self._program.ae_title

    @property
    def port(self) -> int:
        return self._program.port


class OrthancPeer(ProgramPeer[Orthanc]):
    """An Orthanc, as source or destination."""

    def manifest(self) -> Mapping[str, Any]:
        return {"aeTitle": self.ae_title, "dimse": {"host": self._program.host, "port": self.port}}

    def fill(self, study: StudyFiles) -> None:
        self._program.upload(sorted(study.directory.iterdir()))

    def clear(self) -> None:
        self._program.clear()

    def held(self) -> frozenset[str]:
        return frozenset(self._program.sop_instance_uids())


class StorescpPeer(ProgramPeer[Storescp]):
    """dcmtk's storescp: it cannot be searched, so what it has is what lies in its folder."""

    def manifest(self) -> Mapping[str, Any]:
        reached = {"host": self._program.host, "port": self.port, "find": [], "get": False}
        return {"aeTitle": self.ae_title, "dimse": reached}

    def clear(self) -> None:
        for path in self._program.files():
            path.unlink()

    def held(self) -> frozenset[str]:
        return frozenset(read_meta(path).sop_instance_uid for path in self._program.files())


def start_orthanc(folder: Path, name: str, *, tcp_nodelay: bool) -> Orthanc:
    """An Orthanc to be entered; `name` is its AE title in capitals."""
    return Orthanc(folder / name, tcp_nodelay=tcp_nodelay, ae_title=name.upper())
