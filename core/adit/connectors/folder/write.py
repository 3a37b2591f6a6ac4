"""Writes the instances of one study into ADIT's layout, each whole or not at all."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

from adit.connectors.folder.head import UnreadableHead
from adit.connectors.folder.identity import Identity
from adit.connectors.folder.names import Place, place_of, with_hash
from adit.connectors.folder.stored_file import stored_files
from adit.connectors.folder.tree import Tree, locked, remove_leftovers, subdirectories, sync, write_file
from adit.errors import PermanentError
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.part10 import front_of, is_uid
from adit.transfer.placement import Placement

Path = tuple[str, ...]


class _UnreadableError(Exception):
    """The instance's own bytes cannot be read: its outcome, for nothing is wrong with the folder."""


@dataclass(slots=True)
class Written:
    """What this process wrote: study UID → its folders, and of the latest study each file's size, to prove it by."""

    studies: dict[str, set[Path]] = field(default_factory=dict)
    sizes: dict[Path, int] = field(default_factory=dict)
    _latest: str = ""

    def enter(self, study_uid: str, place: Place, series: str, size: int) -> None:
        if study_uid != self._latest:
            self._latest, self.sizes = study_uid, {}
        self.studies.setdefault(study_uid, set()).add(place.study_path)
        self.sizes[*place.study_path, series, place.file] = size


class Writer:
    """Writes where a placement says; `check` is asked before every chunk and raises to end it."""

    def __init__(self, tree: Tree, placement: Placement, written: Written, check: Callable[[], None]) -> None:
        self._tree = tree
        self._placement = placement
        self._written = written
        self._check = check
        self._series: dict[tuple[Path, str, str], str] = {}

    def write(self, instance: Instance) -> StoreOutcome:
        """Write one instance; raises where the folder is the trouble, for then nothing more can be written."""
        uid = instance.sop_instance_uid
        try:
            identity = _identity(instance)
            place = place_of(identity, self._placement, uid)
            self._write(instance, identity, place)
        except _UnreadableError as error:
            message = f"{self._tree.name}: an instance to be written cannot be read: {error}"
            return StoreOutcome(uid, stored=False, reason="UnreadableFile", message=message)
        return StoreOutcome(uid, stored=True)

    def sync(self) -> None:
        """Make the names of everything written durable, from the series folders up to the root."""
        touched = {(*study, series) for (study, _, _), series in self._series.items()}
        paths = {path[:depth] for path in touched for depth in range(len(path) + 1)}
        for path in sorted(paths, key=len, reverse=True):
            with self._tree.directory(path, create=True) as directory:
                sync(directory)

    def _write(self, instance: Instance, identity: Identity, place: Place) -> None:
        key = (place.study_path, place.series, identity.series_instance_uid)
        chosen = self._series.get(key)
        with self._tree.directory(place.study_path, create=True) as study:
            # Until its first file lies there nobody can see whose a new folder is.
            lock = locked(study) if chosen is None else nullcontext()
            with lock:
                name = chosen or self._choose(study, place, identity.series_instance_uid)
                with self._tree.directory((*place.study_path, name), create=True) as directory:
                    if chosen is None:
                        remove_leftovers(directory)
                    size = write_file(directory, place.file, self._chunks(instance))
        self._series[key] = name
        self._written.enter(identity.study_instance_uid, place, name, size)

    def _choose(self, study: int, place: Place, series_uid: str) -> str:
        """The series folder: its plain name, or one with a hash where that is another series'; it never changes."""
        plain, hashed = place.series, with_hash(place.series, series_uid)
        there = subdirectories(study)
        for name in (hashed, plain):
            if name in there and self._owner(place, name) == series_uid:
                return name
        for name in (plain, hashed):
            if self._owner(place, name) is None:
                return name
        raise PermanentError(
            f"{self._tree.name}: the folder that a series must go to belongs to another one; use another job name",
            reason="FolderObstructed",
        )

    def _owner(self, place: Place, name: str) -> str | None:
        """The UID of the series whose files lie in a series folder; None where none do. Makes the folder."""
        with self._tree.directory((*place.study_path, name), create=True) as directory:
            first = next(stored_files(directory), None)
        return None if first is None else first.identity.series_instance_uid

    def _chunks(self, instance: Instance) -> Iterator[bytes]:
        yield front_of(instance)
        try:
            for chunk in instance.chunks():
                self._check()
                yield chunk
        except (OSError, EOFError) as error:
            raise _UnreadableError(type(error).__name__) from error


def _identity(instance: Instance) -> Identity:
    if not is_uid(instance.sop_instance_uid):
        raise _UnreadableError("its SOP Instance UID is not a UID")
    try:
        return Identity.of(instance)
    except UnreadableHead as error:
        raise _UnreadableError(str(error)) from error
    except (OSError, EOFError) as error:
        raise _UnreadableError(type(error).__name__) from error
