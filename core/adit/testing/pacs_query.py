"""C-FIND of the loopback PACS without the network: which entities of a level match, and what is answered for each."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from adit.testing import query_keys as keys
from adit.testing.character_sets import decode
from adit.testing.elements import UnreadableDataSet, encode_elements, inflated, spans
from adit.testing.pacs_index import StoredInstance
from adit.testing.part10 import text_of

_WILD = re.compile(r"[*?]")
_LAST_TIME = "235959.999999"
_ELEMENTS_OF_QUERY = frozenset((keys.LEVEL, keys.CHARACTER_SET, keys.RETRIEVE_AE_TITLE, keys.AVAILABILITY, 0x00080201))

Entity = list[StoredInstance]


@dataclass(frozen=True, slots=True)
class Query:
    """An Identifier: the level and the keys as sent (tag → value)."""

    level: str
    wanted: Mapping[int, bytes]
    character_set: str = ""

    def uids(self, tag: int) -> tuple[str, ...]:
        return tuple(part.strip(" \0") for part in text_of(self.wanted.get(tag, b"")).split("\\") if part.strip(" \0"))


def parse_identifier(data: bytes, transfer_syntax: str) -> Query:
    """Read the Identifier of a C-FIND, C-GET or C-MOVE; sequences count as universal keys."""
    raw = inflated(data, transfer_syntax)
    wanted: dict[int, bytes] = {}
    for span in spans(raw, transfer_syntax):
        if span.tag & 0xFFFF:  # no group lengths
            wanted[span.tag] = b"" if span.undefined else bytes(raw[span.start : span.start + span.length])
    level = text_of(wanted.get(keys.LEVEL, b""))
    if level not in keys.LEVELS:
        raise UnreadableDataSet(f"there is no query level {level[:16]!r}")
    return Query(level, wanted, text_of(wanted.get(keys.CHARACTER_SET, b"")))


def select(query: Query, instances: Iterable[StoredInstance]) -> list[StoredInstance]:
    """The instances under the UIDs (and patient ID) of a C-GET or C-MOVE."""
    tags = [keys.UNIQUE_KEY[level] for level in keys.LEVELS[: keys.LEVELS.index(query.level) + 1]]
    asked = [(tag, frozenset(query.uids(tag))) for tag in tags if query.uids(tag)]
    if keys.UNIQUE_KEY[query.level] not in dict(asked):
        raise UnreadableDataSet(f"a retrieve at level {query.level} needs its unique key")
    return [one for one in instances if all(text_of(one.attributes.get(tag, b"")) in uids for tag, uids in asked)]


class Overview:
    """The content of the PACS at the moment of one C-FIND, grouped once."""

    def __init__(self, instances: Iterable[StoredInstance]) -> None:
        self.instances = list(instances)
        self.patients = _group(self.instances, _identity("PATIENT"))
        self.studies = _group(self.instances, _identity("STUDY"))


def find(query: Query, overview: Overview, *, ignore_optional_keys: bool = False) -> Iterator[Entity]:
    """The entities of the query's level that match, each as the instances below it."""
    stored, computed = keys.stored_at(query.level), keys.computed_at(query.level)
    wanted = {tag: value for tag, value in query.wanted.items() if text_of(value) not in ("", "*")}
    if ignore_optional_keys:
        wanted = {tag: value for tag, value in wanted.items() if tag in keys.PLAIN_KEYS}
    tests = [
        (tag, _matcher(tag, text(value, query.character_set, tag))) for tag, value in wanted.items() if tag in stored
    ]
    modalities = query.uids(keys.MODALITIES_IN_STUDY) if keys.MODALITIES_IN_STUDY in wanted.keys() & computed else ()
    for entity in _group(overview.instances, _identity(query.level)).values():
        first = entity[0]
        own = text(first.attributes.get(keys.CHARACTER_SET, b""))
        if not all(matches(text(first.attributes.get(tag, b""), own, tag)) for tag, matches in tests):
            continue
        if modalities and not set(modalities) & _values(overview.studies[first.study_instance_uid], keys.MODALITY):
            continue
        yield entity


def answer(
    query: Query, entity: Entity, overview: Overview, ae_title: str, *, only_unique: bool
) -> list[tuple[int, str, bytes]]:
    """One C-FIND answer as (tag, VR, value) in tag order: the values as stored, in the instance's own character set."""
    first = entity[0]
    stored, computed = keys.stored_at(query.level), keys.computed_at(query.level)
    unique = {keys.UNIQUE_KEY[level] for level in keys.LEVELS[: keys.LEVELS.index(query.level) + 1]}
    result: dict[int, tuple[str, bytes]] = {keys.LEVEL: ("CS", query.level.encode())}
    for tag in query.wanted:
        if tag in _ELEMENTS_OF_QUERY or (only_unique and tag not in unique):
            continue
        if tag in stored:
            result[tag] = (keys.VR[tag], first.attributes.get(tag, b""))
        elif tag in computed:
            result[tag] = (keys.VR[tag], _computed(tag, first, overview))
    if character_set := first.attributes.get(keys.CHARACTER_SET):
        result[keys.CHARACTER_SET] = ("CS", character_set)
    if not only_unique:
        result[keys.RETRIEVE_AE_TITLE] = ("AE", ae_title.encode())
        result[keys.AVAILABILITY] = ("CS", b"ONLINE")
    return [(tag, vr, value) for tag, (vr, value) in sorted(result.items())]


