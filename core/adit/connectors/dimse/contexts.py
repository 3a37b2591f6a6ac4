"""Which presentation contexts to propose for which service; an association has room for 128 of them (PS3.8 9.3.2.2)."""

from collections.abc import Iterable

from pydicom import uid

from adit.api.dicom_server import QueryModel
from adit.dimse.negotiation import Proposal
from adit.dimse.storage_classes import STORAGE_CLASSES

MAX_CONTEXTS = 128
VERIFICATION = "1.2.840.10008.1.1"
FIND_MODELS: dict[QueryModel, str] = {
    "StudyRoot": "1.2.840.10008.5.1.4.1.2.2.1",
    "PatientRoot": "1.2.840.10008.5.1.4.1.2.1.1",
}
GET_MODELS: dict[QueryModel, str] = {
    "StudyRoot": "1.2.840.10008.5.1.4.1.2.2.3",
    "PatientRoot": "1.2.840.10008.5.1.4.1.2.1.3",
}

UNCOMPRESSED: tuple[str, ...] = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
# A peer that takes the first syntax it knows must not be led to compress, least of all with a loss: uncompressed first,
# then lossless, then what loses. A peer that looks at what it holds finds its own among them.
IMAGE_SYNTAXES: tuple[str, ...] = (
    *UNCOMPRESSED,
    uid.DeflatedExplicitVRLittleEndian,
    uid.JPEGLosslessSV1,
    uid.JPEGLossless,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.RLELossless,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLSNearLossless,
    uid.JPEG2000,
    uid.HTJ2K,
    uid.MPEG2MPML,
    uid.MPEG2MPHL,
    uid.MPEG4HP41,
    uid.MPEG4HP41BD,
    uid.MPEG4HP422D,
    uid.HEVCMP51,
    uid.HEVCM10P51,
    uid.ExplicitVRBigEndian,
)
OTHER_SYNTAXES: tuple[str, ...] = (*UNCOMPRESSED, uid.DeflatedExplicitVRLittleEndian, uid.ExplicitVRBigEndian)


def for_echo_and_find(models: Iterable[QueryModel]) -> tuple[Proposal, ...]:
    """C-ECHO and C-FIND on one association, so that a probe and the queries after it share it."""
    return (
        Proposal(VERIFICATION, (uid.ImplicitVRLittleEndian,)),
        *(Proposal(FIND_MODELS[model], UNCOMPRESSED) for model in models),
    )


def for_get(model: QueryModel, find: Iterable[QueryModel]) -> tuple[Proposal, ...]:
    """C-GET of what a study may hold, with C-ECHO and C-FIND beside it, so that a search shares the association."""
    proposals = (
        Proposal(GET_MODELS[model], UNCOMPRESSED),
        *for_echo_and_find(find),
        *(Proposal(one, syntaxes_of(one), reverse=True) for one in STORAGE_CLASSES),
    )
    return proposals[:MAX_CONTEXTS]


def for_get_of(model: QueryModel, sop_classes: Iterable[str], find: Iterable[QueryModel] = ()) -> tuple[Proposal, ...]:
    """C-GET of known SOP classes, private ones included: one context per syntax, so that each is sent as it is stored.

    In one context a peer chooses one syntax for all instances of a class; a study that mixes them needs several. Of
    more classes than have room the first are proposed.
    """
    proposals = [Proposal(GET_MODELS[model], UNCOMPRESSED), *for_echo_and_find(find)]
    room = MAX_CONTEXTS - len(proposals)
    classes = tuple(dict.fromkeys(sop_classes))[:room]
    for position, one in enumerate(classes):
        share = room // (len(classes) - position)
        syntaxes = IMAGE_SYNTAXES
        alone, together = (syntaxes, ()) if share >= len(syntaxes) else (syntaxes[: share - 1], syntaxes[share - 1 :])
        groups = [*((syntax,) for syntax in alone), *([together] if together else [])]
        proposals += [Proposal(one, group, reverse=True) for group in groups]
        room -= len(groups)
    return tuple(proposals)


def for_store(pairs: Iterable[tuple[str, str]]) -> tuple[Proposal, ...]:
    """C-STORE of these SOP classes in exactly these transfer syntaxes; the last 128 of them."""
    return tuple(Proposal(sop_class, (syntax,)) for sop_class, syntax in list(pairs)[-MAX_CONTEXTS:])


def syntaxes_of(sop_class: str) -> tuple[str, ...]:
    """What instances of a SOP class may be encoded in: only images are compressed."""
    known = uid.UID(sop_class)
    return IMAGE_SYNTAXES if known.is_private or known.name == known or "Image" in known.name else OTHER_SYNTAXES


def describe(sop_class: str, syntax: str) -> str:
    """Both by the names of the standard, or by UID where it has none."""
    return f"{uid.UID(sop_class).name} in {uid.UID(syntax).name}"
