"""Where the local cluster keeps its things: programs and images in the user's cache, the running node in one folder."""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
# One cluster at a time on a machine, whoever starts it. Not below /run or /var/lib: the node has its own there.
RUN = Path(os.environ.get("ADIT_CLUSTER_RUN") or "/var/tmp/adit-cluster")


def cache(environment: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_CACHE_HOME/adit`, or the same below the home folder."""
    home = Path(environment.get("HOME") or Path.home())
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "adit"


def digest(files: Iterable[Path], *words: str) -> str:
    """Twelve hex digits that change with any file's content or with any word."""
    total = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        total.update(f"{path.name} {len(content)}\n".encode())
        total.update(content)
    for word in words:
        total.update(f"{word}\n".encode())
    return total.hexdigest()[:12]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of that file; a second holder waits, and the kernel frees the lock of one that was killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
