"""Rules: a profile and the table of PS3.15 Annex E become one action for each attribute, found without searching.

The order of who decides: what is no part of a data set (group lengths, command, file meta), the profile's overrides,
the rows of the table with the profile's options, then the VR of attributes that no row names.
"""

from typing import Final, Literal, NamedTuple

from adit.api.pseudonymization_profile import Option, PseudonymizationProfileSpec
from adit.encoded.dictionary import is_known, is_private, vr_of
from adit.pseudonymization.actions import Action, AttributeRule
from adit.pseudonymization.annex_e.table import ROWS, Row, mask_row
from adit.pseudonymization.safe_private import SAFE
from adit.pseudonymization.unlisted import TELLING, is_public_uid

FULL_DATES: Final[Option] = "RetainLongitudinalFullDates"
MODIFIED_DATES: Final[Option] = "RetainLongitudinalModifiedDates"

# CID 7050; 113101 (Clean Pixel Data Option) is added where pixels have been cleaned.
_BASIC: Final = ("113100", "Basic Application Confidentiality Profile")
_CODES: Final[dict[Option, tuple[str, str]]] = {
    "CleanGraphics": ("113103", "Clean Graphics Option"),
    "CleanStructuredContent": ("113104", "Clean Structured Content Option"),
    "CleanDescriptors": ("113105", "Clean Descriptors Option"),
    FULL_DATES: ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    MODIFIED_DATES: ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "RetainPatientCharacteristics": ("113108", "Retain Patient Characteristics Option"),
    "RetainDeviceIdentity": ("113109", "Retain Device Identity Option"),
    "RetainUIDs": ("113110", "Retain UIDs Option"),
    "RetainSafePrivate": ("113111", "Retain Safe Private Option"),
    "RetainInstitutionIdentity": ("113112", "Retain Institution Identity Option"),
}

_DATES: Final = frozenset((b"DA", b"DT", b"TM"))
# What can be cleaned: text, and sequences of it. Nobody reads the text in bytes.
_CLEANABLE: Final = frozenset((b"AE", b"CS", b"LO", b"LT", b"SH", b"SQ", b"ST", b"UC", b"UR", b"UT"))
_VRS: Final = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_COMMAND, _FILE_META, _DIRECTORY = 0x0000, 0x0002, 0x0004
_TIMEZONE: Final = 0x00080201
_OVERLAYS, _OVERLAY_DATA = 0x60, 0x3000
_FIRST_BLOCK, _FIRST_ELEMENT = 0x10, 0x1000

# The table says X of them, and an object without them is invalid (PS3.3 C.11.10): a constant tells as little.
_REQUIRED: Final = frozenset(
    (
        0x00700082,  # PresentationCreationDate
        0x00700083,  # PresentationCreationTime
    )
)

_KEEP = AttributeRule(Action.KEEP)
_REMOVE = AttributeRule(Action.REMOVE)
_EMPTY = AttributeRule(Action.EMPTY)
_DUMMY = AttributeRule(Action.DUMMY)
_CLEAN = AttributeRule(Action.CLEAN)
_MAP_UID = AttributeRule(Action.MAP_UID)
_SHIFT_DATE = AttributeRule(Action.SHIFT_DATE)


class _Meaning(NamedTuple):
    """An attribute as its element says it, and as the dictionary does; UN where neither knows."""

    tag: int
    encoded: bytes
    listed: bytes

    @property
    def vr(self) -> bytes:
        """What it is worked as."""
        return self.listed if self.encoded == b"UN" else self.encoded

    def may_be(self, vr: bytes) -> bool:
        return vr in (self.encoded, self.listed)

    @property
    def may_be_date(self) -> bool:
        return self.encoded in _DATES or self.listed in _DATES


