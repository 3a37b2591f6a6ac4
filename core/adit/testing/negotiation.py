"""A-ASSOCIATE of the loopback PACS: what a peer proposes, what is accepted, and both as PDU bodies (PS3.8, 9.3)."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from adit.testing.part10 import IMPLEMENTATION_CLASS_UID
from adit.testing.upper_layer import DEFAULT_PEER_PDU, MAX_PDU, UNLIMITED_PEER_PDU, Closed

APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
_HEADER = 68
_MIN_PDU = 1024


@dataclass(frozen=True, slots=True)
class Proposal:
    """One presentation context as proposed: an abstract syntax in one or more transfer syntaxes."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Associate:
    """The body of an A-ASSOCIATE request or acceptance."""

    called: str
    calling: str
    contexts: Mapping[int, Proposal]
    max_pdu: int = DEFAULT_PEER_PDU
    roles: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """SOP class → (proposes SCU role, proposes SCP role)"""
    accepted: Mapping[int, str] = field(default_factory=dict)
    """Of an acceptance: context → transfer syntax"""


@dataclass(frozen=True, slots=True)
class Context:
    """An accepted presentation context."""

    abstract_syntax: str
    transfer_syntax: str


def accept(request: Associate, choose: Callable[[Proposal], str | None]) -> dict[int, Context]:
    """The contexts for which `choose` names a transfer syntax."""
    chosen = {identity: (proposal, choose(proposal)) for identity, proposal in request.contexts.items()}
    return {identity: Context(p.abstract_syntax, syntax) for identity, (p, syntax) in chosen.items() if syntax}


def parse(body: bytes) -> Associate:
    """Parse the body of an A-ASSOCIATE-RQ or -AC."""
    if len(body) < _HEADER:
        raise Closed("the association request is cut short")
    contexts: dict[int, Proposal] = {}
    accepted: dict[int, str] = {}
    roles: dict[str, tuple[int, int]] = {}
    max_pdu = DEFAULT_PEER_PDU
    for kind, value in _items(body, _HEADER):
        if kind in (0x20, 0x21):
            parts = [(part, text.rstrip(b"\0 ").decode("ascii", "replace")) for part, text in _items(value, 4)]
            syntaxes = tuple(text for part, text in parts if part == 0x40)  # noqa: PLR2004 - transfer syntax item
            abstract = next((text for part, text in parts if part == 0x30), "")  # noqa: PLR2004 - abstract syntax item
            contexts[value[0]] = Proposal(abstract, syntaxes)
            if kind == 0x21 and value[2] == 0 and syntaxes:  # noqa: PLR2004 - an accepted context
                accepted[value[0]] = syntaxes[0]
        elif kind == 0x50:  # noqa: PLR2004 - user information
            for part, text in _items(value, 0):
                if part == 0x51 and len(text) == 4:  # noqa: PLR2004 - maximum length
                    max_pdu = struct.unpack(">I", text)[0]
                elif part == 0x54 and len(text) > 4:  # noqa: PLR2004 - role selection
                    roles[text[2:-2].rstrip(b"\0").decode("ascii", "replace")] = (text[-2], text[-1])
    called, calling = (body[at : at + 16].decode("ascii", "replace").strip(" \0") for at in (4, 20))
    return Associate(called, calling, contexts, max_pdu, roles, accepted)


def usable_pdu(announced: int) -> int:
    """The PDU length to send to a peer that announced `announced` (0: unlimited)."""
    return min(max(announced or UNLIMITED_PEER_PDU, _MIN_PDU), UNLIMITED_PEER_PDU)


def acceptance(request_body: bytes, request: Associate, contexts: Mapping[int, Context]) -> bytes:
    """The body of the A-ASSOCIATE-AC; a role selection is granted as proposed."""
    body = request_body[:_HEADER] + _item(0x10, APPLICATION_CONTEXT)
    for identity in request.contexts:
        found = contexts.get(identity)
        syntax = found.transfer_syntax if found else "1.2.840.10008.1.2"
        body += _item(0x21, bytes((identity, 0, 0 if found else 3, 0)) + _item(0x40, syntax.encode()))
    granted = {context.abstract_syntax for context in contexts.values()}
    return body + _user_information({uid: roles for uid, roles in request.roles.items() if uid in granted})


def proposal(
    called: str, calling: str, contexts: Sequence[Proposal], roles: Mapping[str, tuple[int, int]] | None = None
) -> tuple[bytes, dict[int, Proposal]]:
    """The body of an A-ASSOCIATE-RQ and the contexts by their ids."""
    numbered = {2 * position + 1: context for position, context in enumerate(contexts)}
    body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    body += _item(0x10, APPLICATION_CONTEXT)
    for identity, context in numbered.items():
        syntaxes = b"".join(_item(0x40, syntax.encode()) for syntax in context.transfer_syntaxes)
        body += _item(0x20, bytes((identity, 0, 0, 0)) + _item(0x30, context.abstract_syntax.encode()) + syntaxes)
    return body + _user_information(roles or {}), numbered


def _user_information(roles: Mapping[str, tuple[int, int]]) -> bytes:
    parts = _item(0x51, struct.pack(">I", MAX_PDU)) + _item(0x52, IMPLEMENTATION_CLASS_UID.encode())
    for uid, (scu, scp) in roles.items():
        parts += _item(0x54, struct.pack(">H", len(uid)) + uid.encode() + bytes((scu, scp)))
    return _item(0x50, parts + _item(0x55, b"ADIT_LOOPBACK"))


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


def _items(data: bytes, position: int) -> list[tuple[int, bytes]]:
    items: list[tuple[int, bytes]] = []
    while position + 4 <= len(data):
        kind, _, length = struct.unpack_from(">BBH", data, position)
        value = data[position + 4 : position + 4 + length]
        if len(value) < length or (kind in (0x20, 0x21) and length < 4):  # noqa: PLR2004 - id, result and reserved bytes
            raise Closed("an item of the association request is cut short")
        items.append((kind, value))
        position += 4 + length
    return items
