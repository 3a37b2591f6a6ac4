"""DIMSE statuses in words (PS3.4 Annexes B and C, PS3.7 Annex C), with what the peer itself says."""

from typing import Final

from adit.dimse import commands
from adit.dimse.commands import Command, Element

SUCCESS: Final = 0x0000
PENDING: Final = frozenset({0xFF00, 0xFF01})
CANCELED: Final = 0xFE00
_EXACT: Final = {
    0x0105: "no such attribute",
    0x0106: "invalid attribute value",
    0x0110: "processing failure",
    0x0111: "duplicate SOP instance",
    0x0112: "no such SOP instance",
    0x0117: "invalid SOP instance",
    0x0118: "no such SOP class",
    0x0119: "class and instance conflict",
    0x0122: "SOP class not supported",
    0x0124: "not authorized",
    0x0210: "duplicate invocation",
    0x0211: "unrecognized operation",
    0x0212: "mistyped argument",
    0x0213: "resource limitation",
    0xA701: "out of resources: cannot count the matches",
    0xA702: "out of resources: cannot perform the sub-operations",
    0xA801: "move destination unknown",
    0xB000: "warning",
    0xB006: "warning: elements discarded",
    0xB007: "warning: the data set does not match its SOP class",
    CANCELED: "canceled",
}
_BY_FIRST_BYTE: Final = {0xA7: "out of resources", 0xA9: "the data set does not match its SOP class"}
_WARNING_CLASS, _CANNOT_UNDERSTAND = 0xB, 0xC  # the first of four digits
_WARNINGS: Final = frozenset({0x0001, 0x0107, 0x0116})


def is_warning(status: int) -> bool:
    """Whether it was done, with a reservation (PS3.7 Annex C.3)."""
    return status >> 12 == _WARNING_CLASS or status in _WARNINGS


def words_of(answer: Command) -> str:
    """A status that is no success as a person reads it: code, meaning, and the peer's comment (0000,0902)."""
    status = commands.number(answer, Element.STATUS)
    meaning = _EXACT.get(status) or _BY_FIRST_BYTE.get(status >> 8)
    if meaning is None:
        meaning = "cannot understand" if status >> 12 == _CANNOT_UNDERSTAND else "unknown status"
    comment = printable(commands.text(answer, Element.ERROR_COMMENT))
    return f"0x{status:04X} {meaning}" + (f": {comment}" if comment else "")


def printable(text: str) -> str:
    """Without what would move the cursor of a terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)
