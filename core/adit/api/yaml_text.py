"""YAML text into values that know their lines, the honest way: nothing that a person wrote is quietly made into else.

Dates stay strings. What one reader of YAML takes for a number or a truth value and another for text (`0012`, `0x1F`,
`1_000`, `no`) becomes `Unquoted`, which fits no field. Keys stand once, tags are refused, and size, depth, documents
and aliases have limits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 10 * 1024 * 1024
MAX_DOCUMENTS = 1000
MAX_DEPTH = 32
# How many values aliases may repeat together: enough for shared lists, too few for a bomb.
MAX_ALIASED = 10_000

Path = tuple[int | str, ...]

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# YAML 1.1 calls these truth values (kubectl still does), YAML 1.2 text.
_DOUBTFUL = re.compile(r"(?:y|yes|n|no|on|off)", re.IGNORECASE)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_NUMERIC = re.compile(
    r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"
    r"|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|\.inf)|\.nan",
    re.IGNORECASE,
)
# libyaml where PyYAML was built with it: ten times faster.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlError(Exception):
    """Text that cannot be read on from this line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Unquoted:
    """A plain scalar whose meaning depends on who reads it."""

    text: str


class Mapping(dict[str, Any]):
    """A mapping, with its own line and that of each key."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A list, with its own line and that of each item."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at one place of a document that can be read nevertheless."""

    path: Path
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a text; `value` consists of Mapping, Sequence, str, int, float, bool, None and Unquoted."""

    value: Any
    line: int
    faults: tuple[Fault, ...]


def documents(text: str, *, loader: Any = LOADER) -> Iterator[YamlDocument]:
    """The documents of a text in order. Raises YamlError where it cannot be read on, after those before."""
    _check_size(text)
    opened = None
    try:
        opened = loader(text)
        yield from _documents(opened)
    except yaml.MarkedYAMLError as error:
        marks: tuple[Any, ...] = (error.problem_mark, error.context_mark)
        line = next((mark.line + 1 for mark in marks if mark is not None), 1)
        raise YamlError(f"not YAML: {error.problem or error.context}", line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError("not YAML: a control character, which may stand in no manifest", line) from error
    finally:
        if opened is not None:
            opened.dispose()


def line_of(value: Any, path: Path, otherwise: int) -> int:
    """The line that a path leads to; where it leads nowhere, the line of the last thing that is there."""
    line = otherwise
    for step in path:
        match value, step:
            case Mapping(), str() if step in value:
                line, value = value.lines[step], value[step]
            case Sequence(), int() if step < len(value):
                line, value = value.lines[step], value[step]
            case _:
                return line
    return line


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise YamlError("not UTF-8 text", text.count("\n", 0, error.start) + 1) from error
    if size > MAX_BYTES:
        raise YamlError(f"{size / 1024 / 1024:.1f} MiB, at most {MAX_BYTES // 1024 // 1024} MiB: split the file", 1)


def _documents(loader: Any) -> Iterator[YamlDocument]:
    count = 0
    while not loader.check_event(yaml.StreamEndEvent):
        event = loader.get_event()
        if not isinstance(event, yaml.DocumentStartEvent):
            continue
        following: Any = loader.peek_event()
        line = following.start_mark.line + 1
        count += 1
        if count > MAX_DOCUMENTS:
            raise YamlError(f"more than {MAX_DOCUMENTS} documents: split the file", line)
        reading = _Reading(loader)
        value, _ = reading.next_value(())
        yield YamlDocument(value, line, tuple(reading.faults))


@dataclass(slots=True)
class _Reading:
    """One document while it is read; each value comes with the number of values in it."""

    loader: Any
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    aliased: int = 0
    faults: list[Fault] = field(default_factory=list)

    def next_value(self, path: Path) -> tuple[Any, int]:
        event = self.loader.get_event()
        line = event.start_mark.line + 1
        if len(path) > MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} deep", line)
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(str(event.anchor), line)
        if event.tag not in (None, "!", f"tag:yaml.org,2002:{_tag_of(event)}"):
            self.faults.append(Fault(path, line, "tags (!) are not supported"))
        found: tuple[Any, int]
        if isinstance(event, yaml.MappingStartEvent):
            found = self._mapping(path, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            found = self._sequence(path, line)
        else:
            found = (plain(event.value) if event.implicit[0] else event.value), 1
        if event.anchor is not None:
            self.anchors[event.anchor] = found
        return found

    def _repeated(self, anchor: str, line: int) -> tuple[Any, int]:
        if anchor not in self.anchors:
            raise YamlError("not YAML: an alias (*) to what does not stand before it", line)
        value, size = self.anchors[anchor]
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise YamlError(f"aliases (*) repeat more than {MAX_ALIASED} values: write them out", line)
        return value, size

    def _mapping(self, path: Path, line: int) -> tuple[Mapping, int]:
        mapping, total = Mapping(line), 1
        while not self.loader.check_event(yaml.MappingEndEvent):
            at = self.loader.peek_event().start_mark.line + 1
            key, _ = self.next_value((*path, "?"))
            value, size = self.next_value((*path, key if isinstance(key, str) else "?"))
            total += size + 1
            if not isinstance(key, str):
                self.faults.append(Fault(path, at, "a key that is not a string: quote it"))
            elif key == "<<":
                self.faults.append(Fault(path, at, "merge keys (<<) are not supported: write the fields out"))
            elif key in mapping:
                self.faults.append(Fault((*path, key), at, f"given twice, first on line {mapping.lines[key]}"))
            else:
                mapping[key], mapping.lines[key] = value, at
        self.loader.get_event()
        return mapping, total

    def _sequence(self, path: Path, line: int) -> tuple[Sequence, int]:
        sequence, total = Sequence(line), 1
        while not self.loader.check_event(yaml.SequenceEndEvent):
            sequence.lines.append(self.loader.peek_event().start_mark.line + 1)
            value, size = self.next_value((*path, len(sequence)))
            sequence.append(value)
            total += size
        self.loader.get_event()
        return sequence, total


def _tag_of(event: Any) -> str:
    if isinstance(event, yaml.MappingStartEvent):
        return "map"
    return "seq" if isinstance(event, yaml.SequenceStartEvent) else "str"


def plain(text: str) -> Any:
    """What a plain scalar means to every reader of YAML; else the text, or Unquoted where readers differ."""
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return Unquoted(text) if _NUMERIC.fullmatch(text) or _DOUBTFUL.fullmatch(text) else text
