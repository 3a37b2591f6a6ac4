"""Files to objects, and objects into the cluster in an order that references survive."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from adit.api.manifests import Document, read_all
from adit.cluster.cluster import Cluster, Manifest, ObjectNotFound
from adit.errors import BadInput

FIELD_MANAGER = "adit-cli"
MAX_BYTES = 10 << 20
# What is referred to comes before what refers to it.
ORDER = ("Secret", "DicomServer", "DicomFolder", "TransferJob")


def read_files(files: Iterable[Path], namespace: str) -> list[Document]:
    """All objects of all files; `-` is standard input. Raises BadInput naming everything that is wrong."""
    return read_all([(str(file), _text(file)) for file in files], namespace=namespace)


def in_order(found: Sequence[Document]) -> list[Document]:
    """Secrets, servers, folders, jobs; otherwise as written."""
    return sorted(found, key=lambda document: ORDER.index(document.kind))


async def apply_all(cluster: Cluster, found: Sequence[Document]) -> list[Manifest]:
    """Apply each object as `kubectl apply --server-side` would; a job that exists must be the same job."""
    return [await cluster.apply(document.manifest, field_manager=FIELD_MANAGER) for document in in_order(found)]


async def exists(cluster: Cluster, document: Document) -> bool:
    """Whether the cluster already has an object of this name."""
    try:
        await cluster.get(document.ref)
    except ObjectNotFound:
        return False
    return True


def _text(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1) if str(file) == "-" else _bytes(file)
        if len(raw) > MAX_BYTES:
            raise BadInput(f"{file}: larger than {MAX_BYTES >> 20} MiB")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from error


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)
