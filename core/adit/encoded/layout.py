"""What the header of an element looks like (PS3.5 §7.1): lengths, tags, byte orders; reading and writing share it."""

from struct import Struct
from typing import Final

ITEM: Final = 0xFFFEE000
ITEM_DELIMITER: Final = 0xFFFEE00D
SEQUENCE_DELIMITER: Final = 0xFFFEE0DD
ITEM_GROUP: Final = 0xFFFE
UNDEFINED_LENGTH: Final = 0xFFFFFFFF
HEADER_BYTES: Final = 8  # of an item, a delimiter, and of the shorter headers of elements
MAX_DEPTH: Final = 64  # sequences in sequences; the deepest that the standard has a use for are below twenty

# Explicit VR with a length of 16 bits, and with one of 32 (PS3.5 §7.1.2).
SHORT_VRS: Final = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG_VRS: Final = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
# What is padded to even length with a space; everything else is with a NUL (PS3.5 §6.2).
TEXT_VRS: Final = frozenset(
    (b"AE", b"AS", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"LT", b"PN", b"SH", b"ST", b"TM", b"UC", b"UR", b"UT")
)
# The items of these are data sets; those of other VRs are fragments of a pixel value (PS3.5 Annex A.4).
SEQUENCE_VRS: Final = (b"SQ", b"UN")

# By `little_endian`.
TAG_LENGTH: Final = {True: Struct("<HHI"), False: Struct(">HHI")}
TAG_VR_LENGTH: Final = {True: Struct("<HH2sH"), False: Struct(">HH2sH")}
VR_LENGTH: Final = {True: Struct("<2sH"), False: Struct(">2sH")}
LONG: Final = {True: Struct("<I"), False: Struct(">I")}


class Malformed(ValueError):
    """The bytes are not the data set that they should be; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_vr(two: bytes) -> bool:
    """Whether an element of explicit VR may say this as its VR, also one that the standard does not have yet."""
    return b"AA" <= two <= b"ZZ"
