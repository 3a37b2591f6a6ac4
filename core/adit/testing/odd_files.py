"""Irregular but transferable instances, built byte by byte: what a pass-through must carry unchanged.

No DICOM library writes these files, so that none can repair them on the way. Each data set as a whole has an even
length: a fragment of odd length ends the association with dcmtk.
"""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from adit.testing.elements import (
    DEFLATED_LITTLE,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    UNDEFINED,
    encode_elements,
)
from adit.testing.part10 import meta_of
from adit.testing.patients import PLAIN, uid

STUDY_UID: Final = uid(PLAIN.patient_id, "study", "odd")
CT: Final = "1.2.840.10008.5.1.4.1.1.2"
MULTIFRAME_GRAYSCALE: Final = "1.2.840.10008.5.1.4.1.1.7.2"
PRIVATE_SOP_CLASS: Final = "1.2.826.0.1.3680043.8.498.1.99.1"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"

Elements = Mapping[int, tuple[str, bytes]]

_ITEM: Final = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
_ITEM_END: Final = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
_SEQUENCE_END: Final = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_SHAPE: Final = [
    (0x00280010, "US", struct.pack("<H", 16)),
    (0x00280011, "US", struct.pack("<H", 16)),
    (0x00280100, "US", struct.pack("<H", 16)),
]
_PIXELS: Final = bytes(range(256)) * 2
_CHUNK: Final = bytes(range(256)) * 4096  # 1 MiB


def odd_files(directory: Path) -> dict[str, Path]:
    """Write every odd instance as `<name>.dcm`, all of one study of PLAIN; returns oddity → path."""
    made = {
        "odd length": _image("odd length", early=raw(0x00204000, "LT", b"five!"), late=raw(0x00324000, "LT", b"odd")),
        "padded with spaces": _image("padded with spaces", {0x00100020: ("LO", b"SYN-0001      ")}),
        "padded with nulls": _image("padded with nulls", {0x00080050: ("SH", b"A1\0\0\0\0")}),
        "group lengths": raw(0x00080000, "UL", struct.pack("<I", 4)) + _image("group lengths"),
        "undefined lengths": _image("undefined lengths", late=_nested_sequence()),
        "UN elements": _image("UN elements", early=raw(0x00204000, "UN", b"was LT"), late=_unknown_sequence()),
        "wrong VRs": _image("wrong VRs", {0x00080020: ("LO", b"20240115"), 0x00100020: ("UN", b"SYN-0001")}),
        "private block": _image("private block", late=_private_block()),
        "out of order": _image("out of order", late=raw(0x00104000, "LT", b"belongs above ")),
        "trailer": _image("trailer") + _trailer(),
        "empty values": _image("empty values", {0x00100010: ("PN", b""), 0x00200011: ("IS", b"")}),
        "no pixel data": _head("no pixel data"),
    }
    files = {name: _write(directory, name, CT, EXPLICIT_LITTLE, data) for name, data in made.items()}
    pixels = (0x7FE00010, "OW", _PIXELS)
    implicit = encode_elements([*_elements("implicit"), *_SHAPE, pixels], IMPLICIT_LITTLE)
    files["implicit"] = _write(directory, "implicit", CT, IMPLICIT_LITTLE, implicit)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflater.compress(_image("deflated") + _trailer()) + deflater.flush()
    files["deflated"] = _write(directory, "deflated", CT, DEFLATED_LITTLE, packed + bytes(len(packed) % 2))
    files["big endian"] = _write(
        directory, "big endian", CT, EXPLICIT_BIG, _big_endian([*_elements("big endian"), (0x7FE00010, "OW", _PIXELS)])
    )
    encapsulated = _head("encapsulated") + _encoded(_SHAPE) + _encapsulated_pixel() + _trailer()
    files["encapsulated"] = _write(directory, "encapsulated", CT, JPEG_BASELINE, encapsulated)
    own = _head("private SOP class", sop_class=PRIVATE_SOP_CLASS) + _private_block()
    files["private SOP class"] = _write(directory, "private SOP class", PRIVATE_SOP_CLASS, EXPLICIT_LITTLE, own)
    return files


def large_file(directory: Path, megabytes: int, name: str = "large") -> Path:
    """A multi-frame instance of `megabytes` MiB of pixel data (one frame of 1024 x 1024 each), written in pieces."""
    path = directory / f"{name}.dcm"
    extra = {
        0x00280002: ("US", struct.pack("<H", 1)),
        0x00280004: ("CS", b"MONOCHROME2 "),
        0x00280008: ("IS", str(megabytes).encode()),
        0x00280010: ("US", struct.pack("<H", 1024)),
        0x00280011: ("US", struct.pack("<H", 1024)),
        0x00280100: ("US", struct.pack("<H", 8)),
        0x00280101: ("US", struct.pack("<H", 8)),
        0x00280102: ("US", struct.pack("<H", 7)),
        0x00280103: ("US", struct.pack("<H", 0)),
    }
    with path.open("wb") as file:
        file.write(meta_of(MULTIFRAME_GRAYSCALE, instance_uid(name), EXPLICIT_LITTLE))
        file.write(_head(name, extra, sop_class=MULTIFRAME_GRAYSCALE))
        file.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, megabytes << 20))
        for _ in range(megabytes):
            file.write(_CHUNK)
    return path


