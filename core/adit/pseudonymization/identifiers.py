"""What of an original data set names a person: gathered when it is rewritten, cleaned from texts and searched for.

Only what can be told from ordinary words is an identifier: at least four characters (fewer in scripts whose names are
short), and not a word that says nothing, such as UNKNOWN.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from adit.encoded.dictionary import VRS

SHORTEST = 4
# Longer values are recognised by their beginning: no identifier of DICOM's own is longer (LO, PN: 64 characters).
LONGEST = 64
# Without its leading zeros a number must still be longer than those of everyday.
_SHORTEST_NUMBER = 6
# Code points from which on scripts are no longer Latin, and where the East Asian ones begin.
_GREEK, _EAST_ASIAN = 0x370, 0x2E80


class Kind(Enum):
    """What an attribute says about a person, and so how its value is read."""

    NAME = auto()
    IDENTIFIER = auto()
    """Of a person: every value, letters or digits."""
    NUMBER = auto()
    """Of an order, a visit, a procedure, a telephone: only values with a digit, since others are words such as HEAD."""
    ADDRESS = auto()
    BIRTH_DATE = auto()


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Lower-case words, dates of birth and original UIDs; `short` are parts of names that are too short to search for.

    A short part is cleaned from texts as a whole word, no more.
    """

    words: frozenset[str] = frozenset()
    dates: frozenset[dt.date] = frozenset()
    uids: frozenset[str] = frozenset()
    short: frozenset[str] = frozenset()

    def __or__(self, other: "Identifiers") -> "Identifiers":
        if other is NOTHING:
            return self
        if self is NOTHING:
            return other
        return Identifiers(
            self.words | other.words, self.dates | other.dates, self.uids | other.uids, self.short | other.short
        )

    def __bool__(self) -> bool:
        return bool(self.words or self.dates or self.uids or self.short)


NOTHING: Final = Identifiers()

_KINDS: Final[dict[int, Kind]] = {
    # A name is one, whatever VR its writer gave it.
    **{tag: Kind.NAME for tag, vr in VRS.items() if vr == b"PN"},
    0x00100030: Kind.BIRTH_DATE,
    **dict.fromkeys(
        (
            0x00100020,  # PatientID
            0x00100033,  # PatientBirthDateInAlternativeCalendar
            0x00101000,  # OtherPatientIDs
            0x00101050,  # InsurancePlanIdentification
            0x00101090,  # MedicalRecordLocator
            0x00102295,  # BreedRegistrationNumber
            0x00120040,  # ClinicalTrialSubjectID
            0x00120042,  # ClinicalTrialSubjectReadingID
        ),
        Kind.IDENTIFIER,
    ),
    **dict.fromkeys(
        (
            0x00080050,  # AccessionNumber
            0x00080094,  # ReferringPhysicianTelephoneNumbers
            0x00102154,  # PatientTelephoneNumbers
            0x00102155,  # PatientTelecomInformation
            0x00200010,  # StudyID
            0x00380010,  # AdmissionID
            0x00380060,  # ServiceEpisodeID
            0x00400009,  # ScheduledProcedureStepID
            0x00400253,  # PerformedProcedureStepID
            0x0040050A,  # SpecimenAccessionNumber
            0x00400512,  # ContainerIdentifier
            0x00400551,  # SpecimenIdentifier
            0x004006FA,  # SlideIdentifier
            0x00401001,  # RequestedProcedureID
            0x00401006,  # PlacerOrderNumberProcedure
            0x00401007,  # FillerOrderNumberProcedure
            0x00401103,  # PersonTelephoneNumbers
            0x00401104,  # PersonTelecomInformation
            0x00402006,  # PlacerOrderNumberImagingServiceRequestRetired
            0x00402007,  # FillerOrderNumberImagingServiceRequestRetired
            0x00402010,  # OrderCallbackPhoneNumber
            0x00402011,  # OrderCallbackTelecomInformation
            0x00402016,  # PlacerOrderNumberImagingServiceRequest
            0x00402017,  # FillerOrderNumberImagingServiceRequest
            0x0040A354,  # TelephoneNumberTrial
        ),
        Kind.NUMBER,
    ),
    **dict.fromkeys(
        (
            0x00080092,  # ReferringPhysicianAddress
            0x00101040,  # PatientAddress
            0x00401102,  # PersonAddress
            0x0040A353,  # AddressTrial
            0x4008011A,  # DistributionAddress
        ),
        Kind.ADDRESS,
    ),
}

# They stand where a name or number should, and say nothing of anybody.
# fmt: off
_EMPTY_WORDS: Final = frozenset({
    "anon", "anonym", "anonymous", "anonymized", "anonymised", "anonymisiert", "available", "deidentified",
    "doctor", "dipl", "dummy", "firstname", "frau", "herr", "ignore", "lastname", "miss", "name", "none",
    "noname", "null", "other", "patient", "phantom", "privat", "prof", "professor", "pseudonym", "quality",
    "removed", "secret", "subject", "test", "testpatient", "unbekannt", "undefined", "undisclosed", "unknown",
    "unnamed", "unspecified", "void",
})
# fmt: on
# Stand-ins for a date that nobody knew; the first is also what a date becomes that is replaced.
_EMPTY_DATES: Final = frozenset({dt.date(1900, 1, 1), dt.date(1, 1, 1)})

