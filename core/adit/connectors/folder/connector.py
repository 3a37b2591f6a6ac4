"""FolderConnector: a directory on a volume as a destination, behind the same protocol as every PACS."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from pydicom import Dataset

from adit.api.dicom_folder import DicomFolderSpec
from adit.connectors.folder.answers import answers
from adit.connectors.folder.tree import Tree, prove_writable
from adit.connectors.folder.write import Writer, Written
from adit.connectors.target import Target
from adit.errors import AditError, BadInput, PermanentError, RetryableError
from adit.query import Query, Selection
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement


class FolderConnector:
    """Implements adit.connectors.connector.Connector for MOUNT_DIR/<claimName>/<subPath>; a destination only."""

    def __init__(self, target: Target) -> None:
        if not isinstance(target.spec, DicomFolderSpec):
            raise BadInput(f"{target.name}: is no DicomFolder")
        self.name = target.name
        volume = target.spec.volume
        self._tree = Tree(target.name, target.mount_dir, volume.claim_name, volume.sub_path)
        self._written = Written()
        self._aborted = False

    def echo(self) -> None:
        """Make the folder where it is not there, and prove that a file can be written."""
        with self._tree.directory(create=True) as directory:
            prove_writable(directory)

    def find(self, query: Query) -> Iterator[Dataset]:
        """Answer from the files themselves; a study that this connector wrote is looked for only where it wrote it."""
        found = answers(self._tree, query, self._written.studies, self._written.sizes)
        yield from islice(found, query.limit)

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:  # noqa: ARG002 - nothing is fetched
        """Refused: a folder is a destination."""
        raise PermanentError(f"{self.name}: a DicomFolder can only be a destination", reason="NotASource")
        yield  # pragma: no cover - a generator, as the protocol says

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:
        """Write each instance whole or not at all; what was there under its name is replaced.

        The names are durable once the generator has ended.
        """
        writer = Writer(self._tree, placement, self._written, self._check)
        try:
            for instance in instances:
                self._check()
                yield writer.write(instance)
        except BaseException:
            with suppress(AditError):  # what is under way says more
                writer.sync()
            raise
        writer.sync()

    def abort(self) -> None:
        """End the write that is going on, from any thread."""
        self._aborted = True

    def close(self) -> None:
        """Nothing is held open."""

    def _check(self) -> None:
        if self._aborted:
            raise RetryableError(f"{self.name}: aborted", reason="Aborted")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
