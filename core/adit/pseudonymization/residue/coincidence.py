"""Tells an identifier that was found from what only looks like one: a number, bytes of a measurement, a term."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from adit.pseudonymization.residue.forms import Sought
from adit.pseudonymization.residue.vocabulary import is_device_tag, is_term

# Texts that hold numbers, and values that hold no text at all.
_NUMBERS: Final = frozenset((b"DS", b"IS", b"TM"))
_BINARY: Final = frozenset(
    (b"AT", b"FD", b"FL", b"OD", b"OF", b"OL", b"OV", b"OW", b"SL", b"SS", b"SV", b"UL", b"US", b"UV")
)
# May hold text; if so much of it is not, it is bytes of an image or a signal.
_OPAQUE: Final = frozenset((b"OB", b"UN"))
_OPAQUE_TEXT_BYTES: Final = 4096
# Fewer characters occur by chance in megabytes of bytes.
_TELLING_IN_BINARY: Final = 6
# Of a time behind a date; or somebody's number is made of the day.
_MOST_TIME_DIGITS: Final = 6
_LONGEST_PADDING: Final = 64


class Value(NamedTuple):
    """Where a text was found: tag, VR and length in bytes of the whole value, of which it may be a part."""

    tag: int
    vr: bytes
    length: int

    @property
    def is_binary(self) -> bool:
        """Whether text in it would be a wonder."""
        return self.vr in _BINARY or (self.vr in _OPAQUE and self.length > _OPAQUE_TEXT_BYTES)


def occurrences(text: str, word: str) -> Iterator[int]:
    """Where a word begins in a text, overlapping ones too."""
    start = text.find(word)
    while start >= 0:
        yield start
        start = text.find(word, start + 1)


def is_chance(sought: Sought, text: str, start: int, value: Value) -> bool:
    """Whether the characters around an occurrence show that it is something else."""
    stop = start + len(sought.text)
    before, after = text[max(start - 2, 0) : start], text[stop : stop + 8]
    if sought.is_date:
        return _is_another_number(sought.text, before, after)
    if sought.is_short_number and (value.vr in _NUMBERS or _is_part_of_number(_unpadded(text, start), after)):
        return True
    if value.is_binary and len(sought.text) < _TELLING_IN_BINARY:
        return not (_is_delimiter(before[-1:]) and _is_delimiter(after[:1]))
    return is_term(text, start, stop, value.tag, value.vr)


def is_term_at(sought: Sought, text: str, start: int, value: Value) -> bool:
    """Whether an occurrence is a word of images, outside of what a device says of itself."""
    return not is_device_tag(value.tag) and is_term(text, start, start + len(sought.text), value.tag, value.vr)


def is_chance_in_bytes(exact: bytes, value: Value) -> bool:
    """Whether so few bytes say nothing there."""
    return value.is_binary and len(exact) < _TELLING_IN_BINARY


def is_ours(sought: Sought, text: str, start: int, ours: Sequence[str]) -> bool:
    """Whether an occurrence is part of one of these values, which the rewriter has made."""
    return any(
        text.startswith(value, start - offset)
        for value in ours
        for offset in occurrences(value, sought.text)
        if offset <= start
    )


def _is_another_number(date: str, before: str, after: str) -> bool:
    if _is_digit(before[-1:]) or _is_fraction(before[::-1]):
        return True
    digits = len(after) - len(after.lstrip("0123456789"))
    if date.isdecimal():
        return digits > _MOST_TIME_DIGITS
    return digits > 0 or ("." in date and _is_fraction(after))


def _is_part_of_number(before: str, after: str) -> bool:
    """In a longer number, a fraction or a UID."""
    nearest = before[::-1]
    return any(_is_digit(side[:1]) or _is_fraction(side) for side in (nearest, after))


def _unpadded(text: str, start: int) -> str:
    """The characters before a number, without zeros that only make it longer."""
    before = text[max(start - _LONGEST_PADDING, 0) : start]
    bare = before.rstrip("0")
    is_padding = len(bare) < len(before) and not _is_digit(bare[-1:]) and not bare.endswith(".")
    return (bare if is_padding else before)[-2:]


def _is_fraction(side: str) -> bool:
    return side[:1] == "." and _is_digit(side[1:2])


def _is_digit(character: str) -> bool:
    return character.isascii() and character.isdigit()


def _is_delimiter(character: str) -> bool:
    return not character or (character.isascii() and not character.isalnum())