def encoded_answer(elements: list[tuple[int, str, bytes]], transfer_syntax: str) -> bytes:
    return encode_elements(elements, transfer_syntax)


def text(value: bytes, character_set: str = "", tag: int = 0) -> str:
    """Decode a value; person names and texts by the character set, everything else as ASCII."""
    vr = keys.VR.get(tag, "CS")
    if vr == "US":
        return str(int.from_bytes(value[:2], "little")) if value else ""
    if not character_set or vr not in ("PN", "LO", "SH", "ST", "LT", "UT", "UC"):
        return text_of(value)
    return decode(value, character_set)


def _identity(level: str) -> Callable[[StoredInstance], str]:
    match level:
        case "PATIENT":
            return lambda one: one.patient_id
        case "STUDY":
            return lambda one: one.study_instance_uid
        case "SERIES":
            return lambda one: one.series_instance_uid
        case _:
            return lambda one: one.sop_instance_uid


def _group(instances: Iterable[StoredInstance], identity: Callable[[StoredInstance], str]) -> dict[str, Entity]:
    groups: dict[str, Entity] = {}
    for instance in instances:
        groups.setdefault(identity(instance), []).append(instance)
    return groups


def _values(instances: Iterable[StoredInstance], tag: int) -> set[str]:
    return {value for one in instances if (value := text_of(one.attributes.get(tag, b"")))}


def _computed(tag: int, first: StoredInstance, overview: Overview) -> bytes:
    patient = overview.patients[first.patient_id]
    study = overview.studies[first.study_instance_uid]
    match tag:
        case keys.MODALITIES_IN_STUDY:
            return "\\".join(sorted(_values(study, keys.MODALITY))).encode()
        case keys.SOP_CLASSES_IN_STUDY:
            return "\\".join(sorted(_values(study, keys.SOP_CLASS_UID))).encode()
        case keys.PATIENT_STUDIES:
            count = len({one.study_instance_uid for one in patient})
        case keys.PATIENT_SERIES:
            count = len({one.series_instance_uid for one in patient})
        case keys.PATIENT_INSTANCES:
            count = len(patient)
        case keys.STUDY_SERIES:
            count = len({one.series_instance_uid for one in study})
        case keys.STUDY_INSTANCES:
            count = len(study)
        case _:
            count = sum(one.series_instance_uid == first.series_instance_uid for one in study)
    return str(count).encode()


def _matcher(tag: int, wanted: str) -> Callable[[str], bool]:
    match keys.VR[tag]:
        case "UI":
            uids = {part.strip(" \0") for part in wanted.split("\\")}
            return lambda value: value in uids
        case "DA" | "TM" | "DT" as vr:
            return _range(wanted, vr)
        case "IS" | "DS" | "US":
            return lambda value: value.strip() == wanted.strip() or _number(value) == _number(wanted) is not None
        case "PN":
            return _name(wanted)
        case _:
            patterns = [_pattern(part, 0) for part in wanted.split("\\")]
            return lambda value: any(pattern.fullmatch(part) for pattern in patterns for part in value.split("\\"))


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _range(wanted: str, vr: str) -> Callable[[str], bool]:
    low, dash, high = wanted.partition("-")
    if not dash:
        high = low
    if vr == "TM":
        high = high + _LAST_TIME[len(high) :] if high else ""
        return lambda value: bool(value) and low <= value and (not high or value <= high)
    return lambda value: bool(value) and low <= value and (not high or value[: len(high)] <= high)


def _name(wanted: str) -> Callable[[str], bool]:
    """Person names match without case, as a whole or by one component group (alphabetic, ideographic, phonetic)."""
    pattern = _pattern(wanted.rstrip("^="), re.IGNORECASE)

    def matches(value: str) -> bool:
        groups = [value, *value.split("=")]
        return any(pattern.fullmatch(group.rstrip("^=")) for group in groups)

    return matches


def _pattern(wanted: str, flags: int) -> re.Pattern[str]:
    parts = _WILD.split(wanted.strip())
    wild = [".*" if mark == "*" else "." for mark in _WILD.findall(wanted.strip())]
    expression = re.escape(parts[0]) + "".join(
        mark + re.escape(part) for mark, part in zip(wild, parts[1:], strict=True)
    )
    return re.compile(expression, flags | re.DOTALL)
