"""The walk over one data set: each element by its rule, sequences into their depth, bytes in and bytes out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from adit.encoded.dictionary import vr_of
from adit.encoded.elements import (
    Buffer,
    Element,
    Malformed,
    elements,
    holds_items,
    items,
    looks_like_items,
    nested_encoding,
)
from adit.encoded.encoding import Encoding
from adit.encoded.mapped import MappedFile
from adit.encoded.writing import close_item, close_sequence, element, open_item, open_sequence, sequence
from adit.pseudonymization.actions import Action, AttributeRule
from adit.pseudonymization.identifiers import Identifiers, Kind, identifiers_in, kind_of
from adit.pseudonymization.private_blocks import PrivateBlocks, private_rule
from adit.pseudonymization.ruleset import Ruleset
from adit.pseudonymization.texts import TEXT, codecs_of, decoded, values_of
from adit.pseudonymization.trace import Trace
from adit.pseudonymization.unlisted import is_public_uid
from adit.pseudonymization.values import (
    DATES,
    PATIENT_AGE,
    Hand,
    are_dates,
    by_cleaning,
    capped_age,
    cleaned_text,
    emptied_or_dummy,
    is_offset,
    mapped,
    moved,
)
from adit.transfer.split import PIXEL_TAGS

CHARACTER_SET = 0x00080005
TEXT_VALUE = 0x0040A160
# What makes a structure readable and tells nothing of anybody: it stays where every value is replaced.
STRUCTURE = frozenset(
    {
        0x00080005,  # SpecificCharacterSet
        0x0040A010,  # RelationshipType
        0x0040A040,  # ValueType
        0x0040A050,  # ContinuityOfContent
        0x0040A130,  # TemporalRangeType
        0x0040A0B0,  # ReferencedWaveformChannels
        0x0040DB73,  # ReferencedContentItemIdentifier
        0x00081160,  # ReferencedFrameNumber
        0x00700022,  # GraphicData
        0x00700023,  # GraphicType
        0x00700005,  # GraphicAnnotationUnits
        0x00700003,  # BoundingBoxAnnotationUnits
        0x00700004,  # AnchorPointAnnotationUnits
    }
)
# What a code is told by: cleaned, a number of many digits would be gone. Its meaning is text, and is cleaned.
CODES = frozenset(
    {
        0x00080100,  # CodeValue
        0x00080102,  # CodingSchemeDesignator
        0x00080103,  # CodingSchemeVersion
        0x00080119,  # LongCodeValue
        0x00080120,  # URNCodeValue
    }
)
MAX_DEPTH = 64
# A sequence up to this size is put together in memory and has a length; a larger one is written as it goes.
WHOLE_BYTES = 4 << 20
COPY_BYTES = 1 << 20

# A date, an age or an offset is shorter; what is longer is none.
LONGEST_KEPT = 1 << 10
TIMEZONE = 0x00080201
_GONE = AttributeRule(Action.REMOVE)

Write = Callable[[bytes], object]


class Mode(Enum):
    """How values inside a sequence are treated, beside their own rules."""

    PLAIN = "by their rules"
    DUMMIES = "each one is replaced"
    CLEANED = "texts that would stay are cleaned"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a data set the walk is."""

    buffer: Buffer
    encoding: Encoding
    hand: Hand
    mode: Mode = Mode.PLAIN
    depth: int = 0


