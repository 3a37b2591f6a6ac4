"""DIMSE command sets (PS3.7 Annex E): a handful of elements of group 0000, always in implicit VR little endian."""

import struct
from collections.abc import Mapping
from enum import IntEnum

MAX_LENGTH = 64 * 1024
NO_DATA_SET = 0x0101
_HAS_DATA_SET = 0x0001


class Field(IntEnum):
    """Which message a command set begins (PS3.7 E.1-1)."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_GET_RQ = 0x0010
    C_GET_RSP = 0x8010
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030


class Element(IntEnum):
    """The elements that these messages are made of, by their element number in group 0000."""

    AFFECTED_SOP_CLASS_UID = 0x0002
    COMMAND_FIELD = 0x0100
    MESSAGE_ID = 0x0110
    MESSAGE_ID_RESPONDED_TO = 0x0120
    PRIORITY = 0x0700
    DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    AFFECTED_SOP_INSTANCE_UID = 0x1000
    REMAINING = 0x1020
    COMPLETED = 0x1021
    FAILED = 0x1022
    WARNING = 0x1023


_KNOWN = frozenset(Element)
_UIDS = (Element.AFFECTED_SOP_CLASS_UID, Element.AFFECTED_SOP_INSTANCE_UID)

Command = Mapping[Element, int | str]


def request(field: Field, message_id: int, sop_class_uid: str, sop_instance_uid: str = "") -> Command:
    """A request of medium priority; C-ECHO has neither priority nor data set."""
    command: dict[Element, int | str] = {
        Element.AFFECTED_SOP_CLASS_UID: sop_class_uid,
        Element.COMMAND_FIELD: field,
        Element.MESSAGE_ID: message_id,
        Element.DATA_SET_TYPE: NO_DATA_SET if field is Field.C_ECHO_RQ else _HAS_DATA_SET,
    }
    if field is not Field.C_ECHO_RQ:
        command[Element.PRIORITY] = 0
    if sop_instance_uid:
        command[Element.AFFECTED_SOP_INSTANCE_UID] = sop_instance_uid
    return command


def store_response(to: Command, status: int) -> Command:
    """The answer to a C-STORE request that was received as part of a C-GET."""
    return {
        Element.AFFECTED_SOP_CLASS_UID: text(to, Element.AFFECTED_SOP_CLASS_UID),
        Element.COMMAND_FIELD: Field.C_STORE_RSP,
        Element.MESSAGE_ID_RESPONDED_TO: number(to, Element.MESSAGE_ID),
        Element.DATA_SET_TYPE: NO_DATA_SET,
        Element.STATUS: status,
        Element.AFFECTED_SOP_INSTANCE_UID: text(to, Element.AFFECTED_SOP_INSTANCE_UID),
    }


def number(command: Command, element: Element) -> int:
    """The value of a number element, 0 where it is absent."""
    value = command.get(element, 0)
    return value if isinstance(value, int) else 0


def text(command: Command, element: Element) -> str:
    """The value of a UID element, empty where it is absent."""
    value = command.get(element, "")
    return value if isinstance(value, str) else ""


def has_data_set(command: Command) -> bool:
    return number(command, Element.DATA_SET_TYPE) != NO_DATA_SET


def encode(command: Command) -> bytes:
    """A command set as it goes over the wire, its group length first."""
    body = b"".join(_encode(element, command[element]) for element in sorted(command))
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def decode(encoded: bytes) -> Command:
    """Read the elements that we know; raises ValueError where the bytes are none.

    All others are passed over, those of other groups too: dcmtk (so Orthanc) puts the list of failed instances, which
    belongs into a data set, behind the command.
    """
    command: dict[Element, int | str] = {}
    position = 0
    while position < len(encoded):
        if len(encoded) - position < 8:  # noqa: PLR2004 - tag and length
            raise ValueError("a command element is cut short")
        group, element, length = struct.unpack_from("<HHI", encoded, position)
        position += 8
        value = encoded[position : position + length]
        if len(value) < length:
            raise ValueError("a command element is cut short")
        position += length
        if group == 0 and element in _KNOWN:
            command[Element(element)] = _decode(Element(element), value)
    if Element.COMMAND_FIELD not in command:
        raise ValueError("a command set without a command field")
    return command


def _encode(element: Element, value: int | str) -> bytes:
    if isinstance(value, int):
        return struct.pack("<HHIH", 0, element, 2, value)
    encoded = value.encode("ascii")
    encoded += b"\0" * (len(encoded) % 2)
    return struct.pack("<HHI", 0, element, len(encoded)) + encoded


def _decode(element: Element, value: bytes) -> int | str:
    if element in _UIDS:
        return value.rstrip(b"\0 ").decode("ascii", "replace")
    if len(value) < 2:  # noqa: PLR2004 - every number here is a US
        return 0
    (decoded,) = struct.unpack_from("<H", value)
    return int(decoded)