def instance_uid(name: str) -> str:
    """The SOP Instance UID of the odd instance with this name."""
    return uid(STUDY_UID, "instance", name)


def raw(tag: int, vr: str, value: bytes, *, undefined: bool = False) -> bytes:
    """One explicit little endian element exactly as given: no padding, and undefined length where asked for."""
    length = UNDEFINED if undefined else len(value)
    if vr in LONG_VRS:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length) + value
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), length) + value


def _write(directory: Path, name: str, sop_class: str, transfer_syntax: str, data_set: bytes) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name.replace(' ', '-')}.dcm"
    path.write_bytes(meta_of(sop_class, instance_uid(name), transfer_syntax) + data_set)
    return path


def _elements(name: str, extra: Elements | None = None, sop_class: str = CT) -> list[tuple[int, str, bytes]]:
    common: dict[int, tuple[str, bytes]] = {
        0x00080016: ("UI", sop_class.encode()),
        0x00080018: ("UI", instance_uid(name).encode()),
        0x00080020: ("DA", b"20240115"),
        0x00080060: ("CS", b"CT"),
        0x0008103E: ("LO", name.encode()),
        0x00100010: ("PN", PLAIN.name.encode()),
        0x00100020: ("LO", PLAIN.patient_id.encode()),
        0x00100030: ("DA", PLAIN.birth_date.encode()),
        0x0020000D: ("UI", STUDY_UID.encode()),
        0x0020000E: ("UI", uid(STUDY_UID, "series", sop_class).encode()),
        0x00200011: ("IS", b"1"),
        0x00200013: ("IS", b"1"),
    }
    return [(tag, vr, value) for tag, (vr, value) in sorted({**common, **(extra or {})}.items())]


def _head(name: str, extra: Elements | None = None, sop_class: str = CT) -> bytes:
    return _encoded(_elements(name, extra, sop_class))


def _encoded(elements: list[tuple[int, str, bytes]]) -> bytes:
    return encode_elements(elements, EXPLICIT_LITTLE)


def _image(name: str, extra: Elements | None = None, *, early: bytes = b"", late: bytes = b"") -> bytes:
    """A data set with pixel data; `early` stands in front of group 0028, `late` behind it."""
    pixels = _encoded([(0x7FE00010, "OW", _PIXELS)])
    return _head(name, extra) + early + _encoded(_SHAPE) + late + pixels


def _encapsulated_pixel() -> bytes:
    """Two fragments that are no real JPEG, the second with the bytes of a sequence delimiter inside."""
    fragments = (b"\xff\xd8" + bytes(60), _SEQUENCE_END + bytes(56) + b"\xff\xd9")
    items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(fragment)) + fragment for fragment in (b"", *fragments))
    return raw(0x7FE00010, "OB", items + _SEQUENCE_END, undefined=True)


def _nested_sequence() -> bytes:
    inner = raw(0x00400008, "SQ", _ITEM + raw(0x00080100, "SH", b"CODE") + _ITEM_END + _SEQUENCE_END, undefined=True)
    return raw(0x00400275, "SQ", _ITEM + inner + _ITEM_END + _SEQUENCE_END, undefined=True)


def _unknown_sequence() -> bytes:
    """A sequence whose VR was lost on its way: UN of undefined length, implicit little endian inside (PS3.5, 6.2.2)."""
    inside = encode_elements([(0x00080100, "SH", b"CODE")], IMPLICIT_LITTLE)
    return raw(0x00400260, "UN", _ITEM + inside + _ITEM_END + _SEQUENCE_END, undefined=True)


def _private_block() -> bytes:
    return encode_elements(
        [(0x00290010, "LO", b"ADIT SYNTHETIC"), (0x00291001, "UN", bytes(range(32))), (0x00291002, "OB", b"\1\2")],
        EXPLICIT_LITTLE,
    )


def _trailer() -> bytes:
    """Everything that may stand behind the pixel data: a private group, digital signatures, trailing padding."""
    signature = _ITEM + raw(0x04000100, "UI", b"1.2.3.4\0") + _ITEM_END + _SEQUENCE_END
    private = encode_elements([(0x7FE10010, "LO", b"ADIT SYNTHETIC"), (0x7FE11001, "OB", b"behind!!")], EXPLICIT_LITTLE)
    return private + raw(0xFFFAFFFA, "SQ", signature, undefined=True) + raw(0xFFFCFFFC, "OB", bytes(126))


def _big_endian(elements: list[tuple[int, str, bytes]]) -> bytes:
    parts: list[bytes] = []
    for tag, vr, value in elements:
        padded = value if len(value) % 2 == 0 else value + (b"\0" if vr == "UI" else b" ")
        if vr in LONG_VRS:
            parts.append(struct.pack(">HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, len(padded)) + padded)
        else:
            parts.append(struct.pack(">HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(padded)) + padded)
    return b"".join(parts)
