"""Answers a query from what really lies in the folder, so that what was written can be proved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydicom import Dataset

from adit.connectors.folder.identity import Identity
from adit.connectors.folder.stored_file import sizes_in, stored_files
from adit.connectors.folder.tree import Tree, subdirectories
from adit.connectors.matching import matches
from adit.query import Level, Query

Path = tuple[str, ...]
_STUDY_DEPTH = 3  # job folder, patient, study
_SERIES_KEYWORDS = ("Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription")


def answers(tree: Tree, query: Query, studies: Mapping[str, set[Path]], sizes: Mapping[Path, int]) -> Iterator[Dataset]:
    """Every match below the root.

    `studies` says where a study was written, else everything is searched; `sizes` how many bytes a file must have.
    """
    folders = _series_folders(tree, query, studies)
    if query.level is Level.IMAGE:
        found = (identity.elements() for path, _ in folders for identity in _whole(tree, path, sizes))
    else:
        found = (summary.answer(query.level) for summary in _summaries(tree, query.level, folders, sizes))
    yield from (answer for answer in found if matches(query, answer))


@dataclass(slots=True)
class _Summary:
    """A patient, study or series as its series folders show it."""

    identity: Identity
    modalities: set[str] = field(default_factory=set)
    series: set[str] = field(default_factory=set)
    instances: int = 0

    def answer(self, level: Level) -> Dataset:
        answer = self.identity.elements()
        for keyword in ("SOPClassUID", "SOPInstanceUID", *(_SERIES_KEYWORDS if level is not Level.SERIES else ())):
            if keyword in answer:
                delattr(answer, keyword)
        if level is Level.SERIES:
            answer.NumberOfSeriesRelatedInstances = self.instances
        if level is Level.STUDY:
            answer.ModalitiesInStudy = sorted(self.modalities)
            answer.NumberOfStudyRelatedSeries = len(self.series)
            answer.NumberOfStudyRelatedInstances = self.instances
        return answer


def _summaries(
    tree: Tree, level: Level, folders: Iterator[tuple[Path, Identity]], sizes: Mapping[Path, int]
) -> Iterator[_Summary]:
    summaries: dict[str, _Summary] = {}
    for path, identity in folders:
        key = {
            Level.PATIENT: identity.patient_id,
            Level.STUDY: identity.study_instance_uid,
            Level.SERIES: identity.series_instance_uid,
        }[level]
        summary = summaries.setdefault(key, _Summary(identity))
        summary.modalities.add(identity.modality)
        summary.series.add(identity.series_instance_uid)
        with tree.directory(path, create=False) as directory:
            there = sizes_in(directory)
        summary.instances += sum(sizes.get((*path, name), size) == size for name, size in there.items())
    yield from summaries.values()


def _whole(tree: Tree, path: Path, sizes: Mapping[Path, int]) -> Iterator[Identity]:
    """The instances of a series folder that have all of their bytes."""
    with tree.directory(path, create=False) as directory:
        for file in stored_files(directory):
            if sizes.get((*path, file.name), file.size) == file.size:
                yield file.identity


def _series_folders(tree: Tree, query: Query, studies: Mapping[str, set[Path]]) -> Iterator[tuple[Path, Identity]]:
    """Series folders that may hold an answer, each with its first instance: all in it are of one series."""
    known = studies.get(query.study_instance_uid)
    for study in sorted(known) if known else _below(tree, (), _STUDY_DEPTH):
        for path in _below(tree, study, 1):
            with tree.directory(path, create=False) as directory:
                first = next(stored_files(directory), None)
            if first is not None and _may_hold(query, first.identity):
                yield path, first.identity


def _may_hold(query: Query, identity: Identity) -> bool:
    return all(
        not wanted or value in wanted.split("\\")
        for wanted, value in (
            (query.study_instance_uid, identity.study_instance_uid),
            (query.series_instance_uid, identity.series_instance_uid),
        )
    )


def _below(tree: Tree, path: Path, depth: int) -> Iterator[Path]:
    """The directories `depth` levels below; none where the path itself is not there."""
    if depth == 0:
        yield path
        return
    try:
        with tree.directory(path, create=False) as directory:
            names = subdirectories(directory)
    except FileNotFoundError:
        return
    for name in names:
        yield from _below(tree, (*path, name), depth - 1)
