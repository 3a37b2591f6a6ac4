"""One DICOM peer, whatever it speaks: the protocol that the pipeline, the probes and the CLI use."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pydicom import Dataset

from adit.query import Query, Selection
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement


class Connector(Protocol):
    """Synchronous, used by one thread; holds at most one association (or HTTP connection) open at any moment.

    Every method raises PeerUnavailable, AccessDenied, RetryableError or PermanentError, with a message that a person
    can act on. A generator closes what it opened when it is closed early. Use as a context manager: leaving releases
    the association.
    """

    name: str

    def echo(self) -> None:
        """Prove that the peer answers: C-ECHO, a one-row QIDO, a writable folder."""
        ...

    def find(self, query: Query) -> Iterator[Dataset]:
        """Yield answers that really match (a PACS may ignore optional keys), at most `query.limit`."""
        ...

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        """Yield each instance as it lies complete in a file under `spool`; the caller removes the files.

        What arrived is always yielded first; then RetryableError is raised if the peer ended early or said that some
        failed. Never decodes.
        """
        ...

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:
        """Send each instance and yield what the peer answered, in order; one refusal does not end the rest.

        Raises only when nothing more can be sent (association lost, disk full): what was not yielded was not stored.
        """
        ...

    def abort(self) -> None:
        """End whatever is going on at once, from another thread (A-ABORT, closed socket)."""
        ...

    def close(self) -> None:
        """Release the association; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
