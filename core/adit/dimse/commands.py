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
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    C_CANCEL_RQ = 0x0FFF


class Element(IntEnum):
    """The elements that these messages are made of, by their element number in group 0000."""

    AFFECTED_SOP_CLASS_UID = 0x0002
    COMMAND_FIELD = 0x0100
    MESSAGE_ID = 0x0110
    MESSAGE_ID_RESPONDED_TO = 0x0120
    MOVE_DESTINATION = 0x0600
    PRIORITY = 0x0700
    DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    ERROR_COMMENT = 0x0902
    AFFECTED_SOP_INSTANCE_UID = 0x1000
    REMAINING = 0x1020
    COMPLETED = 0x1021
    FAILED = 0x1022
    WARNING = 0x1023
    MOVE_ORIGINATOR_AE_TITLE = 0x1030
    MOVE_ORIGINATOR_MESSAGE_ID = 0x1031


_KNOWN = {int(element): element for element in Element}
_UIDS = frozenset((Element.AFFECTED_SOP_CLASS_UID, Element.AFFECTED_SOP_INSTANCE_UID))
_TEXTS = frozenset((Element.MOVE_DESTINATION, Element.MOVE_ORIGINATOR_AE_TITLE, Element.ERROR_COMMENT))
_RESPONSE = 0x8000
_MAX_COMMENT = 64

_HEADER = struct.Struct("<HHI")
_NUMBER = struct.Struct("<HHIH")

Command = Mapping[Element, int | str]


def request(
    field: Field,
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str = "",
    *,
    destination: str = "",
    originator: tuple[str, int] | None = None,
) -> Command:
    """A request of medium priority; C-ECHO has neither priority nor data set.

    `destination` is the AE title that a C-MOVE sends to, `originator` who asked for the C-MOVE that a C-STORE is part
    of, and the message ID of that request.
    """
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
    if destination:
        command[Element.MOVE_DESTINATION] = destination
    if originator is not None:
        command[Element.MOVE_ORIGINATOR_AE_TITLE], command[Element.MOVE_ORIGINATOR_MESSAGE_ID] = originator
    return command


def cancel(message_id: int) -> Command:
    """C-CANCEL-RQ of an earlier request (PS3.7 9.3.2.3)."""
    return {
        Element.COMMAND_FIELD: Field.C_CANCEL_RQ,
        Element.MESSAGE_ID_RESPONDED_TO: message_id,
        Element.DATA_SET_TYPE: NO_DATA_SET,
    }


def response(to: Command, status: int, comment: str = "") -> Command:
    """The answer to a request, without a data set; `comment` is ASCII for the peer's log, cut at 64 characters."""
    answer: dict[Element, int | str] = {
        Element.COMMAND_FIELD: number(to, Element.COMMAND_FIELD) | _RESPONSE,
        Element.MESSAGE_ID_RESPONDED_TO: number(to, Element.MESSAGE_ID),
        Element.DATA_SET_TYPE: NO_DATA_SET,
        Element.STATUS: status,
    }
    for element in (Element.AFFECTED_SOP_CLASS_UID, Element.AFFECTED_SOP_INSTANCE_UID):
        if uid := text(to, element):
            answer[element] = uid
    if comment:
        answer[Element.ERROR_COMMENT] = comment[:_MAX_COMMENT]
    return answer


def store_response(to: Command, status: int) -> Command:
    """The answer to a C-STORE request, on its own association or as part of a C-GET."""
    return {**response(to, status), Element.COMMAND_FIELD: Field.C_STORE_RSP}


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
    position, end = 0, len(encoded)
    while position < end:
        if end - position < _HEADER.size:
            raise ValueError("a command element is cut short")
        group, element, length = _HEADER.unpack_from(encoded, position)
        position += _HEADER.size
        if length > end - position:
            raise ValueError("a command element is cut short")
        if group == 0 and (known := _KNOWN.get(element)) is not None:
            command[known] = _decode(known, encoded[position : position + length])
        position += length
    if Element.COMMAND_FIELD not in command:
        raise ValueError("a command set without a command field")
    return command


def _encode(element: Element, value: int | str) -> bytes:
    if isinstance(value, int):
        return _NUMBER.pack(0, element, 2, value)
    encoded = value.encode("ascii", "replace")
    if len(encoded) % 2:
        encoded += b"\0" if element in _UIDS else b" "
    return _HEADER.pack(0, element, len(encoded)) + encoded


def _decode(element: Element, value: bytes) -> int | str:
    if element in _UIDS or element in _TEXTS:
        return value.strip(b"\0 ").decode("ascii", "replace")
    if len(value) < 2:  # noqa: PLR2004 - every number here is a US
        return 0
    return int.from_bytes(value[:2], "little")
