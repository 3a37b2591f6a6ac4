"""Which files go over which association: at most 128 kinds each (PS3.8 §9.3.2.2), shared out evenly; pure."""

from collections.abc import Sequence

from adit.dimse.negotiation import Proposal
from adit.dimse.pdu import MAX_CONTEXTS
from adit_cli.data_path.files import DicomFile

Batch = tuple[DicomFile, ...]


def batches(files: Sequence[DicomFile], most: int = MAX_CONTEXTS) -> list[Batch]:
    """The files in their order, split wherever one more kind would be one too many for an association."""
    done, current, kinds = list[Batch](), list[DicomFile](), set[tuple[str, str]]()
    for file in sorted(files, key=lambda one: one.kind) if len({one.kind for one in files}) > most else files:
        if file.kind not in kinds and len(kinds) == most:
            done.append(tuple(current))
            current, kinds = [], set()
        kinds.add(file.kind)
        current.append(file)
    return [*done, tuple(current)] if current else done


def shares(files: Sequence[DicomFile], associations: int) -> list[Sequence[DicomFile]]:
    """The files dealt out to so many associations at once; none of them is empty."""
    return [dealt for start in range(associations) if (dealt := files[start::associations])]


def proposals_for(files: Sequence[DicomFile]) -> tuple[Proposal, ...]:
    """One presentation context for each kind, in exactly its transfer syntax: nothing is ever converted."""
    return tuple(Proposal(sop_class, (syntax,)) for sop_class, syntax in dict.fromkeys(one.kind for one in files))
