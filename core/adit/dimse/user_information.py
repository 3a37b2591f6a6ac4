"""The User Information of an association (PS3.7 Annex D.3.3, PS3.8 Annex D.1): what both sides say of themselves."""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from adit.dimse.errors import ProtocolViolation
from adit.dimse.items import MAX_ITEMS, Reader, counted, decode_uid, encode_uid, item
from adit.transfer.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

UNSAID_MAX_LENGTH: Final = 16 << 10  # where a peer leaves the mandatory sub-item out
SHORTEST_MAX_LENGTH: Final = 64  # a PDU must hold something beside its headers
_VERSION_NAME_LENGTH: Final = 16


class SubItem(IntEnum):
    """The types of the sub-items."""

    MAX_LENGTH = 0x51
    IMPLEMENTATION_CLASS_UID = 0x52
    ASYNCHRONOUS_OPERATIONS_WINDOW = 0x53
    ROLE_SELECTION = 0x54
    IMPLEMENTATION_VERSION_NAME = 0x55
    EXTENDED_NEGOTIATION = 0x56
    COMMON_EXTENDED_NEGOTIATION = 0x57
    USER_IDENTITY = 0x58
    USER_IDENTITY_ANSWER = 0x59


class IdentityType(IntEnum):
    """How the requestor names its user (PS3.7 Table D.3-14)."""

    USERNAME = 1
    USERNAME_AND_PASSCODE = 2
    KERBEROS = 3
    SAML = 4
    JWT = 5


@dataclass(frozen=True, slots=True)
class OperationsWindow:
    """How many operations may be under way at once (PS3.7 D.3.3.3), both seen from the requestor; 0: any number."""

    invoked: int
    performed: int


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """The roles that the requestor has for a SOP class (PS3.7 D.3.3.4); without one it is SCU and not SCP."""

    sop_class_uid: str
    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """SOP Class Extended Negotiation (PS3.7 D.3.3.5); what the bytes mean is the service class's business."""

    sop_class_uid: str
    information: bytes


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """SOP Class Common Extended Negotiation (PS3.7 D.3.3.6): the service of a SOP class, and its ancestors."""

    sop_class_uid: str
    service_class_uid: str
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """Who asks (PS3.7 D.3.3.7): user name, ticket, assertion or token, and the passcode; none of it is ever shown."""

    kind: int
    primary: bytes = field(repr=False)
    secondary: bytes = field(default=b"", repr=False)
    answer_wanted: bool = False

    @classmethod
    def user(cls, name: str, passcode: str | None = None) -> "UserIdentity":
        """A user name, with its passcode where there is one; the peer must answer, else it has not looked."""
        kind = IdentityType.USERNAME if passcode is None else IdentityType.USERNAME_AND_PASSCODE
        return cls(kind, name.encode(), (passcode or "").encode(), answer_wanted=True)

    @classmethod
    def token(cls, kind: IdentityType, token: bytes) -> "UserIdentity":
        """A Kerberos ticket, SAML assertion or JSON web token."""
        return cls(kind, token, answer_wanted=True)


@dataclass(frozen=True, slots=True)
class UserInformation:
    """All of it; `max_length` is the longest P-DATA-TF that its sender takes (0: any), its header not counted."""

    max_length: int = UNSAID_MAX_LENGTH
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME
    window: OperationsWindow | None = None
    roles: tuple[RoleSelection, ...] = ()
    extended: tuple[ExtendedNegotiation, ...] = ()
    common_extended: tuple[CommonExtendedNegotiation, ...] = ()
    identity: UserIdentity | None = None
    identity_answer: bytes | None = field(default=None, repr=False)


def encode(information: UserInformation) -> bytes:
    """The sub-items in a row, as they stand inside the item 50H; raises ValueError where one does not fit."""
    parts = [
        item(SubItem.MAX_LENGTH, struct.pack(">I", information.max_length)),
        item(SubItem.IMPLEMENTATION_CLASS_UID, encode_uid(information.implementation_class_uid)),
    ]
    if (window := information.window) is not None:
        packed = struct.pack(">HH", window.invoked, window.performed)
        parts.append(item(SubItem.ASYNCHRONOUS_OPERATIONS_WINDOW, packed))
    parts += [item(SubItem.ROLE_SELECTION, _encode_role(one)) for one in information.roles]
    if information.implementation_version_name:
        parts.append(item(SubItem.IMPLEMENTATION_VERSION_NAME, _encode_name(information.implementation_version_name)))
    parts += [item(SubItem.EXTENDED_NEGOTIATION, _encode_extended(one)) for one in information.extended]
    parts += [item(SubItem.COMMON_EXTENDED_NEGOTIATION, _encode_common(one)) for one in information.common_extended]
    if information.identity is not None:
        parts.append(item(SubItem.USER_IDENTITY, _encode_identity(information.identity)))
    if information.identity_answer is not None:
        parts.append(item(SubItem.USER_IDENTITY_ANSWER, counted(information.identity_answer)))
    return b"".join(parts)


