"""The identifier of a retrieval (PS3.4 C.4.2.1.4, C.4.3.1.3): level and UIDs, in implicit VR little endian."""

import struct

IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
_LEVEL, _STUDY, _SERIES = (0x0008, 0x0052), (0x0020, 0x000D), (0x0020, 0x000E)


def identifier(study: str, series: str = "") -> bytes:
    """A whole study, or one series of it."""
    level = "SERIES" if series else "STUDY"
    elements = _element(_LEVEL, level, b" ") + _element(_STUDY, study, b"\0")
    return elements + (_element(_SERIES, series, b"\0") if series else b"")


def _element(tag: tuple[int, int], text: str, padding: bytes) -> bytes:
    value = text.encode("ascii")
    value += padding * (len(value) % 2)
    return struct.pack("<HHI", *tag, len(value)) + value
