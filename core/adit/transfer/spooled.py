"""What lies in the spool on its way: an instance's own files, and generators that are closed so that they let go."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from adit.transfer.instance import FileSlice, Instance

T = TypeVar("T")


def spooled(instance: Instance, spool: Path) -> set[Path]:
    """The instance's own files below the spool; a file that a source keeps elsewhere is not ours to remove."""
    return {
        piece.path for piece in instance.pieces if isinstance(piece, FileSlice) and piece.path.is_relative_to(spool)
    }


def remove(paths: Iterable[Path]) -> None:
    """Remove files that may be gone already."""
    for path in paths:
        path.unlink(missing_ok=True)


@contextmanager
def closed(iterator: Iterator[T]) -> Iterator[Iterator[T]]:
    """Close a generator on the way out, so that it closes what it opened."""
    try:
        yield iterator
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
