"""Files to objects, and objects into the cluster in an order that references survive."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from adit.api.immutability import VERBS, violations
from adit.api.manifests import Document, ManifestErrors, read_all
from adit.api.pseudonymization_profile import BUILT_IN_NAMES
from adit.api.resource import PseudonymizationProfile
from adit.api.transfer_job import TransferJobSpec, validate_transfer_job
from adit.cluster.cluster import Cluster, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import BadInput

FIELD_MANAGER = "adit-cli"
MAX_BYTES = 10 << 20
# What is referred to comes before what refers to it.
ORDER = ("Secret", "DicomServer", "DicomFolder", "PseudonymizationProfile", "TransferJob")


def read_files(files: Iterable[Path], namespace: str) -> list[Document]:
    """All objects of all files; `-` is standard input. Raises BadInput naming everything that is wrong."""
    return read_all([(str(file), _text(file)) for file in files], namespace=namespace)


def in_order(found: Sequence[Document]) -> list[Document]:
    """Secrets, servers, folders, profiles, jobs; otherwise as written."""
    return sorted(found, key=lambda document: ORDER.index(document.kind))


async def apply_all(cluster: Cluster, found: Sequence[Document]) -> list[Manifest]:
    """Apply each object as `kubectl apply --server-side` would; a job that exists must be the same job.

    Raises ManifestErrors, and has applied nothing, where one of them may not change as its file says.
    """
    problems = [problem for document in found for problem in await _may_not_change(cluster, document)]
    problems += [problem for document in found for problem in await _of_its_profile(cluster, document, found)]
    if problems:
        raise ManifestErrors(problems)
    return [await cluster.apply(document.manifest, field_manager=FIELD_MANAGER) for document in in_order(found)]


async def _may_not_change(cluster: Cluster, document: Document) -> list[str]:
    """What differs from the object that exists, and never may: one line each."""
    try:
        live = await cluster.get(document.ref)
    except ObjectNotFound:
        return []
    old, new = live.get("spec", {}), document.manifest.get("spec", {})
    # what the file leaves out stays as it is, if another verb set it
    kept = {name: old[name] for name in VERBS.get(document.kind, ()) if name in old and name not in new}
    where = f"{document.source}: {document.kind}/{document.name}"
    return [f"{where}: {problem} (line {document.line})" for problem in violations(document.kind, old, {**kept, **new})]


async def _of_its_profile(cluster: Cluster, document: Document, found: Sequence[Document]) -> list[str]:
    """What the profile that a job names asks of its tasks, where it lies in the cluster and not in the files."""
    if document.kind != "TransferJob":
        return []
    spec = TransferJobSpec.of(document.manifest["spec"])
    name = spec.pseudonymization.profile
    ref = Ref("PseudonymizationProfile", document.namespace, name or "")
    if name is None or name in BUILT_IN_NAMES or any(one.ref == ref for one in found):
        return []
    try:
        profile = PseudonymizationProfile.read(await cluster.get(ref))
    except ObjectNotFound:
        return []  # the operator says which there are
    where = f"{document.source}: {document.kind}/{document.name}"
    said = validate_transfer_job(spec, profile.spec.pseudonym_source)
    return [f"{where}: {problem} (line {document.line})" for problem in said]


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
