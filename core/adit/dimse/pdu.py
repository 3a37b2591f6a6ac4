"""The PDUs that make and end an association (PS3.8 §9.3) as values: encoded for the wire, decoded off it.

P-DATA-TF is not among them: its fragments are streamed and never become a value.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeVar

from adit.dimse import user_information
from adit.dimse.errors import ProtocolViolation
from adit.dimse.items import Reader, decode_ae_title, decode_uid, encode_ae_title, encode_uid, item
from adit.dimse.user_information import UserInformation

DICOM_APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"  # PS3.7 Annex A.2.1
PROTOCOL_VERSION: Final = 1  # a set of bits, of which bit 0 is the only version there is
MAX_CONTEXTS: Final = 128  # odd ids from 1 to 255 (PS3.8 §9.3.2.2)
MAX_ASSOCIATE_LENGTH: Final = 1 << 20  # bytes; 128 contexts of 40 transfer syntaxes each are a fifth of it
HEADER: Final = struct.Struct(">BxI")  # type and length of what follows, in front of every PDU
_FIXED: Final = struct.Struct(">Hxx16s16s32x")
_APPLICATION_CONTEXT, _PROPOSED, _ANSWERED, _ABSTRACT, _TRANSFER, _USER = 0x10, 0x20, 0x21, 0x30, 0x40, 0x50


class PduType(IntEnum):
    """The first byte of a PDU."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


class ContextResult(IntEnum):
    """What became of a proposed presentation context (PS3.8 Table 9-18)."""

    ACCEPTANCE = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """One abstract syntax and the transfer syntaxes for it, in the order of the proposer's liking."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnsweredContext:
    """The answer to one; the transfer syntax counts only where it is accepted, and is empty where the peer has none."""

    context_id: int
    result: int
    transfer_syntax: str = ""


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """A-ASSOCIATE-RQ (PS3.8 §9.3.2)."""

    called_ae_title: str
    calling_ae_title: str
    contexts: tuple[ProposedContext, ...]
    user_information: UserInformation = field(default_factory=UserInformation)
    application_context: str = DICOM_APPLICATION_CONTEXT
    protocol_version: int = PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class AssociateAccept:
    """A-ASSOCIATE-AC (PS3.8 §9.3.3); the titles are those of the request, sent back and not to be tested."""

    called_ae_title: str
    calling_ae_title: str
    contexts: tuple[AnsweredContext, ...]
    user_information: UserInformation = field(default_factory=UserInformation)
    application_context: str = DICOM_APPLICATION_CONTEXT
    protocol_version: int = PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class AssociateReject:
    """A-ASSOCIATE-RJ (PS3.8 Table 9-21): for good (1) or for now (2), by whom, and why."""

    result: int
    source: int
    diagnostic: int


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A-RELEASE-RQ (PS3.8 §9.3.6)."""


