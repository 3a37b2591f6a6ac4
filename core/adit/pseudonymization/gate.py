"""The first question to an instance that is to be de-identified: may it pass at all? Pure; asked before any rewriting.

The profile's gates come first, then the built-in ones: excluded modalities, documents, video, devices whose burned-in
text is known, and images that may hold text which nobody reads. What is malformed counts as what it may hide.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from adit.api.pseudonymization_profile import BurnedIn, Gate, PixelRegions, PseudonymizationProfileSpec, Rectangle
from adit.pseudonymization.suspects import (
    ENCAPSULATED_DOCUMENTS,
    SUSPECT_MODALITIES,
    SUSPECT_SOP_CLASSES,
    VIDEO_SOP_CLASSES,
    is_video_syntax,
    shows_a_screen,
)

SOP_CLASS_UID, MODALITY, IMAGE_TYPE, BURNED_IN_ANNOTATION = 0x00080016, 0x00080060, 0x00080008, 0x00280301
MANUFACTURER, MODEL, ROWS, COLUMNS = 0x00080070, 0x00081090, 0x00280010, 0x00280011
MIME_TYPE_OF_DOCUMENT = 0x00420012

# As adit.transfer.policy says of whole series.
MODALITY_EXCLUDED = "ModalityExcluded"

_CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
_UID = re.compile(r"[0-9.]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gate looks at; sets hold every value that was written, since a multi-valued Modality is malformed.

    `burned_in` is Absent only where that is the one value. `rows` and `columns` are 0 where they are no numbers.
    """

    modalities: frozenset[str] = frozenset()
    sop_class_uids: frozenset[str] = frozenset()
    transfer_syntax_uid: str = ""
    burned_in: BurnedIn = "Unknown"
    image_types: frozenset[str] = frozenset()
    manufacturer: str = ""
    model: str = ""
    rows: int = 0
    columns: int = 0
    holds_document: bool = False


@dataclass(frozen=True, slots=True)
class Passes:
    """Goes on as it is."""


@dataclass(frozen=True, slots=True)
class Cleans:
    """Goes on once these parts of every frame are blanked."""

    regions: tuple[Rectangle, ...]


@dataclass(frozen=True, slots=True)
class Drops:
    """Is excluded by a rule; no warning."""

    reason: str


@dataclass(frozen=True, slots=True)
class Holds:
    """Must not leave, since it may show who the patient is."""

    reason: str


Verdict = Passes | Cleans | Drops | Holds


def facts_of(text: Callable[[int], str], transfer_syntax_uid: str) -> Facts:
    """Read them from the top level; `text(tag)` is the decoded value, values parted by backslashes, "" if absent."""
    return Facts(
        modalities=_values(text(MODALITY)),
        sop_class_uids=_values(text(SOP_CLASS_UID)),
        transfer_syntax_uid=transfer_syntax_uid,
        burned_in=_burned_in(_values(text(BURNED_IN_ANNOTATION))),
        image_types=_values(text(IMAGE_TYPE)),
        manufacturer=_comparable(text(MANUFACTURER)),
        model=_comparable(text(MODEL)),
        rows=_number(text(ROWS)),
        columns=_number(text(COLUMNS)),
        holds_document=bool(_values(text(MIME_TYPE_OF_DOCUMENT))),
    )


class Gatekeeper:
    """The gates of one profile with the program's excluded modalities."""

    def __init__(self, spec: PseudonymizationProfileSpec, exclude_modalities: Collection[str] = ()) -> None:
        self._gates = spec.gates
        self._devices = spec.pixel_regions
        self._exclude_modalities = frozenset(modality.strip().upper() for modality in exclude_modalities)

    def verdict(self, facts: Facts, *, has_pixels: bool) -> Verdict:
        """What becomes of an instance; never raises. A gate that lets pass still has known regions blanked."""
        gate = next((gate for gate in self._gates if _matches(gate, facts)), None)
        if gate is not None and gate.action == "Drop":
            return Drops(MODALITY_EXCLUDED if _names_modalities_only(gate) else "ExcludedByProfile")
        if gate is not None and gate.action == "Quarantine":
            return Holds("HeldByProfile")
        if gate is None and (verdict := self._built_in(facts)):
            return verdict
        if has_pixels and (verdict := self._known(facts)):
            return verdict
        if gate is None and (reason := _burned_in_text(facts, has_pixels=has_pixels)):
            return Holds(reason)
        return Passes()

    def _built_in(self, facts: Facts) -> Verdict | None:
        if facts.modalities & self._exclude_modalities:
            return Drops(MODALITY_EXCLUDED)
        if len(facts.sop_class_uids) != 1 or not all(map(_UID.fullmatch, facts.sop_class_uids)):
            return Holds("SopClassUnknown")
        if facts.holds_document or facts.sop_class_uids & ENCAPSULATED_DOCUMENTS:
            return Holds("EncapsulatedDocument")
        if facts.sop_class_uids & VIDEO_SOP_CLASSES or is_video_syntax(facts.transfer_syntax_uid):
            return Holds("Video")
        return None

    def _known(self, facts: Facts) -> Verdict | None:
        """What becomes of an image of a device whose regions are known; without a readable size none of them fits."""
        if regions := self._regions(facts):
            return Cleans(regions)
        sized = facts.rows and facts.columns
        return None if sized or not any(_is_made_by(one, facts) for one in self._devices) else _NO_LAYOUT

    def _regions(self, facts: Facts) -> tuple[Rectangle, ...]:
        """Those of every device entry that fits, so that a general and a particular one add up."""
        found = (region for device in self._devices if _is_device(device, facts) for region in device.regions)
        return tuple(dict.fromkeys(found))