class Ruleset:
    """The rules of one profile."""

    def __init__(self, spec: PseudonymizationProfileSpec) -> None:
        self._options = frozenset(spec.options)
        self._overrides = {
            int(override.tag, 16): AttributeRule(Action(override.action), override.value or "")
            for override in spec.overrides
        }
        self._keeps_private = spec.private_attributes.policy == "Keep"
        self._safe = _safe(spec)
        self._safe_vrs = _safe_vrs(spec)
        # Whose creator stays with a private element that an override leaves.
        self._overridden_blocks = {
            tag & 0xFFFF_0000 | tag >> 8 & 0xFF
            for tag, rule in self._overrides.items()
            if is_private(tag) and rule.action is not Action.REMOVE
        }
        # Bounded by the dictionary: only tags that it or the profile lists are remembered.
        self._known: dict[tuple[int, bytes], AttributeRule] = {}
        self.codes = (_BASIC, *(code for option, code in _CODES.items() if option in self._options))
        """Code and meaning (CID 7050) of the Basic profile and of the options, but Clean Pixel Data."""
        self.longitudinal = self._longitudinal()
        """LongitudinalTemporalInformationModified (0028,0303): what became of the dates that are left."""

    def retains(self, option: Option) -> bool:
        """Whether the profile has the option."""
        return option in self._options

    @property
    def keeps_private(self) -> bool:
        """Whether any private element may stay; where none may, nobody has to know their creators."""
        return self._keeps_private or bool(self._safe) or bool(self._overridden_blocks)

    def safe_vr(self, creator: str, tag: int) -> bytes | None:
        """The VR that a built-in safe element has; None for those that somebody else vouches for."""
        return self._safe_vrs.get((creator.strip(" \0").casefold(), tag >> 16, tag & 0xFF))

    def private_value_rule(self, vr: bytes) -> AttributeRule:
        """What is done to the value of a private element that stays: its creator vouches for numbers and codes only."""
        if vr == b"PN":
            return _DUMMY
        if vr == b"UI":
            return _KEEP if "RetainUIDs" in self._options else _MAP_UID
        if vr in _DATES:
            if FULL_DATES in self._options:
                return _KEEP
            return _SHIFT_DATE if MODIFIED_DATES in self._options else _EMPTY
        return _KEEP

    def rule(self, tag: int, vr: bytes) -> AttributeRule:
        """What is done to an attribute that is encoded with this VR (UN in Implicit VR where the dictionary is silent).

        A private tag is answered as if its creator were unknown: see `private_rule`.
        """
        found = self._known.get((tag, vr))
        if found is None:
            found = self._decided(_Meaning(tag, vr, vr_of(tag)))
            if vr in _VRS and is_known(tag):
                self._known[tag, vr] = found
        return found

    def private_rule(self, creator: str, tag: int) -> AttributeRule:
        """What is done to a private element, or to the element that reserves its creator's block: KEEP or REMOVE.

        An override of just this tag may say otherwise.
        """
        element = tag & 0xFFFF
        if not element:
            return _REMOVE
        if (override := self._overrides.get(tag)) is not None:
            return override
        if self._keeps_private:
            return _KEEP
        block = (creator.strip(" \0").casefold(), tag >> 16)
        if _FIRST_BLOCK <= element <= 0xFF:  # noqa: PLR2004  # PS3.5 §7.8.1: (gggg,0010-00FF) reserve blocks
            return _KEEP if block in self._safe or tag in self._overridden_blocks else _REMOVE
        safe = element >= _FIRST_ELEMENT and element & 0xFF in self._safe.get(block, ())
        return _KEEP if safe else _REMOVE

    def _decided(self, meaning: _Meaning) -> AttributeRule:
        tag = meaning.tag
        if not tag & 0xFFFF or tag >> 16 in (_COMMAND, _FILE_META):
            return _REMOVE
        if (override := self._overrides.get(tag)) is not None:
            return override
        if is_private(tag):
            return _KEEP if self._keeps_private else _REMOVE
        if tag >> 24 == _OVERLAYS:
            return self._of_an_overlay(meaning)
        row = ROWS.get(tag) or mask_row(tag)
        return self._unlisted(meaning) if row is None else self._listed(row, meaning)

    def _of_an_overlay(self, meaning: _Meaning) -> AttributeRule:
        """A plane goes as one: what describes it is no valid data without its bits, whose text nobody can read."""
        data = self._overrides.get(meaning.tag & 0xFFFF_0000 | _OVERLAY_DATA)
        if data is None or data.action is not Action.KEEP:
            return _REMOVE
        row = mask_row(meaning.tag)
        return self._unlisted(meaning) if row is None else self._listed(row, meaning)

    def _listed(self, row: Row, meaning: _Meaning) -> AttributeRule:
        letters = {option: letter for option, letter in row.options.items() if option in self._options}
        if "K" in letters.values():
            return _KEEP
        if letters.pop(MODIFIED_DATES, None):
            if meaning.tag == _TIMEZONE:
                return _KEEP  # whole days leave it as true as it was
            if meaning.vr in _DATES:
                return _SHIFT_DATE
        if letters and meaning.vr in _CLEANABLE and mask_row(meaning.tag) is None:
            return _CLEAN
        return _basic(row, meaning)

    def _unlisted(self, meaning: _Meaning) -> AttributeRule:
        """By VR; where element and dictionary differ, by the one of them that is more likely to tell who it is."""
        if not is_known(meaning.tag) or meaning.tag >> 16 == _DIRECTORY:
            return _REMOVE
        if (action := TELLING.get(meaning.tag)) is not None:
            return AttributeRule(action)
        if meaning.may_be(b"PN"):
            return _DUMMY
        if meaning.may_be_date:
            return self._unlisted_date(meaning)
        if meaning.may_be(b"UI"):
            return _KEEP if "RetainUIDs" in self._options or is_public_uid(meaning.tag) else _MAP_UID
        return _KEEP

    def _unlisted_date(self, meaning: _Meaning) -> AttributeRule:
        if FULL_DATES in self._options:
            return _KEEP
        return _SHIFT_DATE if MODIFIED_DATES in self._options and meaning.vr in _DATES else _EMPTY

    def _longitudinal(self) -> Literal["UNMODIFIED", "MODIFIED", "REMOVED"]:
        """An override counts too: one shifted date among kept ones, and intervals can no longer be trusted."""
        dates = {rule.action for tag, rule in self._overrides.items() if vr_of(tag) in _DATES}
        if MODIFIED_DATES in self._options or dates & {Action.SHIFT_DATE, Action.SET}:
            return "MODIFIED"
        return "UNMODIFIED" if FULL_DATES in self._options or Action.KEEP in dates else "REMOVED"


