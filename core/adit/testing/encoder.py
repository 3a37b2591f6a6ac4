"""Encodes elements byte by byte in each uncompressed transfer syntax, wrong ones too: what no DICOM library writes."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from adit.testing.elements import EXPLICIT_BIG, IMPLICIT_LITTLE, LONG_VRS, UNDEFINED

_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_NUL_PADDED: Final = frozenset(("UI", "OB", "UN"))
_MAX_SHORT: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Encoder:
    """One way to write elements; values are given as bytes."""

    explicit: bool = True
    little: bool = True

    @classmethod
    def of(cls, transfer_syntax_uid: str) -> Self:
        return cls(transfer_syntax_uid != IMPLICIT_LITTLE, transfer_syntax_uid != EXPLICIT_BIG)

    def element(self, tag: int, vr: str, value: bytes, *, undefined: bool = False) -> bytes:
        """Padded to even length; a value too long for its VR is written as UN, as PS3.5 §6.2.2 has it."""
        padded = value if len(value) % 2 == 0 else value + (b"\0" if vr in _NUL_PADDED else b" ")
        length = UNDEFINED if undefined else len(padded)
        order = "<" if self.little else ">"
        head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + struct.pack(order + "I", length) + padded
        if vr not in LONG_VRS and length <= _MAX_SHORT:
            return head + vr.encode() + struct.pack(order + "H", length) + padded
        written = vr if vr in LONG_VRS else "UN"
        return head + written.encode() + struct.pack(order + "HI", 0, length) + padded

    def unsigned(self, tag: int, value: int) -> bytes:
        """An element of VR US."""
        return self.element(tag, "US", struct.pack("<H" if self.little else ">H", value))

    def items(self, *items: bytes, undefined: bool = False) -> bytes:
        """The value of a sequence; with its delimiter where it and its items are of undefined length."""
        parts: list[bytes] = []
        for item in items:
            parts += (self._part(_ITEM, UNDEFINED if undefined else len(item)), item)
            if undefined:
                parts.append(self._part(_ITEM_END, 0))
        if undefined:
            parts.append(self._part(_SEQUENCE_END, 0))
        return b"".join(parts)

    def sequence(self, tag: int, *items: bytes, undefined: bool = False) -> bytes:
        return self.element(tag, "SQ", self.items(*items, undefined=undefined), undefined=undefined)

    def sequence_as_unknown(self, tag: int, *items: bytes, undefined: bool = False) -> bytes:
        """A sequence whose VR was lost: the items must be implicit VR little endian (PS3.5 §6.2.2)."""
        return self.element(tag, "UN", IMPLICIT.items(*items, undefined=undefined), undefined=undefined)

    def _part(self, tag: tuple[int, int], length: int) -> bytes:
        return struct.pack("<HHI" if self.little else ">HHI", *tag, length)


IMPLICIT: Final = Encoder(explicit=False)


def in_order(elements: Iterable[tuple[int, bytes]]) -> bytes:
    """Encoded elements by ascending tag; of two for one tag the last."""
    return b"".join(encoded for _, encoded in sorted(dict(elements).items()))
