"""Private elements (PS3.5 §7.8): which creator an element belongs to, and which blocks hold something that stays."""

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
        kept = set()
        for one in found:
            if not one.tag & 0x10000:
                continue
            group, number = one.tag >> 16, one.tag & 0xFFFF
            if _FIRST <= number <= _LAST:
                value = bytes(place.buffer[one.value : min(one.stop, one.value + 64)])
                creators.setdefault((group, number), decoded(b"LO", value, place.hand.codecs).strip())
            else:
                creator = creators.get((group, number >> 8))
                if creator and ruleset.private_rule(creator, one.tag).action is not Action.REMOVE:
                    kept.add((group, number >> 8))
        return cls(creators, frozenset(kept))


def private_rule(one: Element, blocks: PrivateBlocks, ruleset: Ruleset) -> AttributeRule:
    """What becomes of a private element: without a creator it is nobody's, and goes."""
    group, number = one.tag >> 16, one.tag & 0xFFFF
    if _FIRST <= number <= _LAST:
        return _STAYS if (group, number) in blocks.kept else _GONE
    creator = blocks.creators.get((group, number >> 8))
    if not creator:
        return _GONE
    rule = ruleset.private_rule(creator, one.tag)
    return ruleset.private_value_rule(one.vr) if rule.action is Action.KEEP else rule