def _basic(row: Row, meaning: _Meaning) -> AttributeRule:
    """The Basic profile's letters as the one action that keeps an object valid, whichever type the attribute has."""
    letters = row.basic.split("/")
    if "U" in letters or ("D" in letters and meaning.may_be(b"UI")):
        return _MAP_UID
    if "U*" in letters:
        return _KEEP  # a sequence of references: its items go by their own rules
    if "D" in letters or meaning.tag in _REQUIRED:
        return _DUMMY
    return _EMPTY if "Z" in letters else _REMOVE


def _safe(spec: PseudonymizationProfileSpec) -> dict[tuple[str, int], frozenset[int]]:
    """Creator, without regard to case, and group → last two digits of the elements that stay."""
    if spec.private_attributes.policy != "SafeList":
        return {}
    elements = [(safe.creator, safe.group, safe.element) for safe in SAFE]
    elements += [(own.creator, int(own.group, 16), int(own.element, 16)) for own in spec.private_attributes.safe]
    safe: dict[tuple[str, int], frozenset[int]] = {}
    for creator, group, element in elements:
        block = (creator.strip().casefold(), group)
        safe[block] = safe.get(block, frozenset()) | {element}
    return safe


def _safe_vrs(spec: PseudonymizationProfileSpec) -> dict[tuple[str, int, int], bytes]:
    """Of the built-in safe elements; what the profile lists itself, or keeps anyway, is not asked for its VR."""
    if spec.private_attributes.policy != "SafeList":
        return {}
    own = {(one.creator.casefold(), int(one.group, 16), int(one.element, 16)) for one in spec.private_attributes.safe}
    listed = {(one.creator.casefold(), one.group, one.element): one.vr.encode() for one in SAFE}
    overridden = {int(one.tag, 16) for one in spec.overrides}
    return {
        place: vr
        for place, vr in listed.items()
        if place not in own and not any(tag >> 16 == place[1] and tag & 0xFF == place[2] for tag in overridden)
    }
