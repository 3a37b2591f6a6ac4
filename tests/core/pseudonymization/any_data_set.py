"""Data sets of any kind, drawn from small pools: so that instances often share values that mean different things."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from adit.testing.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from adit.testing.encoder import IMPLICIT, Encoder, in_order
from adit.transfer.instance import FileSlice, Instance

CT_IMAGE: Final = b"1.2.840.10008.5.1.4.1.1.2"
SYNTAXES: Final = (EXPLICIT_LITTLE, EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG)
# Patients share ids, names and birth dates; the same bytes are other letters in another character set.
PATIENT_IDS: Final = (b"A-1", b"A-1 ", b"a-1", b"B-22222", b"")
NAMES: Final = (b"Smith^John", b"SMITH^JOHN^", b"M\xfcller^J\xf6rg", b"\xc4\xee\xea^\xcf\xee", b"Jones^Mary=X=Y", b"")
CHARACTER_SETS: Final = (b"", b"ISO_IR 100", b"ISO_IR 144", b"ISO_IR 192", b"\\ISO 2022 IR 87", b"ISO_IR 999")
DATES: Final = (
    b"20240115",
    b"19610512",
    b"2020.01.01",
    b"00000000",
    b"00010101",
    b"2020-01-01",
    b"20240230",
    b"x",
    b"",
)
DATE_TIMES: Final = (b"20240115101500.12+0100", b"2024", b"202401", b"19610512", b"99999999999999", b"")
TIMES: Final = (b"101500", b"1015", b"25", b"10:15:00", b"")
TEXTS: Final = (
    b"CT Thorax",
    b"Smith, call 0761 123456",
    b"A-1",
    b"M\xfcller",
    b"\xff\xfe",
    b"1961-05-12",
    b"a\\b",
    b"",
)
UIDS: Final = (b"1.2.826.0.1.77", b"1.2.840.10008.1.2", b"1.2.3.", b"no uid", b"1.2.826.0.1.77\\1.2.826.0.1.78", b"")
NUMBERS: Final = (b"1", b"-3.5", b"12\\13", b"x", b"")
RAW: Final = (b"\0\0\0\0", b"Smith^John", b"\1\2\3\4\5\6\7\x08", b"")
POOLS: Final = {
    "DA": DATES,
    "DT": DATE_TIMES,
    "TM": TIMES,
    "UI": UIDS,
    "DS": NUMBERS,
    "IS": NUMBERS,
    "PN": NAMES,
    "AS": (b"042Y", b"095Y", b"1Y", b""),
    **dict.fromkeys(("US", "OB", "OW", "UN", "FD", "AT"), RAW),
}
TAGS: Final = (
    *((0x00080020, "DA"), (0x00080021, "DA"), (0x0008002A, "DT"), (0x00080030, "TM"), (0x00100030, "DA")),
    *((0x00080050, "SH"), (0x00080080, "LO"), (0x00080081, "ST"), (0x00080090, "PN"), (0x00081010, "SH")),
    *((0x00081030, "LO"), (0x0008103E, "LO"), (0x00081048, "PN"), (0x00081155, "UI"), (0x00101010, "AS")),
    *((0x00101040, "LO"), (0x00104000, "LT"), (0x00180015, "CS"), (0x00181000, "LO"), (0x00180050, "DS")),
    *((0x0020000D, "UI"), (0x0020000E, "UI"), (0x00200010, "SH"), (0x00200052, "UI"), (0x00204000, "LT")),
    *((0x00280030, "DS"), (0x00321060, "LO"), (0x0040A123, "PN"), (0x0040A124, "UI"), (0x0040A160, "UT")),
    *((0x00189151, "DT"), (0x00189074, "DT"), (0x00321064, "SH"), (0x00081070, "PN"), (0x00280106, "US")),
    *((0x00089FF1, "LO"), (0x00291001, "LO"), (0x00291002, "OB"), (0x60003000, "OW"), (0x00080000, "UL")),
)
SEQUENCES: Final = (0x00081140, 0x00081115, 0x00400275, 0x52009230, 0x0040A730, 0x00101002, 0x00291003, 0x04000561)
CREATORS: Final = (b"SIEMENS CSA HEADER", b"SMITH^JOHN", b"")
ALL_VRS: Final = tuple(sorted({vr for _, vr in TAGS} | {"UR", "UC", "FL", "SS", "AE", "SQ", "SV"}))


@dataclass(frozen=True, slots=True)
class Described:
    """An instance as drawn: its syntax, its elements and what stands behind the pixel data."""

    syntax: str
    number: int
    elements: tuple[tuple[int, bytes], ...]
    trailer: bytes

    @property
    def name(self) -> str:
        return f"1.2.826.0.1.99.{self.number}"

    def write(self, folder: Path, position: int) -> Instance:
        to = Encoder.of(self.syntax)
        fixed = [
            (0x00080016, to.element(0x00080016, "UI", CT_IMAGE)),
            (0x00080018, to.element(0x00080018, "UI", self.name.encode())),
            (0x00080060, to.element(0x00080060, "CS", b"CT")),
            (0x7FE00010, to.element(0x7FE00010, "OW", bytes(32))),
        ]
        data_set = in_order([*self.elements, *fixed]) + self.trailer
        path = folder / f"drawn-{position}"
        path.write_bytes(data_set)
        piece = FileSlice(path, 0, len(data_set))
        return Instance(CT_IMAGE.decode(), self.name, self.syntax, (piece,))


def value(vr: str) -> st.SearchStrategy[bytes]:
    return st.sampled_from(POOLS.get(vr, TEXTS))


@st.composite
def element(draw: st.DrawFn, to: Encoder, depth: int, *, strange: bool) -> tuple[int, bytes]:
    """A sequence down to two deep, or a value; where strange things are asked for, of a VR that is not the tag's."""
    if depth < 2 and draw(st.integers(0, 3)) == 0:
        return draw(sequence(to, depth, strange=strange))
    tag, vr = draw(st.sampled_from(TAGS))
    content = draw(value(vr))
    if strange:
        vr = draw(st.sampled_from(ALL_VRS))
        content = draw(st.one_of(value(vr), st.binary(max_size=20)))
    elif draw(st.integers(0, 9)) == 0:
        vr = "UN"
    if vr == "UL":
        content = struct.pack("<I", 4)
    return tag, to.element(tag, vr, content)