def decode(value: bytes | memoryview) -> UserInformation:
    """Read them; sub-items of unknown types are passed over (PS3.8 §9.3.1). Raises ProtocolViolation."""
    found: dict[int, list[Reader]] = {}
    for kind, content in Reader(value, "user information").items():
        found.setdefault(kind, []).append(Reader(content, f"a sub-item {kind:02X}H"))
    windows = [OperationsWindow(one.short(), one.short()) for one in found.get(0x53, ())]
    identities = [_identity(one) for one in found.get(0x58, ())]
    answers = [bytes(one.counted()) for one in found.get(0x59, ())]
    return UserInformation(
        max_length=_max_length(found.get(0x51)),
        implementation_class_uid=_last_uid(found.get(0x52)),
        implementation_version_name=_last_name(found.get(0x55)),
        window=windows[-1] if windows else None,
        roles=tuple(_role(one) for one in found.get(0x54, ())),
        extended=tuple(_extended(one) for one in found.get(0x56, ())),
        common_extended=tuple(_common(one) for one in found.get(0x57, ())),
        identity=identities[-1] if identities else None,
        identity_answer=answers[-1] if answers else None,
    )


def _max_length(found: list[Reader] | None) -> int:
    length = found[-1].long() if found else UNSAID_MAX_LENGTH
    if 0 < length < SHORTEST_MAX_LENGTH:
        raise ProtocolViolation(f"a maximum length of {length} bytes, into which no fragment fits")
    return length


def _last_uid(found: list[Reader] | None) -> str:
    return decode_uid(found[-1].rest(), "an implementation class UID") if found else ""


def _last_name(found: list[Reader] | None) -> str:
    """At most 16 characters; it is for people, so what cannot be shown is replaced."""
    if not found:
        return ""
    text = bytes(found[-1].rest())[:_VERSION_NAME_LENGTH].decode("ascii", "replace").strip("\0 ")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _encode_name(name: str) -> bytes:
    if len(name) > _VERSION_NAME_LENGTH:
        raise ValueError(f"an implementation version name has at most {_VERSION_NAME_LENGTH} characters")
    return name.encode("ascii", "replace")


def _encode_role(role: RoleSelection) -> bytes:
    return counted(encode_uid(role.sop_class_uid)) + bytes((role.scu, role.scp))


def _role(reader: Reader) -> RoleSelection:
    uid = decode_uid(reader.counted(), "a role selection")
    return RoleSelection(uid, scu=reader.byte() == 1, scp=reader.byte() == 1)


def _encode_extended(one: ExtendedNegotiation) -> bytes:
    return counted(encode_uid(one.sop_class_uid)) + one.information


def _extended(reader: Reader) -> ExtendedNegotiation:
    return ExtendedNegotiation(decode_uid(reader.counted(), "an extended negotiation"), bytes(reader.rest()))


def _encode_common(one: CommonExtendedNegotiation) -> bytes:
    related = b"".join(counted(encode_uid(uid)) for uid in one.related)
    return counted(encode_uid(one.sop_class_uid)) + counted(encode_uid(one.service_class_uid)) + counted(related)


def _common(reader: Reader) -> CommonExtendedNegotiation:
    what = "a common extended negotiation"
    sop_class, service_class = decode_uid(reader.counted(), what), decode_uid(reader.counted(), what)
    inner, related = Reader(reader.counted(), what), list[str]()
    while inner.left:
        if len(related) == MAX_ITEMS:
            raise ProtocolViolation(f"{what} of more than {MAX_ITEMS} related classes")
        related.append(decode_uid(inner.counted(), what))
    return CommonExtendedNegotiation(sop_class, service_class, tuple(related))


def _encode_identity(identity: UserIdentity) -> bytes:
    head = bytes((identity.kind, identity.answer_wanted))
    return head + counted(identity.primary) + counted(identity.secondary)


def _identity(reader: Reader) -> UserIdentity:
    kind, answer_wanted = reader.byte(), reader.byte() == 1
    return UserIdentity(kind, bytes(reader.counted()), bytes(reader.counted()), answer_wanted)