# Between two words, and where a character could not be decoded.
_BETWEEN_WORDS = re.compile(r"[\s,;^\ufffd]+")
_LINES = re.compile(r"[\r\n\f^,;]+")
_PADDING = " \0\t\r\n\f"
_DIGIT = re.compile(r"[0-9]")
_EIGHT_DIGITS = re.compile(r"[0-9]{8}")


def kind_of(tag: int, vr: bytes) -> Kind | None:
    """What an attribute says of a person; None where it names nobody by itself."""
    return Kind.NAME if vr == b"PN" else _KINDS.get(tag)


def identifiers_in(kind: Kind, value: str) -> Identifiers:
    """The identifiers of a decoded value, of all its values and component groups. Never raises.

    UTF-8 that was read as Latin-1, which undeclared character sets are, is read again as what it is.
    """
    found = _read(kind, value)
    meant = _read_again(value)
    return found if meant is None else found | _read(kind, meant)


def _read_again(value: str) -> str | None:
    if value.isascii():
        return None
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None


def _read(kind: Kind, value: str) -> Identifiers:
    match kind:
        case Kind.NAME:
            return _of_names(value)
        case Kind.BIRTH_DATE:
            dates = (_date(one) for one in value.split("\\"))
            return _gathered(dates=frozenset(date for date in dates if date is not None) - _EMPTY_DATES)
        case Kind.ADDRESS:
            return _gathered(words=frozenset(filter(_is_telling, _address_lines(value))))
        case Kind.NUMBER:
            words = (word for word in _numbers(value) if _DIGIT.search(word))
            return _gathered(words=frozenset(filter(_is_telling, words)))
        case Kind.IDENTIFIER:
            return _gathered(words=frozenset(filter(_is_telling, _numbers(value))))


def _gathered(
    words: frozenset[str] = frozenset(),
    dates: frozenset[dt.date] = frozenset(),
    short: frozenset[str] = frozenset(),
) -> Identifiers:
    return Identifiers(words=words, dates=dates, short=short) if words or dates or short else NOTHING


def _of_names(value: str) -> Identifiers:
    words: set[str] = set()
    short: set[str] = set()
    for name in value.split("\\"):
        for group in name.split("="):
            components = [component.strip(_PADDING).lower() for component in group.split("^")]
            for part in _parts(components):
                if _is_telling(part):
                    words.add(part[:LONGEST])
                elif len(part) > 1 and any(map(str.isalpha, part)) and part not in _EMPTY_WORDS:
                    short.add(part)
            words.update(_joined(components))
    return _gathered(words=frozenset(words), short=frozenset(short))


def _parts(components: list[str]) -> Iterator[str]:
    """Words of a name, those with a hyphen whole and in their halves."""
    for component in components:
        for word in _BETWEEN_WORDS.split(component):
            stripped = word.strip(".()[]\"'*")
            yield stripped
            if "-" in stripped:
                yield from stripped.split("-")


def _joined(components: list[str]) -> Iterator[str]:
    """A short family name is told from other words only beside the given one: `li^wei`, `wei li`, `洪吉洞`."""
    family, given = (*components, "", "")[:2]
    if not family or not given or _is_telling(family) or {family, given} & _EMPTY_WORDS:
        return
    if not any(map(str.isalnum, family + given)):  # dashes in the place of a name
        return
    for between in ("^", " ", ", ", ",", "_", "-"):
        yield f"{family}{between}{given}"[:LONGEST]
    for between in (" ", "_", "-"):
        yield f"{given}{between}{family}"[:LONGEST]
    if _is_telling(family + given) and (_shortest(family + given) < SHORTEST or len(family + given) > SHORTEST):
        yield (family + given)[:LONGEST]


def _numbers(value: str) -> Iterator[str]:
    """Each value as it stands, and without the zeros that other systems pad it with."""
    for one in re.split(r"[\\\r\n\f]", value):
        word = one.strip(_PADDING).lower()[:LONGEST]
        yield word
        significant = word.lstrip("0")
        if significant.isdecimal() and len(significant) >= _SHORTEST_NUMBER:
            yield significant


def _address_lines(value: str) -> Iterator[str]:
    """The whole, and of its lines those with letters and digits: a town alone names nobody."""
    for address in value.split("\\"):
        lines = [line.strip(_PADDING).lower()[:LONGEST] for line in _LINES.split(address)]
        if len(lines) > 1:
            yield address.strip(_PADDING).lower()[:LONGEST]
        for line in lines:
            if _DIGIT.search(line) and any(map(str.isalpha, line)):
                yield line


def _is_telling(word: str) -> bool:
    return (
        len(word) >= _shortest(word) and word not in _EMPTY_WORDS and len(set(word)) > 1 and any(map(str.isalnum, word))
    )


def _shortest(word: str) -> int:
    """Names of two characters are whole names in Chinese, Japanese and Korean; of three in other scripts than Latin."""
    if not word or word.isascii():
        return SHORTEST
    first = min(map(ord, word))
    return 2 if first >= _EAST_ASIAN else 3 if first >= _GREEK else SHORTEST


def _date(value: str) -> dt.date | None:
    """A date in today's or ACR-NEMA's form."""
    digits = value.strip(_PADDING).replace(".", "").replace("-", "")[:8]
    if not _EIGHT_DIGITS.fullmatch(digits):
        return None
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
