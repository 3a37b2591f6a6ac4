"""Clearly fictional patients, one for each character set that matters, and the seeded UIDs of what is made for them."""

import hashlib
from dataclasses import dataclass
from typing import Final

from pydicom.uid import PYDICOM_ROOT_UID

_DIGITS: Final = 10**24


def uid(*parts: object) -> str:
    """A UID under pydicom's root that depends on `parts` alone."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return f"{PYDICOM_ROOT_UID}7.{10**23 + int.from_bytes(digest[:12], 'big') % (_DIGITS - 10**23)}"


@dataclass(frozen=True, slots=True)
class Patient:
    """A fictional patient; `specific_character_set` is the value of (0008,0005), one entry for each code extension."""

    patient_id: str
    name: str
    birth_date: str = "19700101"
    sex: str = "O"
    specific_character_set: tuple[str, ...] = ("ISO_IR 100",)


PLAIN: Final = Patient("SYN-0001", "Sample^Paul", "19610512", "M", ())
UMLAUT: Final = Patient("SYN-0002", "Müßterfräu^Jördis^Änne", "19750923", "F", ("ISO_IR 100",))
GREEK: Final = Patient("SYN-0003", "Δοκιμή^Διονυσία", "19830304", "F", ("ISO_IR 126",))
JAPANESE: Final = Patient("SYN-0004", "Mihon^Tarou=見本^太郎=みほん^たろう", "19560730", "M", ("", "ISO 2022 IR 87"))
UTF8: Final = Patient("SYN-0005", "Örnek^Şükrü=样本^病人", "19991231", "M", ("ISO_IR 192",))
CYRILLIC: Final = Patient("SYN-0006", "Образцова^Пробная", "19440208", "F", ("ISO_IR 144",))
SUFFIXES: Final = Patient("SYN-0007", "Example^Eve^Anna^Dr.^III", "20101010", "F", ("ISO_IR 100",))
ACCENTS: Final = Patient("SYN-0008", "Échantillon^Zoë", "19880817", "F", ("ISO_IR 100",))

PATIENTS: Final = (PLAIN, UMLAUT, GREEK, JAPANESE, UTF8, CYRILLIC, SUFFIXES, ACCENTS)
