"""The data dictionary (PS3.6) by number: what a tag means where its element does not say so itself."""

from collections.abc import Iterator
from typing import Final

from pydicom.datadict import DicomDictionary, RepeatersDictionary  # type: ignore[attr-defined]  # its own re-export

_UNKNOWN: Final = b"UN"
_ITEMS: Final = 0xFFFE
_Entry = tuple[bytes, str]


def _encoded_vr(vr: str) -> bytes:
    """One VR for an entry that has several: words for bytes or words, else the first."""
    return b"OW" if vr == "OB or OW" else vr[:2].encode()


def _entries() -> Iterator[tuple[int, _Entry]]:
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        if tag >> 16 != _ITEMS:
            yield tag, (_encoded_vr(vr), keyword)


def _repeating_entries() -> Iterator[tuple[int, int, _Entry]]:
    """The bits that count, what they are, and the entry: `60xx0010` stands for every group of overlays."""
    for mask, (vr, _, _, _, keyword) in RepeatersDictionary.items():
        significant = int("".join("0" if digit == "x" else "F" for digit in mask), 16)
        yield significant, int(mask.replace("x", "0"), 16), (_encoded_vr(vr), keyword)


_ENTRIES: Final[dict[int, _Entry]] = dict(_entries())
_REPEATING: Final = tuple(_repeating_entries())

VRS: Final[dict[int, bytes]] = {tag: vr for tag, (vr, _) in _ENTRIES.items()}
"""Tag → VR of what the dictionary lists one by one; `vr_of` knows the rest."""


def is_private(tag: int) -> bool:
    """Whether the group is odd (PS3.5 §7.8)."""
    return bool(tag & 0x10000)


def is_known(tag: int) -> bool:
    """Whether the dictionary has it; a group length is in no dictionary."""
    return _entry(tag) is not None


def vr_of(tag: int) -> bytes:
    """The VR of an element that does not say: UN where nobody knows, UL for a group length."""
    entry = _entry(tag)
    if entry is not None:
        return entry[0]
    return b"UL" if not tag & 0xFFFF and not is_private(tag) and tag >> 16 != _ITEMS else _UNKNOWN


def keyword_of(tag: int) -> str:
    """The keyword, or the eight hexadecimal digits of a tag that has none."""
    entry = _entry(tag)
    return (entry[1] if entry is not None else "") or f"{tag:08X}"


def _entry(tag: int) -> _Entry | None:
    entry = _ENTRIES.get(tag)
    if entry is not None or tag & 0x10000:
        return entry
    for significant, value, repeating in _REPEATING:
        if tag & significant == value:
            # Remembered, since overlays come with every slice; the masks bound how many there can be.
            _ENTRIES[tag] = repeating
            return repeating
    return None