class Rewriting:
    """Rewrites by one set of rules; holds no state of an instance."""

    def __init__(self, ruleset: Ruleset, never_kept: Iterable[int], overridden: Iterable[int]) -> None:
        self._ruleset = ruleset
        self._never_kept = frozenset(never_kept)
        self._overridden = frozenset(overridden)
        self.keeps_private = ruleset.keeps_private

    def data_set(self, place: Place, start: int, end: int, trace: Trace, write: Write) -> None:
        """Rewrite the elements from `start` to `end`. Raises Malformed."""
        if place.depth > MAX_DEPTH:
            raise Malformed("NestedTooDeep")
        found: Iterable[Element] = elements(place.buffer, start, end, place.encoding)
        if end - start <= WHOLE_BYTES:
            found = list(found)
            place = _in_its_character_set(place, found)
        blocks = PrivateBlocks()
        if self.keeps_private:
            found = list(found)
            blocks = PrivateBlocks.of(place, found, self._ruleset)
        for one in found:
            if one.tag == CHARACTER_SET:
                place = _in_its_character_set(place, (one,))
            self.element(place, one, blocks, trace, write)

    def element(self, place: Place, one: Element, blocks: PrivateBlocks, trace: Trace, write: Write) -> None:
        """Write what one element becomes, if anything."""
        if one.tag & 0x10000:
            if not self.keeps_private:
                trace.did(one.tag, Action.REMOVE)
                return
            rule = private_rule(place, one, blocks, self._ruleset)
        else:
            rule = self.rule(one)
            if place.depth and one.tag in PIXEL_TAGS and one.tag not in self._overridden:
                rule = _GONE  # nobody asks the gate about images inside sequences
        if holds_items(one) or (rule.action is Action.KEEP and _hides_items(place, one)):
            self._sequence(place, one, rule, trace, write)
        elif rule.action is Action.KEEP and not one.tag & 0x10000 and vr_of(one.tag) == b"SQ" and one.value != one.stop:
            trace.did(one.tag, Action.REMOVE)  # it should hold items, and holds what nobody can name
        else:
            self._leaf(place, one, rule, trace, write)

    def rule(self, one: Element) -> AttributeRule:
        """What the rules say of a public element, wherever it stands."""
        if one.tag in self._never_kept:
            return _GONE
        return self._ruleset.rule(one.tag, effective_vr(one))

    def _sequence(self, place: Place, one: Element, rule: AttributeRule, trace: Trace, write: Write) -> None:
        action, mode = rule.action, self._mode_within(place.mode, one.tag, rule.action)
        nested = replace(
            place, encoding=nested_encoding(one, place.encoding), mode=mode or Mode.DUMMIES, depth=place.depth + 1
        )
        if mode is None:
            # What goes is walked all the same: the identifiers in it may stand elsewhere too.
            for item in items(place.buffer, one, place.encoding):
                self.data_set(nested, item.value, item.stop, trace, _nowhere)
            trace.did(one.tag, action)
            if action is not Action.REMOVE:
                write(element(one.tag, one.vr, b"", place.encoding))
            return
        if mode is not Mode.PLAIN:
            trace.did(one.tag, Action.DUMMY if mode is Mode.DUMMIES else Action.CLEAN)
        if one.end - one.start > WHOLE_BYTES:
            self._streamed(nested, place.encoding, one, trace, write)
        else:
            self._whole(nested, place.encoding, one, trace, write)

    def _mode_within(self, mode: Mode, tag: int, action: Action) -> Mode | None:
        """How the items of a sequence are treated; None where there are none afterwards."""
        if action in {Action.REMOVE, Action.EMPTY, Action.SET}:
            return None
        if tag in self._overridden and action is Action.KEEP:
            return Mode.PLAIN
        if mode is Mode.DUMMIES:
            return mode
        if action is Action.KEEP:
            return mode
        return Mode.CLEANED if action is Action.CLEAN else Mode.DUMMIES

    def _whole(self, nested: Place, outer: Encoding, one: Element, trace: Trace, write: Write) -> None:
        contents = []
        for item in items(nested.buffer, one, outer):
            parts: list[bytes] = []
            self.data_set(nested, item.value, item.stop, trace, parts.append)
            contents.append(b"".join(parts))
        write(sequence(one.tag, one.vr, contents, outer))

    def _streamed(self, nested: Place, outer: Encoding, one: Element, trace: Trace, write: Write) -> None:
        write(open_sequence(one.tag, one.vr, outer))
        for item in items(nested.buffer, one, outer):
            write(open_item(nested.encoding))
            self.data_set(nested, item.value, item.stop, trace, write)
            write(close_item(nested.encoding))
            _pass_by(nested.buffer)
        write(close_sequence(nested.encoding))

    def _leaf(self, place: Place, one: Element, rule: AttributeRule, trace: Trace, write: Write) -> None:
        vr = effective_vr(one)
        action = self._leaf_action(place.mode, one.tag, vr, rule.action)
        if action is Action.KEEP and self._keeps(place, one, vr, trace, write):
            return
        if action is Action.KEEP:
            action = Action.EMPTY  # what it holds is no value of such an attribute, so nobody knows whose it is
        trace.did(one.tag, action)
        if one.stop - one.value > WHOLE_BYTES and vr not in TEXT:
            value = b"\1"  # what replaces it does not depend on it
        else:
            value = bytes(place.buffer[one.value : one.stop])
            witness(one.tag, vr, value, place.hand, trace)
        if action is not Action.REMOVE:
            new = _value(replace(rule, action=action), one.tag, vr, value, hand=place.hand, trace=trace)
            write(element(one.tag, vr if one.vr == b"UN" and vr != b"UN" else one.vr, new, place.encoding))

    def _keeps(self, place: Place, one: Element, vr: bytes, trace: Trace, write: Write) -> bool:
        """Write a value that stays; False where it is not what its attribute is kept for."""
        temporal = vr_of(one.tag) if vr_of(one.tag) in DATES else vr if vr in DATES else b""
        if temporal or one.tag in {PATIENT_AGE, TIMEZONE}:
            value = bytes(place.buffer[one.value : min(one.stop, one.value + LONGEST_KEPT)])
            if one.tag == PATIENT_AGE and (age := capped_age(value)) is not None:
                trace.did(one.tag, Action.CLEAN)
                write(element(one.tag, b"AS", age, place.encoding))
                return True
            if not (is_offset(value) if one.tag == TIMEZONE else one.tag == PATIENT_AGE or are_dates(temporal, value)):
                return False
            if temporal:
                trace.dates.add(one.tag)
        elif vr == b"UI" and not is_public_uid(one.tag):
            text = decoded(vr, bytes(place.buffer[one.value : one.stop]), place.hand.codecs)
            trace.kept_uids.update(values_of(vr, text))
        copied(place.buffer, one.start, one.end, write)
        return True

    def _leaf_action(self, mode: Mode, tag: int, vr: bytes, action: Action) -> Action:
        """The rule's action as the mode and the kind of the value allow it."""
        if mode is not Mode.PLAIN and tag not in self._overridden:
            action = _within(mode, tag, vr, action)
        if action is Action.CLEAN and (tag not in self._overridden or vr not in TEXT):
            if vr in DATES:
                return Action.EMPTY
            return by_cleaning(vr)
        if action is Action.SHIFT_DATE and vr not in DATES:
            return Action.DUMMY
        if action is Action.MAP_UID and vr not in TEXT:
            return Action.DUMMY
        return action


