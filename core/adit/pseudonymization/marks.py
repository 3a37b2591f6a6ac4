"""What a de-identified object says of itself (PS3.15 E.1.1): by which profile, with which options, for which trial.

Asked by the rewriter after the rules; what is written here replaces what the rules left of the same attributes.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, Literal

from adit.api.trial import Trial
from adit.encoded.encoding import Encoding
from adit.encoded.writing import element, sequence
from adit.pseudonymization.profile import Profile
from adit.transfer.rewriter import Subject

Longitudinal = Literal["UNMODIFIED", "MODIFIED", "REMOVED"]
Code = tuple[str, str]
Mark = tuple[bytes, bytes | list[Code]]

CLEAN_PIXEL_DATA: Final[Code] = ("113101", "Clean Pixel Data Option")

PATIENT_IDENTITY_REMOVED, METHOD, METHOD_CODES = 0x00120062, 0x00120063, 0x00120064
LONGITUDINAL_MODIFIED, BURNED_IN_ANNOTATION = 0x00280303, 0x00280301
TRIAL_SPONSOR, TRIAL_ID, TRIAL_NAME, PATIENT_COMMENTS = 0x00120010, 0x00120020, 0x00120021, 0x00104000
TRIAL_SITE_ID, TRIAL_SITE_NAME, TRIAL_SUBJECT_ID = 0x00120030, 0x00120031, 0x00120040
STUDY_DATE, STUDY_TIME, STUDY_INSTANCE_UID = 0x00080020, 0x00080030, 0x0020000D
_CODE_VALUE, _CODING_SCHEME, _CODE_MEANING = 0x00080100, 0x00080102, 0x00080104

# What proves or repeats an earlier state of the object (PS3.3 C.12.1.1.3 and .4): false after rewriting, or a leak.
NEVER_KEPT: Final = frozenset(
    {
        0x04000115,  # CertificateOfSigner
        0x04000120,  # Signature
        0x04000310,  # CertifiedTimestamp
        0x04000402,  # ReferencedDigitalSignatureSequence
        0x04000403,  # ReferencedSOPInstanceMACSequence
        0x04000404,  # MAC
        0x04000500,  # EncryptedAttributesSequence
        0x04000520,  # EncryptedContent
        0x04000550,  # ModifiedAttributesSequence
        0x04000551,  # NonconformingModifiedAttributesSequence
        0x04000552,  # NonconformingDataElementValue
        0x04000561,  # OriginalAttributesSequence
        0x4FFE0001,  # MACParametersSequence
        0xFFFAFFFA,  # DigitalSignaturesSequence
        0xFFFCFFFC,  # DataSetTrailingPadding
    }
)

_LENGTHS: Final = {b"CS": 16, b"LO": 64, b"SH": 16, b"LT": 10_240}
_UID_DIGITS = 12
_UNSTATED = "NOT STATED"
_PLACE = re.compile(r"\{studyDate\}-\{studyTime\}|\{(?:trial|pseudonym|studyDate|studyTime)\}")
_DATE, _TIME = re.compile(r"[0-9]{8}"), re.compile(r"[0-9]{2,6}(\.[0-9]{1,6})?")
_DATE_AND_TIME = "{studyDate}-{studyTime}"


class Marker:
    """The marks of one profile; `codes` are those of CID 7050 for its base and options, without Clean Pixel Data."""

    def __init__(self, profile: Profile, codes: Iterable[Code], longitudinal: Longitudinal) -> None:
        self._method = [f"ADIT {profile.name}", f"sha256:{profile.hash[:16]}"]
        self._codes = tuple(codes)
        self._longitudinal = longitudinal
        self._trial = profile.spec.trial or Trial()
        self._template = profile.spec.patient_comments

    def marks(
        self, subject: Subject, rewritten: Callable[[int], str], *, pixels_cleaned: bool = False
    ) -> dict[int, Mark]:
        """Tag → VR and value, a list of codes for the sequence; `rewritten(tag)` is a text as the rules left it."""
        codes = {*self._codes, CLEAN_PIXEL_DATA} if pixels_cleaned else self._codes
        marks: dict[int, Mark] = {
            PATIENT_IDENTITY_REMOVED: (b"CS", b"YES"),
            METHOD: (b"LO", _text(b"LO", *self._method)),
            METHOD_CODES: (b"SQ", sorted(codes)),
            LONGITUDINAL_MODIFIED: (b"CS", _text(b"CS", self._longitudinal)),
        }
        if pixels_cleaned:
            marks[BURNED_IN_ANNOTATION] = (b"CS", b"NO")
        return marks | self._trial_marks(subject, rewritten)

    def encoded(
        self,
        subject: Subject,
        rewritten: Callable[[int], str],
        encoding: Encoding,
        *,
        pixels_cleaned: bool = False,
    ) -> dict[int, bytes]:
        """Tag → the whole encoded element, for the top level."""
        return encoded_marks(self.marks(subject, rewritten, pixels_cleaned=pixels_cleaned), encoding)

    def _trial_marks(self, subject: Subject, rewritten: Callable[[int], str]) -> dict[int, Mark]:
        named = bool(subject.trial_id or subject.trial_name)
        trial_id, trial_name = (subject.trial_id, subject.trial_name) if named else (self._trial.id, self._trial.name)
        marks: dict[int, Mark] = {}
        if trial_id:
            # One attribute makes the module (PS3.3 C.7.1.3), which wants more; what the rules left of it stays.
            wanted = {TRIAL_SPONSOR: _UNSTATED, TRIAL_NAME: "", TRIAL_SITE_ID: "", TRIAL_SITE_NAME: ""}
            wanted[TRIAL_SUBJECT_ID] = subject.pseudonym or _UNSTATED
            marks |= {tag: (b"LO", _text(b"LO", text)) for tag, text in wanted.items() if not rewritten(tag)}
            marks[TRIAL_ID] = (b"LO", _text(b"LO", trial_id))
            comment = _comment(self._template, trial_id, subject.pseudonym or "", rewritten)
            marks[PATIENT_COMMENTS] = (b"LT", _text(b"LT", comment))
        if trial_name:
            marks[TRIAL_NAME] = (b"LO", _text(b"LO", trial_name))
        return marks


def encoded_marks(marks: Mapping[int, Mark], encoding: Encoding) -> dict[int, bytes]:
    """Each mark as an element of this encoding."""
    return {
        tag: element(tag, vr, value, encoding)
        if isinstance(value, bytes)
        else sequence(tag, vr, [_item(code, encoding) for code in value], encoding)
        for tag, (vr, value) in marks.items()
    }


def _item(code: Code, encoding: Encoding) -> bytes:
    value, meaning = code
    return (
        element(_CODE_VALUE, b"SH", _text(b"SH", value), encoding)
        + element(_CODING_SCHEME, b"SH", b"DCM", encoding)
        + element(_CODE_MEANING, b"LO", _text(b"LO", meaning), encoding)
    )


def _comment(template: str, trial: str, pseudonym: str, rewritten: Callable[[int], str]) -> str:
    """The template filled in; where a study has no date or time any more, digits of its UID keep sessions apart."""
    date, time = _formed(_DATE, rewritten(STUDY_DATE)), _formed(_TIME, rewritten(STUDY_TIME))
    digits = "".join(filter(str.isdigit, rewritten(STUDY_INSTANCE_UID)))[-_UID_DIGITS:]
    values = {
        "{trial}": trial,
        "{pseudonym}": pseudonym,
        "{studyDate}": date or digits,
        "{studyTime}": time or digits,
        _DATE_AND_TIME: f"{date}-{time or digits}" if date else digits,
    }
    return _PLACE.sub(lambda place: values[place[0]], template)


def _formed(form: re.Pattern[str], text: str) -> str:
    stripped = text.strip(" \0")
    return stripped if form.fullmatch(stripped) else ""


def _text(vr: bytes, *values: str) -> bytes:
    """Values of a VR within its length, in ASCII, since an object's own character set may have no other letters."""
    return b"\\".join(_ascii(value)[: _LENGTHS[vr]].rstrip() for value in values)


def _ascii(text: str) -> bytes:
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return plain.encode("ascii", "replace").translate(_NO_VALUE_SEPARATOR)


def _translation(letters: Collection[int]) -> bytes:
    return bytes(ord("_") if letter in letters else letter for letter in range(256))


_NO_VALUE_SEPARATOR: Final = _translation({*range(0x20), 0x5C, 0x7F})
