"""The few header values that the pipeline must know of an instance that nobody listed: its study, series and modality.

Listed instances never come here, so that pass-through reads no header at all.
"""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from adit.transfer.instance import Instance

# Everything up to the series UID; far more than any real object has there.
HEAD_LIMIT = 4 << 20
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
MODALITY, STUDY_UID, SERIES_UID = 0x00080060, 0x0020000D, 0x0020000E
# What pydicom's element reader is known to raise on bytes that are no data set.
UNREADABLE = (EOFError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError, struct.error, zlib.error)


@dataclass(frozen=True, slots=True)
class Header:
    """Where an instance says that it belongs; empty where it does not say."""

    study_instance_uid: str = ""
    series_instance_uid: str = ""
    modality: str = ""


def header_of(instance: Instance) -> Header | None:
    """Read the header up to the series UID (PS3.5 §7.1 keeps elements in order); None where it cannot be read."""
    syntax = instance.transfer_syntax_uid
    try:
        data = _beginning(instance)
        if syntax == DEFLATED:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, HEAD_LIMIT)
        elements = read_dataset(
            BytesIO(data),
            is_implicit_VR=syntax == IMPLICIT_LITTLE,
            is_little_endian=syntax != EXPLICIT_BIG,
            stop_when=lambda tag, _vr, _length: tag > SERIES_UID,
        )
    except UNREADABLE:
        return None
    return Header(_raw(elements, STUDY_UID), _raw(elements, SERIES_UID), _raw(elements, MODALITY))


def _beginning(instance: Instance) -> bytes:
    head = bytearray()
    for chunk in instance.chunks(256 << 10):
        head += chunk[: HEAD_LIMIT - len(head)]
        if len(head) >= HEAD_LIMIT:
            break
    return bytes(head)


def _raw(elements: Dataset, tag: int) -> str:
    """The value as it is encoded, so that an odd one raises no warning and reaches no log."""
    if tag not in elements:
        return ""
    value = elements.get_item(tag).value
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    return text.strip(" \0")[:64]
