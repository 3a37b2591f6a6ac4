"""Decodes texts of a data set for the matching of the loopback PACS; what cannot be decoded never stops a query."""

import re

from pydicom.charset import CODES_TO_ENCODINGS, handled_encodings, python_encoding

_ESCAPES = re.compile(rb"(?=\x1b)")


def decode(value: bytes, character_set: str) -> str:
    """Decode by (0008,0005) as text, code extensions included (PS3.5, 6.1.2); unknown bytes become U+FFFD."""
    names = [name.strip() for name in character_set.split("\\")]
    default = python_encoding.get(names[0], "latin-1")
    return "".join(_fragment(part, default) for part in _ESCAPES.split(value)).strip(" \0")


def _fragment(part: bytes, default: str) -> str:
    for code, encoding in CODES_TO_ENCODINGS.items():
        if part.startswith(code):
            # Python's own ISO 2022 codecs want the escape sequence, the others do not know it
            rest = part if encoding in handled_encodings else part[len(code) :]
            return rest.decode(encoding, "replace")
    return part.decode(default, "replace")
