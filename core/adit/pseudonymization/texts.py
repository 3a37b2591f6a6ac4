"""Text by its SpecificCharacterSet (PS3.3 C.12.1.1.2): decoded for the rules, encoded again where it stays."""

import warnings

from pydicom.charset import convert_encodings, decode_bytes, encode_string

from adit.encoded.elements import Malformed

# PS3.5 §6.2: values of several, parted by a backslash; in the others it is a character like any other.
ONE_VALUE = frozenset({b"ST", b"LT", b"UT", b"UR"})
TEXT = frozenset({b"AE", b"AS", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"LT", b"PN", b"SH", b"ST", b"TM", b"UC"})
TEXT |= frozenset({b"UI", b"UR", b"UT"})
# What SpecificCharacterSet speaks of; the others are of the default repertoire.
IN_CHARACTER_SET = frozenset({b"LO", b"LT", b"PN", b"SH", b"ST", b"UC", b"UT"})
_DELIMITERS = frozenset({0x0A, 0x0C, 0x0D, 0x09})
_PN_DELIMITERS = frozenset({0x5E, 0x3D})
_PADDING = " \0"
DEFAULT = ("iso8859",)


def codecs_of(value: bytes) -> tuple[str, ...]:
    """The Python codecs of a SpecificCharacterSet's value. Raises Malformed for one that nobody knows."""
    terms = [term.strip(_PADDING) for term in value.decode("ascii", "replace").split("\\")]
    if not any(terms):
        return DEFAULT
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pydicom takes the default for what it does not know, and warns
        warnings.filterwarnings("ignore", message=".*assuming")  # of ISO-IR 100 everybody knows what is meant
        try:
            return tuple(convert_encodings(terms))
        except (LookupError, ValueError, Warning) as error:
            raise Malformed("CharacterSetUnknown") from error


def decoded(vr: bytes, value: bytes, codecs: tuple[str, ...]) -> str:
    """The text of an element without padding; bytes that its character set does not know become replacement marks."""
    if vr not in IN_CHARACTER_SET:
        return value.decode("latin-1").rstrip(_PADDING)
    delimiters = set(_PN_DELIMITERS if vr == b"PN" else _DELIMITERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return decode_bytes(value, list(codecs), delimiters).rstrip(_PADDING)


def encoded(vr: bytes, text: str, codecs: tuple[str, ...]) -> bytes | None:
    """The bytes of a text; None where the character set has no place for it."""
    if text.isascii():
        return text.encode("ascii")
    if vr not in IN_CHARACTER_SET:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return encode_string(text, list(codecs))
        except (UnicodeError, ValueError, LookupError, Warning):
            return None


def values_of(vr: bytes, text: str) -> list[str]:
    """The values of a text, without their padding."""
    return [text] if vr in ONE_VALUE else [value.strip(_PADDING) for value in text.split("\\")]