@dataclass(frozen=True, slots=True)
class ReleaseReply:
    """A-RELEASE-RP (PS3.8 §9.3.7)."""


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT (PS3.8 Table 9-26): by the service user (source 0, no reason) or the service provider (2)."""

    source: int = 0
    reason: int = 0


_Context = TypeVar("_Context", ProposedContext, AnsweredContext)
Pdu = AssociateRequest | AssociateAccept | AssociateReject | ReleaseRequest | ReleaseReply | Abort


def longest(kind: int) -> int:
    """How many bytes may follow the header of a PDU of this type (P-DATA-TF excepted); 0 for no such type."""
    if kind in {PduType.ASSOCIATE_RQ, PduType.ASSOCIATE_AC}:
        return MAX_ASSOCIATE_LENGTH
    return 4 if kind in {PduType.ASSOCIATE_RJ, PduType.RELEASE_RQ, PduType.RELEASE_RP, PduType.ABORT} else 0


def encode(pdu: Pdu) -> bytes:
    """The whole PDU, header and all; raises ValueError for what does not fit into its fields."""
    match pdu:
        case AssociateRequest():
            contexts = [item(_PROPOSED, _encode_proposed(one)) for one in pdu.contexts]
            return _framed(PduType.ASSOCIATE_RQ, _encode_associate(pdu, contexts))
        case AssociateAccept():
            contexts = [item(_ANSWERED, _encode_answered(one)) for one in pdu.contexts]
            return _framed(PduType.ASSOCIATE_AC, _encode_associate(pdu, contexts))
        case AssociateReject():
            return _framed(PduType.ASSOCIATE_RJ, bytes((0, pdu.result, pdu.source, pdu.diagnostic)))
        case ReleaseRequest():
            return _framed(PduType.RELEASE_RQ, bytes(4))
        case ReleaseReply():
            return _framed(PduType.RELEASE_RP, bytes(4))
        case Abort():
            return _framed(PduType.ABORT, bytes((0, 0, pdu.source, pdu.reason)))


def decode(kind: int, body: bytes | memoryview) -> Pdu:
    """The PDU of this type from what follows its header; raises ProtocolViolation for what is none."""
    if len(body) > longest(kind):
        raise ProtocolViolation(f"a PDU of type {kind:02X}H with {len(body)} bytes")
    reader = Reader(body, f"a PDU of type {kind:02X}H")
    if kind in {PduType.ASSOCIATE_RQ, PduType.ASSOCIATE_AC}:
        return _associate(kind, reader)
    _, first, second, third = reader.take(4)
    if kind == PduType.ASSOCIATE_RJ:
        return AssociateReject(first, second, third)
    if kind == PduType.RELEASE_RQ:
        return ReleaseRequest()
    return ReleaseReply() if kind == PduType.RELEASE_RP else Abort(second, third)


def _framed(kind: PduType, body: bytes) -> bytes:
    if len(body) > MAX_ASSOCIATE_LENGTH:
        raise ValueError(f"an association request or answer of {len(body)} bytes")
    return HEADER.pack(kind, len(body)) + body


def _encode_associate(pdu: AssociateRequest | AssociateAccept, contexts: list[bytes]) -> bytes:
    if len(contexts) > MAX_CONTEXTS:
        raise ValueError(f"{len(contexts)} presentation contexts; an association has room for {MAX_CONTEXTS}")
    titles = encode_ae_title(pdu.called_ae_title), encode_ae_title(pdu.calling_ae_title)
    return b"".join((
        _FIXED.pack(pdu.protocol_version, *titles),
        item(_APPLICATION_CONTEXT, encode_uid(pdu.application_context)),
        *contexts,
        item(_USER, user_information.encode(pdu.user_information)),
    ))  # fmt: skip


def _encode_proposed(context: ProposedContext) -> bytes:
    syntaxes = (item(_TRANSFER, encode_uid(one)) for one in context.transfer_syntaxes)
    head = bytes((_checked_id(context.context_id), 0, 0, 0))
    return head + item(_ABSTRACT, encode_uid(context.abstract_syntax)) + b"".join(syntaxes)


def _encode_answered(context: AnsweredContext) -> bytes:
    head = bytes((_checked_id(context.context_id), 0, context.result, 0))
    return head + item(_TRANSFER, encode_uid(context.transfer_syntax))


def _checked_id(context_id: int) -> int:
    if not (0 < context_id <= 0xFF and context_id % 2):  # noqa: PLR2004 - one byte
        raise ValueError(f"{context_id} is not the id of a presentation context")
    return context_id


def _associate(kind: int, reader: Reader) -> AssociateRequest | AssociateAccept:
    version = reader.short()
    reader.take(2)
    called, calling = decode_ae_title(reader.take(16)), decode_ae_title(reader.take(16))
    reader.take(32)
    application, information = "", UserInformation(implementation_class_uid="", implementation_version_name="")
    proposed, answered = dict[int, ProposedContext](), dict[int, AnsweredContext]()
    for item_kind, value in reader.items():
        if item_kind == _APPLICATION_CONTEXT:
            application = decode_uid(value, "an application context name")
        elif item_kind == _PROPOSED and kind == PduType.ASSOCIATE_RQ:
            _add(proposed, _proposed(value))
        elif item_kind == _ANSWERED and kind == PduType.ASSOCIATE_AC:
            _add(answered, _answered(value))
        elif item_kind == _USER:
            information = user_information.decode(value)
    if kind == PduType.ASSOCIATE_RQ:
        return AssociateRequest(called, calling, tuple(proposed.values()), information, application, version)
    return AssociateAccept(called, calling, tuple(answered.values()), information, application, version)


def _add(contexts: dict[int, _Context], context: _Context) -> None:
    if context.context_id % 2 == 0:
        raise ProtocolViolation(f"a presentation context with the even id {context.context_id}")
    if context.context_id in contexts:
        raise ProtocolViolation(f"two presentation contexts with the id {context.context_id}")
    contexts[context.context_id] = context


def _proposed(value: memoryview) -> ProposedContext:
    reader = Reader(value, "a presentation context")
    context_id = reader.take(4)[0]
    abstract, syntaxes = "", list[str]()
    for kind, content in reader.items():
        if kind == _ABSTRACT:
            abstract = decode_uid(content, "an abstract syntax")
        elif kind == _TRANSFER:
            syntaxes.append(decode_uid(content, "a transfer syntax"))
    if not abstract or not syntaxes:
        raise ProtocolViolation("a presentation context without abstract or transfer syntax")
    return ProposedContext(context_id, abstract, tuple(syntaxes))


def _answered(value: memoryview) -> AnsweredContext:
    """The transfer syntax of a context that is not accepted means nothing and is not read (PS3.8 §9.3.3.2)."""
    reader = Reader(value, "an answered presentation context")
    head = reader.take(4)
    if head[2] != ContextResult.ACCEPTANCE:
        return AnsweredContext(head[0], head[2])
    for kind, content in reader.items():
        if kind == _TRANSFER:
            return AnsweredContext(head[0], head[2], decode_uid(content, "a transfer syntax"))
    raise ProtocolViolation("a presentation context that is accepted without a transfer syntax")
