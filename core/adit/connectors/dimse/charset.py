"""Identifiers to and from bytes, in the character set that a server is configured for (PS3.5 6.1)."""

import struct
from io import BytesIO

from pydicom import Dataset, config
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR
from pydicom.errors import BytesLengthException
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

from adit.errors import PermanentError

# A malformed value in an answer is the peer's own; pydicom would write it, patient data and all, into the log.
config.settings.reading_validation_mode = config.IGNORE

# Their values are in the data set's character set; all others are of the default repertoire.
_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
# Any bytes are a value of these, well formed or not; they are decoded when somebody asks for them, which is half the
# cost of an answer. Names are not among them: pydicom fails on some in ISO 2022.
_ALWAYS_READABLE = (_TEXT - {"PN"}) | {"AE", "AS", "CS", "DA", "DT", "TM", "UI", "UR"}
UNREADABLE = (
    ValueError,
    TypeError,
    IndexError,
    EOFError,
    OSError,
    NotImplementedError,
    struct.error,
    BytesLengthException,
)
# pydicom gives Latin-1 to the default repertoire, which is ASCII (PS3.5 6.1.2.1).
_DEFAULT_REPERTOIRE = frozenset({"", "ISO_IR 6", "ISO 2022 IR 6"})


def encode_identifier(identifier: Dataset, character_set: str, transfer_syntax: str, server: str) -> bytes:
    """Encode a query in `character_set` (several values parted by a backslash), which it then names.

    Raises PermanentError where a value cannot be written in it: a query with replacement characters would find others.
    """
    names = character_set.split("\\")
    for element in identifier:
        if not _expressible(str(element.value or ""), names if element.VR in _TEXT else [""]):
            raise PermanentError(
                f"{element.keyword} has characters that {character_set or 'the default character set'} cannot express; "
                f"set spec.dimse.specificCharacterSet of {server} to one that it reads, such as ISO_IR 192",
                reason="CharacterSet",
            )
    named = Dataset(identifier)
    if character_set:
        named.SpecificCharacterSet = names if len(names) > 1 else character_set
    syntax = UID(transfer_syntax)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = syntax.is_little_endian, syntax.is_implicit_VR
    write_dataset(buffer, named)
    return buffer.getvalue()


def decode_identifier(encoded: bytes, transfer_syntax: str) -> Dataset:
    """Decode an answer; its texts are decoded by its own SpecificCharacterSet.

    An element whose value cannot be read is left out, and malformed values are left as they are: one sloppy element
    does not lose the answer. Raises one of UNREADABLE where the bytes are no data set at all.
    """
    syntax = UID(transfer_syntax)
    answer = read_dataset(
        BytesIO(encoded), is_implicit_VR=syntax.is_implicit_VR, is_little_endian=syntax.is_little_endian
    )
    for element in list(answer.values()):
        if element.VR in _ALWAYS_READABLE or (element.VR is None and _vr(element.tag) in _ALWAYS_READABLE):
            continue
        try:
            _ = answer[element.tag].value
        except UNREADABLE:
            del answer[element.tag]
    return answer


def _vr(tag: int) -> str:
    """The VR of a standard element in implicit VR, empty where there is none of that name."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


def _expressible(value: str, names: list[str]) -> bool:
    """Whether each character is in one of the character sets; pydicom switches between them within a value."""
    if value.isascii():
        return True
    codecs = ["ascii" if name in _DEFAULT_REPERTOIRE else python_encoding.get(name, "ascii") for name in names]
    return all(any(_encodes(character, codec) for codec in codecs) for character in value)


def _encodes(character: str, codec: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True
