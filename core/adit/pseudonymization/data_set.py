"""An encoded instance opened for rewriting: where its parts lie, and the values of its top level that rules ask for."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adit.encoded.dictionary import vr_of
from adit.encoded.elements import Buffer, Element, Malformed, elements
from adit.encoded.encoding import Encoding
from adit.encoded.mapped import mapped
from adit.pseudonymization.derived import derived
from adit.pseudonymization.texts import DEFAULT, codecs_of, decoded
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.split import Parts, inflated, is_deflated, split

CHARACTER_SET, SOP_INSTANCE_UID = 0x00080005, 0x00080018
# A head up to this size is read at once; a larger one is mapped, and what it becomes is written to a file.
IN_MEMORY_BYTES = 4 << 20
MAX_TOP_LEVEL = 100_000
_LONGEST_ASKED = 1 << 12
# As unsigned ones, which sizes and counts are.
_NUMBER_BYTES = {b"US": 2, b"SS": 2, b"UL": 4, b"SL": 4}


@dataclass(frozen=True, slots=True)
class Part:
    """Head or trailer: a buffer that holds it, and its elements of the top level."""

    buffer: Buffer
    found: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as it lies in the spool, inflated where it was deflated."""

    parts: Parts
    transfer_syntax_uid: str
    head: Part
    trailer: Part
    top: "TopLevel"


@contextmanager
def open_data_set(instance: Instance) -> Iterator[DataSet]:
    """Find and walk the parts. Raises Malformed, or OSError where the spool fails."""
    (piece,) = instance.pieces
    if not isinstance(piece, FileSlice):
        raise TypeError("an instance is rewritten once, from the file that it arrived in")
    syntax = instance.transfer_syntax_uid
    if is_deflated(syntax):
        try:
            piece, syntax = inflated(piece, derived(instance, "inflated"))
        except zlib.error as error:
            raise Malformed("DeflatedCorrupt") from error
    parts = split(piece, syntax)
    with _opened(parts.head, parts) as head, _opened(parts.trailer, parts) as trailer:
        top = TopLevel(head, parts.encoding)
        if not top.text(SOP_INSTANCE_UID) or instance.sop_instance_uid not in {"", top.text(SOP_INSTANCE_UID)}:
            raise Malformed("SopInstanceUidMismatch")
        yield DataSet(parts, syntax, head, trailer, top)


@contextmanager
def _opened(where: FileSlice | None, parts: Parts) -> Iterator[Part]:
    """A part as a buffer, walked. Raises Malformed."""
    if where is None or where.length == 0:
        yield Part(b"")
        return
    if where.length <= IN_MEMORY_BYTES:
        raw = where.read()
        yield Part(raw, _walked(raw, 0, len(raw), parts))
        return
    with mapped(where.path) as buffer:
        yield Part(buffer, _walked(buffer, where.start, where.start + where.length, parts))


def _walked(buffer: Buffer, start: int, end: int, parts: Parts) -> tuple[Element, ...]:
    found = []
    for one in elements(buffer, start, end, parts.encoding):
        found.append(one)
        if len(found) > MAX_TOP_LEVEL:
            raise Malformed("TooManyElements")
    if len({one.tag for one in found}) < len(found):
        raise Malformed("ElementTwice")  # PS3.5 §7.1: which of the two a reader takes, nobody knows
    return tuple(found)


class TopLevel:
    """The texts of the top level, by tag; absent ones are empty, very long ones are cut. Whole numbers are told."""

    def __init__(self, part: Part, encoding: Encoding) -> None:
        self.part = part
        self._encoding = encoding
        self._by_tag = {one.tag: one for one in part.found}
        self.codecs: tuple[str, ...] = DEFAULT
        if CHARACTER_SET in self._by_tag:
            self.codecs = codecs_of(self.raw(CHARACTER_SET))

    def __contains__(self, tag: int) -> bool:
        return tag in self._by_tag

    def raw(self, tag: int) -> bytes:
        one = self._by_tag.get(tag)
        if one is None:
            return b""
        return bytes(self.part.buffer[one.value : min(one.stop, one.value + _LONGEST_ASKED)])

    def text(self, tag: int) -> str:
        one = self._by_tag.get(tag)
        if one is None:
            return ""
        vr = vr_of(tag) if one.vr == b"UN" else one.vr
        if size := _NUMBER_BYTES.get(vr):
            raw = self.raw(tag)
            numbers = (self._encoding.number(raw[at : at + size]) for at in range(0, len(raw) - size + 1, size))
            return "\\".join(map(str, numbers))
        return decoded(vr, self.raw(tag), self.codecs).strip()
