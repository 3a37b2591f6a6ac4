"""What `kubectl apply` would make of valid manifests: where it needs --server-side. Pure."""

import json
from collections.abc import Iterable, Iterator

from adit.api.manifests import Document
from adit.api.written import MAX_ANNOTATION_BYTES

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Go's JSON writes these three as \u003c and the like.
ESCAPED = "<>&"
ESCAPE_BYTES = 6


def kubectl_notes(found: Iterable[Document]) -> Iterator[str]:
    """A line for each object that client-side `kubectl apply` cannot keep in its annotation."""
    for document in found:
        size = annotation_bytes(document)
        if size > MAX_ANNOTATION_BYTES:
            yield (
                f"{document.source}: {document.kind}/{document.name}: kubectl apply would write {size >> 10} KiB into "
                f"annotations, which hold {MAX_ANNOTATION_BYTES >> 10} KiB: "
                f"kubectl apply --server-side -f {document.source}"
            )


def annotation_bytes(document: Document) -> int:
    """The bytes of all annotations of the object once it was applied on the client's side."""
    annotations = document.manifest["metadata"].get("annotations", {})
    text = json.dumps(document.manifest, ensure_ascii=False, separators=(",", ":")) + "\n"
    longer = sum(text.count(character) for character in ESCAPED) * (ESCAPE_BYTES - 1)
    own = sum(len(key) + len(value.encode()) for key, value in annotations.items())
    return len(text.encode()) + longer + own + len(LAST_APPLIED)
