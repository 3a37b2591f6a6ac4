"""Where everything lies while the table is measured: the data, the Orthancs that are asked for it, one work folder."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from adit.testing.orthanc import Orthanc
from adit.testing.programs import HOST, free_port, require_program
from benchmarks.processes import inherited, run
from benchmarks.studies import CT_ROWS, MR_ROWS, SMALL_ROWS, StudyFiles, write_clip, write_slices

Kind = Literal["ct", "mr", "large", "few", "many", "tiny"]
FIND_PREFIX: Final = "BENCH-find"
"""Begins the PatientID of every study that the searches find, and of no other."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: everything follows from the number of CT slices, 500 where it is to be compared with the goals."""

    slices: int = 500

    @property
    def sizes(self) -> Mapping[Kind, int]:
        """Instances (frames of the large one) of each study."""
        return {
            "ct": self.slices,
            "mr": self.slices * 4,
            "large": max(2, self.slices * 4 // 5),
            "few": max(2, self.slices * 2 // 5),
            "many": self.slices * 10,
            "tiny": 1,
        }

    @property
    def studies(self) -> int:
        """Rows of the search."""
        return self.slices * 2


class Place:
    """Made once per run; studies are written and sources are filled when they are first asked for."""

    def __init__(self, folder: Path, disk: Path, scale: Scale, stack: ExitStack) -> None:
        self.folder, self.disk, self.scale = folder, disk, scale
        self.destinations = {"STORESCP": (HOST, free_port()), "RECEIVER": (HOST, free_port())}
        """Where the sources send to when they are asked to move: AE title → host and port."""
        self._stack = stack
        self._studies: dict[Kind, StudyFiles] = {}
        self._sources: dict[bool, Orthanc] = {}
        self._filled: set[tuple[bool, str]] = set()

    def study(self, kind: Kind) -> StudyFiles:
        if kind not in self._studies:
            self._studies[kind] = self._write(kind)
        return self._studies[kind]

    def source(self, study: StudyFiles, *, tcp_nodelay: bool) -> Orthanc:
        """An Orthanc that holds the study."""
        orthanc = self._orthanc(tcp_nodelay=tcp_nodelay)
        self._fill(study.label, lambda: orthanc.upload(sorted(study.directory.iterdir())), tcp_nodelay=tcp_nodelay)
        return orthanc

    def searched(self) -> Orthanc:
        """An Orthanc with as many studies of one instance as the search is to find."""
        orthanc = self._orthanc(tcp_nodelay=True)
        self._fill(FIND_PREFIX, lambda: self._push_studies(orthanc), tcp_nodelay=True)
        return orthanc

    @contextmanager
    def work(self, *, on_disk: bool = False) -> Iterator[Path]:
        """An empty folder for one repetition."""
        folder = (self.disk if on_disk else self.folder) / "work"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _write(self, kind: Kind) -> StudyFiles:
        data, size = self.folder / "data", self.scale.sizes[kind]
        if kind == "large":
            return write_clip(data, kind, size)
        if kind == "mr":
            return write_slices(data, kind, size, MR_ROWS, modality="MR")
        return write_slices(data, kind, size, CT_ROWS if kind in ("ct", "few") else SMALL_ROWS)

    def _orthanc(self, *, tcp_nodelay: bool) -> Orthanc:
        if tcp_nodelay not in self._sources:
            directory = self.folder / f"source-{'nodelay' if tcp_nodelay else 'installed'}"
            orthanc = Orthanc(directory, tcp_nodelay=tcp_nodelay, ae_title="SOURCE", modalities=self.destinations)
            self._sources[tcp_nodelay] = self._stack.enter_context(orthanc)
        return self._sources[tcp_nodelay]

    def _fill(self, label: str, fill: Callable[[], None], *, tcp_nodelay: bool) -> None:
        if (tcp_nodelay, label) not in self._filled:
            fill()
            self._filled.add((tcp_nodelay, label))

    def _push_studies(self, orthanc: Orthanc) -> None:
        """By DICOM, in one association."""
        folder = self.folder / "studies"
        for number in range(self.scale.studies):
            write_slices(folder, f"{FIND_PREFIX[6:]}{number:05d}", 1, SMALL_ROWS)
        command = [str(require_program("dcmsend")), "+sd", "+r", "-aec", orthanc.ae_title, HOST, str(orthanc.port)]
        environment = inherited(tcp_nodelay=True)
        sent = run([*command, str(folder)], environment=environment, folder=self.folder, limit_seconds=120)
        shutil.rmtree(folder)
        if sent.returncode:
            raise RuntimeError(f"dcmsend could not fill Orthanc: {sent.stderr[-300:]}")
