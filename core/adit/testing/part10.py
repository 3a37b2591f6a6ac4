"""Part-10 files taken apart and put together by their bytes: file meta information in front, the data set untouched."""

import mmap
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adit.testing.elements import EXPLICIT_LITTLE, UnreadableDataSet, encode_elements, spans

PREAMBLE = bytes(128) + b"DICM"
IMPLEMENTATION_CLASS_UID = "1.2.826.0.1.3680043.8.498.1.1"
MAX_META = 1 << 16
MEDIA_SOP_CLASS_UID, MEDIA_SOP_INSTANCE_UID, TRANSFER_SYNTAX_UID = 0x00020002, 0x00020003, 0x00020010
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_MAX_UID = 64


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What group 2 says, and where the data set begins (`offset`, bytes)."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    offset: int


def is_uid(text: str) -> bool:
    return len(text) <= _MAX_UID and _UID.fullmatch(text) is not None


def read_meta(path: Path) -> FileMeta:
    """Read group 2 of a Part-10 file; raises UnreadableDataSet when it is not one."""
    with path.open("rb") as file:
        head = file.read(MAX_META)
    if head[128:132] != b"DICM":
        raise UnreadableDataSet(f"{path.name} is not a DICOM Part-10 file")
    values: dict[int, str] = {}
    position = len(PREAMBLE)
    while head[position : position + 2] == b"\2\0":  # the group number; what follows may be of any encoding
        span = next(spans(memoryview(head)[position:], EXPLICIT_LITTLE))
        value = head[position + span.start : position + span.start + span.length]
        values[span.tag] = text_of(value)
        position += span.start + span.length
    if TRANSFER_SYNTAX_UID not in values:
        raise UnreadableDataSet(f"{path.name} names no transfer syntax")
    return FileMeta(
        values.get(MEDIA_SOP_CLASS_UID, ""),
        values.get(MEDIA_SOP_INSTANCE_UID, ""),
        values[TRANSFER_SYNTAX_UID],
        position,
    )


def text_of(value: bytes) -> str:
    """An ASCII value without its padding."""
    return value.decode("latin-1").strip(" \0")


def meta_of(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Preamble and group 2 of a new file, to be followed by the encoded data set."""
    group = encode_elements(
        [
            (0x00020001, "OB", b"\0\1"),
            (0x00020002, "UI", sop_class_uid.encode()),
            (0x00020003, "UI", sop_instance_uid.encode()),
            (0x00020010, "UI", transfer_syntax_uid.encode()),
            (0x00020012, "UI", IMPLEMENTATION_CLASS_UID.encode()),
        ],
        EXPLICIT_LITTLE,
    )
    length = encode_elements([(0x00020000, "UL", struct.pack("<I", len(group)))], EXPLICIT_LITTLE)
    return PREAMBLE + length + group


@contextmanager
def mapped(path: Path, offset: int) -> Iterator[memoryview]:
    """The bytes of a file from `offset` on, without reading them into memory.

    The mapping goes with its last view: the traceback of a broken connection still holds some when the block is left.
    """
    with path.open("rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    yield memoryview(mapping)[offset:]


def data_set_bytes(path: Path) -> bytes:
    """The encoded data set of a Part-10 file: what must arrive unchanged."""
    return path.read_bytes()[read_meta(path).offset :]
