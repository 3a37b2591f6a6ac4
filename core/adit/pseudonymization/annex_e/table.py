"""PS3.15 Table E.1-1 as rows: what the Basic profile does to each attribute, and what options do instead.

`make annex-e` writes table.json; a test compares it with its source.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal, cast

from adit.api.pseudonymization_profile import Option

Letter = Literal["K", "C"]


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute, or one mask of several."""

    tag: str
    """Eight hexadecimal digits; X stands for any digit: 60XX3000."""
    name: str
    basic: str
    """The letters of Table E.1-1a: D, Z, X, U, or several with / between."""
    options: Mapping[Option, Letter]
    """K keeps it, C cleans it, under that option."""


def _read() -> tuple[str, tuple[Row, ...]]:
    text = files(__package__).joinpath("table.json").read_text(encoding="utf-8")
    document = json.loads(text)
    rows = (Row(**{**row, "options": MappingProxyType(row["options"])}) for row in document["rows"])
    return document["edition"], tuple(rows)


_EDITION, _TABLE = _read()

EDITION: Final[str] = _EDITION
"""The edition of the standard that the table is of, such as 2026d."""

TABLE: Final[tuple[Row, ...]] = _TABLE
"""Every row but the one of private attributes, which are told apart by their creator."""

ROWS: Final[Mapping[int, Row]] = MappingProxyType({int(row.tag, 16): row for row in TABLE if "X" not in row.tag})
"""The rows of one tag each."""


def mask_row(tag: int) -> Row | None:
    """The row of a repeating group that the tag is of: curves, and two elements of overlays (PS3.5 §7.6)."""
    return _MASKS.get((tag >> 24, tag & 0xFFFF)) or _MASKS.get((tag >> 24, None))


def _masks() -> dict[tuple[int, int | None], Row]:
    masks = (row for row in TABLE if "X" in row.tag)
    return {(int(row.tag[:2], 16), None if "X" in row.tag[4:] else int(row.tag[4:], 16)): row for row in masks}


_MASKS: Final = cast("Mapping[tuple[int, int | None], Row]", MappingProxyType(_masks()))
