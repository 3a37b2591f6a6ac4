"""How the elements of a data set are written: what a transfer syntax says about everything but the pixels."""

from dataclasses import dataclass
from typing import Final

_IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
_EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the elements of a data set are written."""

    implicit_vr: bool
    little_endian: bool

    def number(self, raw: bytes) -> int:
        """An unsigned integer as this encoding writes it."""
        return int.from_bytes(raw, "little" if self.little_endian else "big")

    def tag(self, raw: bytes) -> int:
        """Group and element of four bytes."""
        return self.number(raw[:2]) << 16 | self.number(raw[2:4])


EXPLICIT_LITTLE: Final = Encoding(implicit_vr=False, little_endian=True)
IMPLICIT_LITTLE: Final = Encoding(implicit_vr=True, little_endian=True)
EXPLICIT_BIG: Final = Encoding(implicit_vr=False, little_endian=False)


def encoding_of(transfer_syntax_uid: str) -> Encoding:
    """The encoding of a transfer syntax; every encapsulated one is Explicit VR Little Endian (PS3.5 Annex A.4)."""
    if transfer_syntax_uid == _IMPLICIT_VR_LITTLE_ENDIAN:
        return IMPLICIT_LITTLE
    return EXPLICIT_BIG if transfer_syntax_uid == _EXPLICIT_VR_BIG_ENDIAN else EXPLICIT_LITTLE
