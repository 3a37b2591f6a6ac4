"""The frames of the file transmit: a kind, a small JSON header, and behind the header of a LETTER its data set.

| frame     | from     | header                                               | meaning |
|-----------|----------|------------------------------------------------------|---|
| HELLO     | receiver | version, nonce                                       | the first word; the key is never sent |
| PROOF     | both     | nonce, proof                                         | each side proves the key to the other |
| ANNOUNCE  | runner   | id, messageId, callingAeTitle, study, standing, age, uids | awaited; `uids` UIDs follow |
| UIDS      | runner   | uids                                                 | at most 5,000 SOP Instance UIDs |
| ANNOUNCED | receiver |                                                      | durable: the C-MOVE may begin |
| REFUSED   | receiver | reason, message                                      | and the connection is closed |
| LETTER    | receiver | name, length, sopClass, sopInstance, transferSyntax  | `length` bytes and their CRC-32 follow |
| UNREADABLE | receiver | name, sopInstance                                   | it is damaged in the spool, and stays |
| ACK       | runner   | names                                                | they are durable here |
| WITHDRAW  | runner   |                                                      | nothing more is awaited |
| WITHDRAWN | receiver |                                                      | and the connection is closed |
| PING      | both     |                                                      | every 5 s where nothing else is said |

A frame is its kind (1 byte), the length of its header (4 bytes, big endian) and the header. The CRC-32 has 4 bytes.
"""

import json
import struct
from enum import IntEnum
from typing import Any, Final

from adit.dimse.errors import ProtocolViolation
from adit.dimse.wire import Wire

VERSION: Final = 1
MAX_HEADER: Final = 1 << 19
MAX_STRANGERS_HEADER: Final = 1 << 10  # before the key is proved
UIDS_PER_FRAME: Final = 5_000  # of 64 characters
MAX_UIDS: Final = 200_000
NAMES_PER_ACK: Final = 500
MAX_AGE: Final = 30 * 86_400  # seconds
MAX_LETTER: Final = 16 << 30
PING_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 20.0
HANDSHAKE_SECONDS: Final = 10.0
_HEAD: Final = struct.Struct(">BI")
_CHECKSUM: Final = struct.Struct(">I")


class Kind(IntEnum):
    """The first byte of a frame."""

    HELLO = 1
    PROOF = 2
    ANNOUNCE = 3
    UIDS = 4
    ANNOUNCED = 5
    REFUSED = 6
    LETTER = 7
    ACK = 8
    WITHDRAW = 9
    WITHDRAWN = 10
    PING = 11
    UNREADABLE = 12


_KINDS: Final = frozenset(Kind)
Header = dict[str, Any]


def encode(kind: Kind, header: Header | None = None) -> bytes:
    """A frame as it goes over the wire; what follows a LETTER is not part of it."""
    encoded = json.dumps(header or {}, separators=(",", ":")).encode()
    return _HEAD.pack(kind, len(encoded)) + encoded


def encode_checksum(checksum: int) -> bytes:
    """What follows the data set of a LETTER."""
    return _CHECKSUM.pack(checksum)


def read_checksum(wire: Wire) -> int:
    """What follows the data set of a LETTER. Raises ConnectionLost, PeerSilent."""
    return int(_CHECKSUM.unpack(wire.exactly(_CHECKSUM.size))[0])


def read(wire: Wire, most: int = MAX_HEADER) -> tuple[Kind, Header]:
    """The next frame. Raises ProtocolViolation for what is none, ConnectionLost, PeerSilent."""
    wire.begin()  # for each frame the whole time-out: a line may rest for hours, and say PING now and then
    kind, length = _HEAD.unpack(wire.exactly(_HEAD.size))
    if kind not in _KINDS or length > most:
        raise ProtocolViolation("something that is no frame of the file transmit")
    try:
        header = json.loads(bytes(wire.exactly(length)))
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation("a frame whose header is not JSON") from error
    if not isinstance(header, dict):
        raise ProtocolViolation("a frame whose header is no object")
    return Kind(kind), header


def text(header: Header, name: str, most: int = 64) -> str:
    """A printable ASCII text of a header. Raises ProtocolViolation where it is absent, too long or something else."""
    value = header.get(name)
    if not isinstance(value, str) or not _proper(value, most):
        raise ProtocolViolation(f"a frame without a proper {name}")
    return value


def number(header: Header, name: str, most: int) -> int:
    """A number of a header, from 0 on. Raises ProtocolViolation where it is absent or out of range."""
    value = header.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ProtocolViolation(f"a frame without a proper {name}")
    return value


def texts(header: Header, name: str, most: int) -> list[str]:
    """Texts of at most 64 printable ASCII characters each. Raises ProtocolViolation where they are anything else."""
    value = header.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise ProtocolViolation(f"a frame without proper {name}")
    for one in value:
        if not isinstance(one, str) or not _proper(one, 64):
            raise ProtocolViolation(f"a frame without proper {name}")
    return value


def _proper(value: str, most: int) -> bool:
    return len(value) <= most and value.isascii() and (value.isprintable() or not value)
