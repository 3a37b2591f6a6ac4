"""Private elements (PS3.5 §7.8): which creator an element belongs to, and which blocks hold something that stays."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from adit.encoded.elements import Element
from adit.pseudonymization.actions import Action, AttributeRule
from adit.pseudonymization.ruleset import Ruleset
from adit.pseudonymization.texts import decoded

if TYPE_CHECKING:
    from adit.pseudonymization.rewriting import Place

_FIRST, _LAST = 0x10, 0xFF
_LONGEST_CREATOR = 64  # bytes, as LO has
_LONGEST_SAFE = 1 << 10
_SIZES = {b"US": 2, b"SS": 2, b"UL": 4, b"SL": 4, b"FL": 4, b"FD": 8}
_NUMBERS = re.compile(rb"[0-9+\-.eE \\\0]*")
_TEXTS = {b"DS": _NUMBERS, b"IS": _NUMBERS, b"CS": re.compile(rb"[A-Z0-9_ \\\0]*")}
_GONE = AttributeRule(Action.REMOVE)
_STAYS = AttributeRule(Action.KEEP)


@dataclass(frozen=True, slots=True)
class PrivateBlocks:
    """The creators of one data set, by (group, block), and the blocks of which an element is kept."""

    creators: dict[tuple[int, int], str] = field(default_factory=dict)
    kept: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of(cls, place: "Place", found: Iterable[Element], ruleset: Ruleset) -> Self:
        """Look at all elements of a level."""
        creators: dict[tuple[int, int], str] = {}
        kept, doubtful = set(), set()
        for one in found:
            if not one.tag & 0x10000:
                continue
            group, number = one.tag >> 16, one.tag & 0xFFFF
            if _FIRST <= number <= _LAST:
                if (group, number) in creators or one.stop - one.value > _LONGEST_CREATOR:
                    doubtful.add((group, number))  # two of them, or a text: nobody knows whose the block is
                value = bytes(place.buffer[one.value : min(one.stop, one.value + _LONGEST_CREATOR)])
                creators.setdefault((group, number), decoded(b"LO", value, place.hand.codecs).strip())
            else:
                creator = creators.get((group, number >> 8))
                if creator and ruleset.private_rule(creator, one.tag).action is not Action.REMOVE:
                    kept.add((group, number >> 8))
        certain = {block: creator for block, creator in creators.items() if block not in doubtful}
        return cls(certain, frozenset(kept - doubtful))


def private_rule(place: "Place", one: Element, blocks: PrivateBlocks, ruleset: Ruleset) -> AttributeRule:
    """What becomes of a private element: without a creator it is nobody's, and goes."""
    group, number = one.tag >> 16, one.tag & 0xFFFF
    if _FIRST <= number <= _LAST:
        return _STAYS if (group, number) in blocks.kept else _GONE
    creator = blocks.creators.get((group, number >> 8))
    if not creator:
        return _GONE
    rule = ruleset.private_rule(creator, one.tag)
    if rule.action is not Action.KEEP:
        return rule
    listed = ruleset.safe_vr(creator, one.tag)
    if listed and not _is_of(listed, one, place):
        return _GONE
    return ruleset.private_value_rule(one.vr)


def _is_of(vr: bytes, one: Element, place: "Place") -> bool:
    """Whether an element is what the list of safe ones says: by its VR, or by its value where it has none."""
    if one.vr not in {vr, b"UN"} or one.stop - one.value > _LONGEST_SAFE:
        return False
    size = _SIZES.get(vr)
    if size is not None:
        return (one.stop - one.value) % size == 0
    fits = _TEXTS.get(vr)
    return fits is None or fits.fullmatch(bytes(place.buffer[one.value : one.stop])) is not None
