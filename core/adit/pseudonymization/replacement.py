"""Stand-ins for what a rule replaces by a dummy: names and addresses from dicognito, constants for all else.

One per patient, made when first asked. dicognito never sees an original, only a hash of it under the patient's key.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from dicognito.anonymizer import Anonymizer
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

from adit.pseudonymization.patient import PADDING, keyed, normalised_name

# Tag → the element that dicognito is asked for, the one that it answers in, and the most characters (PS3.5 6.2).
_NAME = ("PatientName", "PatientName", 64)
_STREET = ("PatientAddress", "PatientAddress", 64)
_BY_TAG = {
    0x00080080: ("InstitutionName", "InstitutionName", 64),
    0x00080081: ("InstitutionName", "InstitutionAddress", 1024),
    0x00081040: ("InstitutionalDepartmentName", "InstitutionalDepartmentName", 64),
    0x00080092: _STREET,  # ReferringPhysicianAddress
    0x00080096: _STREET,  # in ReferringPhysicianIdentificationSequence and the like
    0x00101040: _STREET,  # PatientAddress
    0x00102150: ("CountryOfResidence", "CountryOfResidence", 64),
    0x00102152: ("RegionOfResidence", "RegionOfResidence", 64),
    0x00401102: _STREET,  # PersonAddress
}
_LENGTH = {b"SH": 16, b"LO": 64}

# The first that does not hold the original; whatever that is, one of each row does not.
_TEXT = ("REMOVED", "X")
_CONSTANTS = {
    **dict.fromkeys((b"AE", b"CS", b"LO", b"LT", b"PN", b"SH", b"ST", b"UC", b"UT"), _TEXT),
    b"DA": ("19000101", "19111111", "20000202"),
    b"DT": ("19000101000000", "19111111111111", "20000202000000"),
    b"TM": ("000000", "111111"),
    b"AS": ("000Y", "111M"),
    b"IS": ("0", "1"),
    b"DS": ("0", "1"),
    b"UR": ("https://removed.invalid", "X"),
}
_FREE_TEXT = frozenset({b"LO", b"LT", b"SH", b"ST", b"UC", b"UT"})
_TRIES = 16
_VALUES_KEPT = 1024
# Beyond this, two originals may share a stand-in.
_LONGEST = 1024


class Replacements:
    """The stand-ins of one patient: the same original always gets the same one. Safe to share between threads."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._anonymizer = Anonymizer(seed=keyed(key, "dicognito").hex())
        self._made = lru_cache(maxsize=_VALUES_KEPT)(self._make)

    def dummy(self, tag: int, vr: bytes, original: str) -> str | None:
        """An ASCII value of the VR that does not contain the original; None for UI and binary VRs.

        Names are compared as normalised names, other text without regard to case and padding. The caller maps UI by its
        keyring, and writes zeros for binary values.
        """
        constants = _CONSTANTS.get(vr)
        if constants is None:
            return None
        source = _NAME if vr == b"PN" else _BY_TAG.get(tag) if vr in _FREE_TEXT else None
        if source is None:
            return _first_without(original, constants)
        cut = original[:_LONGEST]
        same = normalised_name(cut) if vr == b"PN" else " ".join(cut.replace("\0", " ").casefold().split())
        made = self._made(source, same)
        if made is None or _holds(made, original):
            return _first_without(original, constants)
        return made[: _LENGTH.get(vr, source[2])].rstrip()

    def _make(self, source: tuple[str, str, int], original: str) -> str | None:
        """What dicognito makes of the original's hash; tried again where it has a word of the original in it."""
        if not original:
            return None
        for candidate in self._candidates(source[:2], original):
            if not _shares_word(candidate, original):
                return candidate
        return None

    def _candidates(self, source: tuple[str, str], original: str) -> Iterator[str]:
        asked, answered = source
        for attempt in range(_TRIES):
            elements = Dataset()
            elements.file_meta = FileMetaDataset()  # dicognito walks it
            setattr(elements, asked, keyed(self._key, asked, original, str(attempt)).hex())
            self._anonymizer.anonymize(elements)
            yield str(elements[answered].value)


def _first_without(original: str, constants: tuple[str, ...]) -> str:
    return next(constant for constant in constants if not _holds(constant, original))


def _holds(candidate: str, original: str) -> bool:
    hidden = original.strip(PADDING).casefold()
    return bool(hidden) and hidden in candidate.casefold()


def _shares_word(candidate: str, original: str) -> bool:
    words = set(_WORD(candidate.casefold()))
    return any(word in words for word in _WORD(original))


_WORD: Callable[[str], list[str]] = re.compile(r"\w+").findall
