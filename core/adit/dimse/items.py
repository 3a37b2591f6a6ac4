"""Items, the bricks that association PDUs are laid with (PS3.8 §9.3.2): type, reserved byte, length, value.

Everything that is read here comes from outside: no length is believed, no text becomes longer than it may.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final

from adit.dimse.errors import ProtocolViolation

MAX_ITEMS: Final = 1024  # in one PDU or item; 128 presentation contexts and a sub-item for each fit many times
MAX_UID: Final = 64
AE_TITLE_LENGTH: Final = 16
_HEADER: Final = struct.Struct(">BxH")
_LENGTH: Final = struct.Struct(">H")
_UID: Final = re.compile(r"[0-9.]*")
_AE_TITLE: Final = re.compile(r"[ -\[\]-~]+")  # PS3.5 §6.2: printable, no backslash


class Reader:
    """Reads fields one after another off some bytes; every read beyond their end is a ProtocolViolation."""

    def __init__(self, value: bytes | memoryview, what: str) -> None:
        self._value = memoryview(value)
        self._what = what
        self._position = 0

    @property
    def left(self) -> int:
        return len(self._value) - self._position

    def take(self, count: int) -> memoryview:
        if count > self.left:
            raise ProtocolViolation(f"{self._what} that ends before its fields do")
        start, self._position = self._position, self._position + count
        return self._value[start : self._position]

    def byte(self) -> int:
        return self.take(1)[0]

    def short(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def long(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def counted(self) -> memoryview:
        """A value after its length in two bytes."""
        return self.take(self.short())

    def rest(self) -> memoryview:
        return self.take(self.left)

    def items(self) -> Iterator[tuple[int, memoryview]]:
        """Type and value of every item up to the end."""
        count = 0
        while self.left:
            count += 1
            if count > MAX_ITEMS:
                raise ProtocolViolation(f"{self._what} of more than {MAX_ITEMS} items")
            kind, length = _HEADER.unpack(self.take(_HEADER.size))
            yield kind, self.take(length)


def item(kind: int, value: bytes) -> bytes:
    """One item around its value; raises ValueError where that is longer than 65,535 bytes."""
    return _HEADER.pack(kind, _fits(value)) + value


def counted(value: bytes) -> bytes:
    """A value behind its length in two bytes."""
    return _LENGTH.pack(_fits(value)) + value


def decode_uid(value: memoryview, what: str) -> str:
    """A UID as it stands in PDUs (PS3.8 Annex F): unpadded, but peers pad it with NUL or space all the same."""
    text = bytes(value).rstrip(b"\0 ").decode("latin-1")
    if len(text) > MAX_UID or _UID.fullmatch(text) is None:
        raise ProtocolViolation(f"{what} that is no UID")
    return text


def encode_uid(uid: str) -> bytes:
    """Raises ValueError where it is none."""
    if len(uid) > MAX_UID or _UID.fullmatch(uid) is None:
        raise ValueError(f"{uid[:MAX_UID]!r} is not a UID")
    return uid.encode("ascii")


def decode_ae_title(value: memoryview) -> str:
    """An AE title from its 16 bytes (PS3.8 Table 9-11): blanks around it mean nothing, and C programs end it with NUL.

    What is not printable ASCII becomes U+FFFD, so that it can be shown, and is equal to no title that is allowed.
    """
    text = bytes(value).split(b"\0", 1)[0].decode("ascii", "replace").strip(" ")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def encode_ae_title(title: str) -> bytes:
    """An AE title on its 16 bytes; raises ValueError where it has more (`check_ae_title` judges our own)."""
    if len(title) > AE_TITLE_LENGTH:
        raise ValueError(f"the AE title {title[:AE_TITLE_LENGTH]}… has more than {AE_TITLE_LENGTH} characters")
    return title.encode("ascii", "replace").ljust(AE_TITLE_LENGTH)


def check_ae_title(title: str) -> str:
    """The title as it counts, without blanks around it; raises ValueError where PS3.5 §6.2 allows no such one."""
    stripped = title.strip(" ")
    if len(stripped) > AE_TITLE_LENGTH or _AE_TITLE.fullmatch(stripped) is None:
        raise ValueError(f"{title!r} is not an AE title: 1 to 16 printable ASCII characters, no backslash")
    return stripped


def _fits(value: bytes) -> int:
    if len(value) > 0xFFFF:  # noqa: PLR2004 - two bytes
        raise ValueError(f"{len(value)} bytes do not fit into an item")
    return len(value)