def drops_modalities(spec: PseudonymizationProfileSpec, exclude_modalities: Collection[str] = ()) -> frozenset[str]:
    """The modalities of which no instance can pass, so that such series need not be fetched."""
    named = {modality for gate in spec.gates for modality in gate.modalities}
    excluded = frozenset(modality.strip().upper() for modality in exclude_modalities)
    return frozenset(modality for modality in named | excluded if _surely_drops(spec.gates, modality, excluded))


def _surely_drops(gates: Iterable[Gate], modality: str, excluded: frozenset[str]) -> bool:
    for gate in gates:
        if gate.modalities and modality not in gate.modalities:
            continue
        if _names_modalities_only(gate) or gate.action != "Drop":
            # It decides for every instance of the modality, or for some in another way.
            return gate.action == "Drop"
    return modality in excluded


def _names_modalities_only(gate: Gate) -> bool:
    return not (gate.sop_class_uids or gate.burned_in_annotation or gate.image_types)


def _matches(gate: Gate, facts: Facts) -> bool:
    return (
        _fits(gate.modalities, facts.modalities, gate)
        and _fits(gate.sop_class_uids, facts.sop_class_uids, gate)
        and (not gate.burned_in_annotation or facts.burned_in in gate.burned_in_annotation)
        and (not gate.image_types or not facts.image_types.isdisjoint(gate.image_types))
    )


def _fits(asked: Collection[str], values: frozenset[str], gate: Gate) -> bool:
    """Where several values stand in an attribute of one, any of them keeps back, and only all of them let pass."""
    if not asked:
        return True
    return bool(values) and values.issubset(asked) if gate.action == "Pass" else not values.isdisjoint(asked)


_NO_LAYOUT = Holds("PixelLayoutUnknown")


def _is_device(device: PixelRegions, facts: Facts) -> bool:
    return _is_made_by(device, facts) and (facts.rows, facts.columns) == (device.rows, device.columns)


def _is_made_by(device: PixelRegions, facts: Facts) -> bool:
    return (
        facts.manufacturer == _comparable(device.manufacturer)
        and (device.model is None or facts.model == _comparable(device.model))
        and (device.modality is None or facts.modalities == {device.modality})
    )


def _burned_in_text(facts: Facts, *, has_pixels: bool) -> str:
    """The reason for which its pixels may not leave, empty where none speaks against them."""
    if facts.burned_in == "Present":
        return "BurnedInAnnotation"
    if has_pixels and facts.burned_in != "Absent" and _is_suspect(facts):
        return "MayHoldBurnedInText"
    return ""


def _is_suspect(facts: Facts) -> bool:
    return (
        len(facts.modalities) != 1
        or not all(map(_CODE.fullmatch, facts.modalities))
        or not facts.modalities.isdisjoint(SUSPECT_MODALITIES)
        or not facts.sop_class_uids.isdisjoint(SUSPECT_SOP_CLASSES)
        or any(map(shows_a_screen, facts.image_types))
    )


def _values(text: str) -> frozenset[str]:
    """The values without padding, in capital letters, empty ones left out."""
    return frozenset(filter(None, (value.strip(" \0\t\r\n").upper() for value in text.split("\\"))))


def _burned_in(values: frozenset[str]) -> BurnedIn:
    if "YES" in values:
        return "Present"
    return "Absent" if values == {"NO"} else "Unknown"


def _comparable(text: str) -> str:
    return " ".join(text.replace("\0", " ").split()).casefold()


def _number(text: str) -> int:
    stripped = text.strip(" \0")
    return int(stripped) if _NUMBER.fullmatch(stripped) else 0
