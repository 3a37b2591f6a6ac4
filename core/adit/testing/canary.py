"""Canaries: a value for every attribute of PS3.15 Table E.1-1 that is unlike any other and found again wherever it is.

Where they are put is in canary_places.py. A canary that is found in what leaves has shown a leak.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR

from adit.pseudonymization.annex_e.table import TABLE, Row

WORDS: Final = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"))
SEVERAL: Final = frozenset(("AE", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI"))
BY_VR: Final = frozenset(("DA", "DT", "PN", "UI"))
SOP_INSTANCE_UID: Final = 0x00080018
_BINARY_BYTES: Final = 16  # a whole number of values for each binary VR
_BY_NAME: Final = {"Sequence": "SQ", "DateTime": "DT", "Date": "DA", "Curve Data": "OW"}
_MEANING: Final = re.compile(r"SOPClass|ClassUID|TransferSyntaxUID|CodingSchemeUID|MappingResourceUID|^Context.*UID")
_SECOND_VALUE: Final = 36_000
_FIRST_DAY: Final = date(1700, 1, 1)
_UID_ROOT: Final = "1.2.826.0.1.3680043.8.498.99.1"
_SHAPES: Final = re.compile(
    rb"CNR[XY]\d{6}|-1\d{9}|1\.2\.826\.0\.1\.3680043\.8\.498\.99\.1\d{6}"
    rb"|(?<![0-9.])1[78]\d{6}|101112\.\d{6}|\d{3}M"
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A tag that the table speaks of, its VR and its row; of a repeating group one group stands for all."""

    tag: int
    vr: str
    row: Row

    @property
    def keyword(self) -> str:
        return dictionary_keyword(self.tag) if dictionary_has_tag(self.tag) else f"{self.tag:08X}"


@dataclass(frozen=True, slots=True)
class Canary:
    """One value to look for: `tokens` are the bytes that betray it, whatever stands around them.

    `tag` is the attribute that it was made for, which is the sequence where it stands in the item of one.
    """

    tag: int
    vr: str
    value: bytes
    tokens: frozenset[bytes]


@lru_cache(maxsize=1)
def attributes() -> tuple[Attribute, ...]:
    """Everything that the table lists by tag."""
    tags = ((int(row.tag.replace("XX", "02"), 16), row) for row in TABLE)
    return tuple(Attribute(tag, vr_of(tag, row.name), row) for tag, row in tags)


@lru_cache(maxsize=1)
def unlisted() -> tuple[tuple[int, str], ...]:
    """Names, times and UIDs that the dictionary knows and the table does not, but UIDs that stand for a meaning."""
    listed = {one.tag for one in attributes()}
    known = ((tag, vr_of(tag)) for tag in DicomDictionary if tag not in listed)
    return tuple((tag, vr) for tag, vr in known if vr in BY_VR and not _MEANING.search(dictionary_keyword(tag)))


def vr_of(tag: int, name: str = "") -> str:
    """The first VR that the dictionary gives; by the end of its name where pydicom does not know the attribute yet."""
    try:
        return dictionary_VR(tag).split(" or ")[0]
    except KeyError:
        return next((vr for end, vr in _BY_NAME.items() if name.endswith(end)), "LO")


def canary(tag: int, vr: str, number: int, *, several: bool = False) -> Canary:
    """The canary with this number (below 36,000); with two values where asked for and the VR allows it."""
    assert number < _SECOND_VALUE
    values = [_text(vr, number)]
    if several and vr in SEVERAL and tag != SOP_INSTANCE_UID:
        values.append(_text(vr, number + _SECOND_VALUE))
    value = b"\\".join(values)
    tokens = tokens_in(value)
    assert tokens, f"{vr} holds no token"
    return Canary(tag, vr, value, tokens)


def tokens_in(data: bytes) -> frozenset[bytes]:
    """Everything in `data` that could be a canary's."""
    return frozenset(_SHAPES.findall(data))


def left(canaries: Iterable[Canary], data: bytes) -> list[Canary]:
    """Those of which anything is in `data`."""
    found = tokens_in(data)
    return [one for one in canaries if not found.isdisjoint(one.tokens)]


def _text(vr: str, number: int) -> bytes:
    word = f"CNRY{number:06d}"
    by_vr = {
        "AS": f"{number % 1000:03d}M",
        "DA": _date(number),
        "DS": f"-1{number:09d}",
        "DT": f"{_date(number)}093000",
        "IS": f"-1{number:09d}",
        "PN": f"{word}^CNRX{number:06d}",
        "TM": f"101112.{number:06d}",
        "UI": f"{_UID_ROOT}{number:06d}",
        "UR": f"https://h.invalid/{word}",
    }
    if vr in by_vr:
        return by_vr[vr].encode()
    return word.encode() if vr in WORDS else word.encode().ljust(_BINARY_BYTES, b"\0")


def _date(number: int) -> str:
    return (_FIRST_DAY + timedelta(days=number)).strftime("%Y%m%d")
