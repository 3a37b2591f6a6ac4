"""Whether a repetition moved what it was to move: every instance is there, a sample of data sets byte by byte."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from pydicom import dcmread

from adit.testing.elements import UnreadableDataSet
from adit.testing.part10 import read_meta
from benchmarks.studies import StudyFiles

SAMPLED: Final = 12


Slice = tuple[Path, int]
"""A file, and where the encoded data set begins in it."""
Same = Callable[[Slice, Slice], bool]


def identical(sent: Slice, held: Slice) -> bool:
    one, other = (path.read_bytes()[start:] for path, start in (sent, held))
    return one == other


def equal(sent: Slice, held: Slice) -> bool:
    """Element by element but private ones: all that is left where data sets are decoded and encoded as implicit VR."""
    one, other = dcmread(sent[0]), dcmread(held[0])
    for dataset in (one, other):
        dataset.remove_private_tags()
    return bool(one == other)


class Held:
    """What lies at a destination: SOP Instance UID → how to read the encoded data set."""

    def __init__(self, slices: Mapping[str, Slice]) -> None:
        self._slices = slices

    @classmethod
    def of_files(cls, paths: Iterable[Path]) -> "Held":
        """Part-10 files. Raises UnreadableDataSet."""
        found = {}
        for path in paths:
            meta = read_meta(path)
            found[meta.sop_instance_uid] = (path, meta.offset)
        return cls(found)

    @classmethod
    def of_spool(cls, listed: Path) -> "Held":
        """Data sets without a front, as a child of ours has listed them."""
        told = json.loads(listed.read_text("utf-8"))
        return cls({name: (Path(path), int(start)) for name, path, start in told})

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._slices)

    @property
    def paths(self) -> list[Path]:
        return [path for path, _ in self._slices.values()]

    def __getitem__(self, name: str) -> Slice:
        return self._slices[name]


def problem(study: StudyFiles, held: Held, *, same: Same = identical) -> str:
    """Empty where everything arrived as it was sent."""
    missing, strange = study.sop_instance_uids - held.names, held.names - study.sop_instance_uids
    if missing or strange:
        return f"{len(missing)} of {study.instances} are missing, {len(strange)} are not of the study"
    return changes(sample(sorted(study.directory.iterdir())), held, same)


def changes(sent: Iterable[Path], held: Held, same: Same = identical) -> str:
    """Empty where each of the sent files is held as it was."""
    metas = [(path, read_meta(path)) for path in sent]
    changed = sum(not same((path, meta.offset), held[meta.sop_instance_uid]) for path, meta in metas)
    return f"{changed} sampled data sets were changed" if changed else ""


def folder_problem(study: StudyFiles, folder: Path, *, same: Same = identical) -> str:
    """The same of a folder, at any depth; what is hidden or half is not counted as there."""
    try:
        return problem(study, Held.of_files(files(folder)), same=same)
    except UnreadableDataSet as error:
        return str(error)


def files(folder: Path) -> list[Path]:
    """Everything at any depth that is not hidden."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def gaps(paths: Iterable[Path]) -> tuple[float, ...]:
    """Seconds between one file's last write and the next one's: nobody stands in the way to measure it."""
    times = sorted(path.stat().st_mtime_ns for path in paths)
    return tuple((later - earlier) / 1e9 for earlier, later in pairwise(times))


def sample(paths: Sequence[Path]) -> list[Path]:
    """The first, the last and some between."""
    if len(paths) <= SAMPLED:
        return list(paths)
    return [paths[number * (len(paths) - 1) // (SAMPLED - 1)] for number in range(SAMPLED)]