def _in_its_character_set(place: Place, found: Iterable[Element]) -> Place:
    """The place with the character set that the data set itself declares, wherever it does."""
    declared = [one for one in found if one.tag == CHARACTER_SET]
    if not declared:
        return place
    codecs = codecs_of(bytes(place.buffer[declared[-1].value : declared[-1].stop]))
    return replace(place, hand=replace(place.hand, codecs=codecs))


def _hides_items(place: Place, one: Element) -> bool:
    """Whether a private element that stays is a sequence, though its header does not say so (always in implicit VR)."""
    return bool(one.tag & 0x10000) and one.vr == b"UN" and looks_like_items(place.buffer, one, place.encoding)


def effective_vr(one: Element) -> bytes:
    """What an element's value is read as: the dictionary speaks for UN (PS3.5 §6.2.2)."""
    return vr_of(one.tag) if one.vr == b"UN" else one.vr


def _within(mode: Mode, tag: int, vr: bytes, action: Action) -> Action:
    """What becomes of a value in a sequence whose values are replaced or cleaned."""
    if mode is Mode.CLEANED:
        if tag == TEXT_VALUE:
            return Action.DUMMY
        cleans = action is Action.KEEP and vr not in DATES and tag not in CODES
        return Action.CLEAN if cleans else action
    if tag in STRUCTURE or (vr in {b"UI", *DATES} and action in {Action.KEEP, Action.SHIFT_DATE}):
        return action
    return action if action in {Action.REMOVE, Action.EMPTY, Action.MAP_UID, Action.SET} else Action.DUMMY


def _value(rule: AttributeRule, tag: int, vr: bytes, value: bytes, *, hand: Hand, trace: Trace) -> bytes:
    """The new value of an element that stays."""
    match rule.action:
        case Action.EMPTY:
            return b""
        case Action.SET:
            return rule.value.encode("ascii", "replace")
        case Action.MAP_UID:
            return mapped(value, hand, trace)
        case Action.SHIFT_DATE:
            return moved(tag, vr, value, hand, trace)
        case Action.CLEAN:
            return cleaned_text(tag, vr, value, hand, trace)
        case _:
            return emptied_or_dummy(tag, vr, value, hand, trace)


def witness(tag: int, vr: bytes, value: bytes, hand: Hand, trace: Trace) -> None:
    """Remember what a value that goes says of somebody, so that it is looked for in everything that stays."""
    if vr == b"UI":
        originals = values_of(vr, decoded(vr, value, hand.codecs))
        trace.uids.update(uid for uid in originals if uid and hand.keyring.uid(uid) != uid)
        return
    kind = kind_of(tag, vr)
    if kind is not None:
        trace.identifiers |= identifiers_of(kind, vr, value, hand.codecs)


def identifiers_of(kind: Kind, vr: bytes, value: bytes, codecs: tuple[str, ...]) -> Identifiers:
    """The identifiers of a value; where its character set does not know all of its bytes, also those of the bytes."""
    text = decoded(vr, value, codecs)
    found = identifiers_in(kind, text)
    return found | identifiers_in(kind, value.decode("latin-1")) if "\ufffd" in text else found


def copied(buffer: Buffer, start: int, end: int, write: Write) -> None:
    """Write bytes as they are, a piece at a time."""
    for at in range(start, end, COPY_BYTES):
        write(bytes(buffer[at : min(at + COPY_BYTES, end)]))
        if at > start:
            _pass_by(buffer)


def _pass_by(buffer: Buffer) -> None:
    """Give back what was read of a file: it is not needed again."""
    if isinstance(buffer, MappedFile):
        buffer.release()


def _nowhere(_: bytes) -> None:
    """What goes is walked, not written."""
