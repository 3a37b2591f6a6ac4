"""The front of a Part-10 file (PS3.10 §7.1): read off what WADO-RS brings, written before what STOW-RS and folders get.

The data set behind it is never looked at.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from adit.transfer.instance import FileSlice, Instance

# Ours, made once from a random UUID (PS3.5 Annex B.2); it names this implementation in every file it writes.
IMPLEMENTATION_CLASS_UID = "2.25.107051225064668236617345612997171068898"
IMPLEMENTATION_VERSION_NAME = "ADIT_KUBERNETES"

PREAMBLE = bytes(128) + b"DICM"
MAX_META_BYTES = 1 << 20
_MAX_UID_LENGTH, _MAX_AE_TITLE = 64, 16
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_GROUP = b"\2\0"
_MEDIA_SOP_CLASS, _MEDIA_SOP_INSTANCE, _TRANSFER_SYNTAX = 0x0002, 0x0003, 0x0010
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


class NotPart10(ValueError):
    """The file does not begin as PS3.10 §7.1 says; the message names what is wrong and holds no value of the file."""


@dataclass(frozen=True, slots=True)
class Front:
    """What group 0002 says, and where the data set begins (`offset`, bytes from the start of the file).

    An identity that the group lacks is empty; the transfer syntax is always there, nothing can be read without it.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    offset: int


def is_uid(text: str) -> bool:
    """Whether it can be used as a UID: digits and dots, ≤64; components with leading zeros exist and are let pass."""
    return len(text) <= _MAX_UID_LENGTH and _UID.fullmatch(text) is not None


def read_front(file: BinaryIO) -> Front:
    """Read preamble and group 0002 from the beginning of `file`. Raises NotPart10."""
    if file.read(len(PREAMBLE))[128:] != PREAMBLE[128:]:
        raise NotPart10("it lacks the DICM prefix")
    values: dict[int, bytes] = {}
    offset = len(PREAMBLE)
    # The group's own length is not trusted: writers get it wrong, the group number is what PS3.10 goes by.
    while (header := file.read(8))[:2] == _GROUP:
        element, length, size = _element(header, file)
        offset += size + length
        if offset > MAX_META_BYTES:
            raise NotPart10(f"its file meta information is larger than {MAX_META_BYTES} bytes")
        value = file.read(length)
        if len(value) < length:
            raise NotPart10("it ends inside its file meta information")
        values[element] = value
    syntax = _uid(values, _TRANSFER_SYNTAX)
    if not syntax:
        raise NotPart10("its file meta information names no transfer syntax")
    return Front(_uid(values, _MEDIA_SOP_CLASS), _uid(values, _MEDIA_SOP_INSTANCE), syntax, offset)


def open_part10(path: Path) -> Instance:
    """The instance in a Part-10 file, as one slice behind group 0002; an identity that the group lacks stays empty."""
    with path.open("rb") as file:
        front = read_front(file)
        size = file.seek(0, 2)
    piece = FileSlice(path, front.offset, size - front.offset)
    return Instance(front.sop_class_uid, front.sop_instance_uid, front.transfer_syntax_uid, (piece,))


def front_of(instance: Instance, source_ae_title: str = "") -> bytes:
    """Preamble and group 0002 of a new file, to be followed by the chunks of the instance.

    The source, where it is known, stands in (0002,0016); what is not printable ASCII of its title becomes a question
    mark, and the title is cut at 16 characters (PS3.5 §6.2).
    """
    group = b"".join((
        _long(0x0001, b"\0\1"),
        _short(0x0002, b"UI", instance.sop_class_uid.encode("ascii")),
        _short(0x0003, b"UI", instance.sop_instance_uid.encode("ascii")),
        _short(0x0010, b"UI", instance.transfer_syntax_uid.encode("ascii")),
        _short(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode("ascii")),
        _short(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode("ascii")),
        _source(source_ae_title),
    ))  # fmt: skip
    return PREAMBLE + _short(0x0000, b"UL", struct.pack("<I", len(group))) + group


def _source(ae_title: str) -> bytes:
    written = "".join(one if one.isascii() and one.isprintable() and one != "\\" else "?" for one in ae_title.strip())
    return _short(0x0016, b"AE", written[:_MAX_AE_TITLE].encode("ascii")) if written else b""


def _element(header: bytes, file: BinaryIO) -> tuple[int, int, int]:
    """Element number, length of the value and size of the header, explicit VR little endian (PS3.10 §7.1)."""
    if len(header) < 8:  # noqa: PLR2004 - tag, VR and a short length
        raise NotPart10("it ends inside its file meta information")
    element: int
    element, vr, length = struct.unpack("<2xH2sH", header)
    if vr not in _LONG_VRS:
        return element, length, 8
    raw = file.read(4)
    if len(raw) < 4:  # noqa: PLR2004 - a long length
        raise NotPart10("it ends inside its file meta information")
    return element, struct.unpack("<I", raw)[0], 12


def _uid(values: dict[int, bytes], element: int) -> str:
    text = values.get(element, b"").decode("latin-1").strip(" \0")
    if text and not is_uid(text):
        raise NotPart10(f"(0002,{element:04X}) is not a UID")
    return text


def _short(element: int, vr: bytes, value: bytes) -> bytes:
    padded = value if len(value) % 2 == 0 else value + (b"\0" if vr == b"UI" else b" ")
    return struct.pack("<HH2sH", 0x0002, element, vr, len(padded)) + padded


def _long(element: int, value: bytes) -> bytes:
    return struct.pack("<HH2sHI", 0x0002, element, b"OB", 0, len(value)) + value
