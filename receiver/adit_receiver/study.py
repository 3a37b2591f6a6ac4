"""Reads the Study Instance UID out of an encoded data set, and nothing else: the receiver has no DICOM library.

Elements stand in ascending order (PS3.5 §7.1), so that only what comes before (0020,000D) is walked over.
"""

import zlib
from pathlib import Path
from typing import Final, Literal

from adit.transfer.part10 import is_uid

# Far more than any object has before its study; a data set that has more is matched without its study.
MAX_HEAD_BYTES: Final = 4 << 20
MAX_DEPTH: Final = 32
IMPLICIT_LITTLE: Final = "1.2.840.10008.1.2"
EXPLICIT_BIG: Final = "1.2.840.10008.1.2.2"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_STUDY: Final = 0x0020000D
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF
_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)


class _Unreadable(Exception):
    """The elements do not add up."""


def study_in(path: Path, start: int, transfer_syntax_uid: str) -> str:
    """The study of the data set that begins at `start`; empty where it cannot be told. Raises OSError."""
    with path.open("rb") as file:
        file.seek(start)
        head = file.read(MAX_HEAD_BYTES)
    return study_of_head(head, transfer_syntax_uid)


def study_of_head(head: bytes, transfer_syntax_uid: str) -> str:
    """The same, of the first bytes of a data set."""
    if transfer_syntax_uid == DEFLATED:
        try:
            head = zlib.decompressobj(-zlib.MAX_WBITS).decompress(head, MAX_HEAD_BYTES)
        except zlib.error:
            return ""
    elements = _Elements(head, implicit=transfer_syntax_uid == IMPLICIT_LITTLE, big=transfer_syntax_uid == EXPLICIT_BIG)
    try:
        value = elements.study()
    except _Unreadable:
        return ""
    text = value.decode("ascii", "replace").strip(" \0")
    return text if is_uid(text) else ""


class _Elements:
    """A walk over encoded elements."""

    def __init__(self, data: bytes, *, implicit: bool, big: bool) -> None:
        self._data = data
        self._implicit = implicit
        self._order: Literal["big", "little"] = "big" if big else "little"
        self._position = 0

    def study(self) -> bytes:
        while True:
            tag, length, vr = self._header(implicit=self._implicit)
            if tag > _STUDY:
                raise _Unreadable
            if tag == _STUDY:
                return self._take(length)
            self._pass(length, implicit=self._implicit, depth=0, vr=vr)

    def _header(self, *, implicit: bool) -> tuple[int, int, bytes]:
        """Tag, length and VR; items and delimiters have no VR (PS3.5 §7.5)."""
        raw = self._take(8)
        tag = self._number(raw[:2]) << 16 | self._number(raw[2:4])
        if implicit or tag in (_ITEM, _ITEM_END, _SEQUENCE_END):
            return tag, self._number(raw[4:]), b""
        vr = raw[4:6]
        if vr in _LONG_VRS:
            return tag, self._number(self._take(4)), vr
        return tag, self._number(raw[6:]), vr

    def _pass(self, length: int, *, implicit: bool, depth: int, vr: bytes = b"") -> None:
        """Over a value: of a defined length at once, else item by item (PS3.5 §7.5.2)."""
        if length != _UNDEFINED:
            self._take(length)
            return
        if depth > MAX_DEPTH:
            raise _Unreadable
        # PS3.5 §6.2.2: a UN of undefined length is a sequence in implicit VR, little endian
        implicit = implicit or vr == b"UN"
        while True:
            tag, item_length, _ = self._header(implicit=implicit)
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise _Unreadable
            if item_length != _UNDEFINED:
                self._take(item_length)
            else:
                self._pass_item(implicit=implicit, depth=depth + 1)

    def _pass_item(self, *, implicit: bool, depth: int) -> None:
        while True:
            tag, length, vr = self._header(implicit=implicit)
            if tag == _ITEM_END:
                return
            self._pass(length, implicit=implicit, depth=depth, vr=vr)

    def _take(self, count: int) -> bytes:
        end = self._position + count
        if end > len(self._data):
            raise _Unreadable
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def _number(self, raw: bytes) -> int:
        return int.from_bytes(raw, self._order)
