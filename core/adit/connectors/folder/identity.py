"""Who an instance says it is, in text: what names its folders, and what a query of a folder is answered with."""

from dataclasses import dataclass, fields
from typing import Self

from pydicom import Dataset, config
from pydicom.charset import decode_bytes, python_encoding
from pydicom.dataelem import DataElement

from adit.connectors.folder.head import CHARACTER_SET, head_values
from adit.transfer.instance import Instance

_ELEMENTS = {
    "sop_class_uid": (0x00080016, "UI"),
    "sop_instance_uid": (0x00080018, "UI"),
    "study_date": (0x00080020, "DA"),
    "study_time": (0x00080030, "TM"),
    "accession_number": (0x00080050, "SH"),
    "modality": (0x00080060, "CS"),
    "study_description": (0x00081030, "LO"),
    "series_description": (0x0008103E, "LO"),
    "patient_name": (0x00100010, "PN"),
    "patient_id": (0x00100020, "LO"),
    "patient_birth_date": (0x00100030, "DA"),
    "study_instance_uid": (0x0020000D, "UI"),
    "series_instance_uid": (0x0020000E, "UI"),
    "series_number": (0x00200011, "IS"),
}
_WANTED = frozenset({CHARACTER_SET, *(tag for tag, _ in _ELEMENTS.values())})
_IN_CHARACTER_SET = frozenset({"SH", "LO", "PN"})
_ESCAPE = b"\x1b"
# ^ and = part a person name; code extensions end at them (PS3.5 §6.1.2.5.3).
_DELIMITERS = {0x5E, 0x3D}


@dataclass(frozen=True, slots=True)
class Identity:
    """The values, decoded and without padding; empty where the instance does not say."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_date: str = ""
    study_time: str = ""
    accession_number: str = ""
    modality: str = ""
    study_description: str = ""
    series_description: str = ""
    patient_name: str = ""
    patient_id: str = ""
    patient_birth_date: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    series_number: str = ""

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """Read from the head of the instance. Raises UnreadableHead, OSError, EOFError."""
        values = head_values(instance, _WANTED)
        names = values.get(CHARACTER_SET, b"").decode("latin-1").split("\\")
        return cls(
            **{
                field: _text(values.get(tag, b""), names if vr in _IN_CHARACTER_SET else [""])
                for field, (tag, vr) in _ELEMENTS.items()
            }
        )

    def elements(self) -> Dataset:
        """The values that are there, as the elements of an answer."""
        answer = Dataset()
        answer.SpecificCharacterSet = "ISO_IR 192"
        for one in fields(self):
            if value := getattr(self, one.name):
                tag, vr = _ELEMENTS[one.name]
                try:
                    answer[tag] = DataElement(tag, vr, value, validation_mode=config.IGNORE)
                except ValueError:
                    continue  # a series number that is none
        return answer


def _text(raw: bytes, character_sets: list[str]) -> str:
    """Decode as the data set says (PS3.5 §6.1), with replacement characters where it does not keep to that."""
    known = [python_encoding[name.strip()] for name in character_sets if name.strip() in python_encoding]
    encodings = known or ["latin-1"]
    try:
        text = decode_bytes(raw, encodings, _DELIMITERS) if _ESCAPE in raw else raw.decode(encodings[0], "replace")
    except (UnicodeError, LookupError, UserWarning):
        text = raw.decode("latin-1")
    return text.strip(" \0")