@st.composite
def sequence(draw: st.DrawFn, to: Encoder, depth: int, *, strange: bool) -> tuple[int, bytes]:
    tag = draw(st.sampled_from(SEQUENCES))
    undefined, unknown = draw(st.booleans()), draw(st.integers(0, 4)) == 0
    within = IMPLICIT if unknown else to
    drawn = draw(st.lists(st.lists(element(within, depth + 1, strange=strange), max_size=4), max_size=2))
    contents = [in_order(one) for one in drawn]
    if unknown:
        return tag, to.sequence_as_unknown(tag, *contents, undefined=undefined)
    return tag, to.sequence(tag, *contents, undefined=undefined)


@st.composite
def described(draw: st.DrawFn, *, strange: bool = False) -> Described:
    """One instance of a patient and series from the pools."""
    syntax = draw(st.sampled_from(SYNTAXES))
    to = Encoder.of(syntax)
    identity = [
        (0x00100010, to.element(0x00100010, "PN", draw(st.sampled_from(NAMES)))),
        (0x00100020, to.element(0x00100020, "LO", draw(st.sampled_from(PATIENT_IDS)))),
        (0x00290010, to.element(0x00290010, "LO", draw(st.sampled_from(CREATORS)))),
    ]
    if character_set := draw(st.sampled_from(CHARACTER_SETS)):
        identity.append((0x00080005, to.element(0x00080005, "CS", character_set)))
    drawn = draw(st.lists(element(to, 0, strange=strange), max_size=12))
    trailer = b""
    if draw(st.integers(0, 3)) == 0:
        trailer = to.sequence(0xFFFAFFFA, in_order(draw(st.lists(element(to, 1, strange=strange), max_size=3))))
    return Described(syntax, draw(st.integers(1, 4)), (*identity, *drawn), trailer)


def interleaved(*, strange: bool = False) -> st.SearchStrategy[Sequence[Described]]:
    """Several instances, some of them twice, as they come over one rewriter."""
    one = described(strange=strange)
    return st.lists(one, min_size=1, max_size=4).flatmap(
        lambda drawn: st.permutations([*drawn, *drawn[: len(drawn) // 2 + 1]])
    )
