"""DICOM JSON (PS3.18 Annex F) of a QIDO-RS answer as a Dataset, surviving whatever a server puts there."""

from collections.abc import Mapping
from typing import Any

from pydicom import Dataset, config
from pydicom.dataelem import DataElement

_TEXT = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})
_NUMBER = frozenset({"FD", "FL", "IS", "DS", "SL", "SS", "SV", "UL", "US", "UV"})
_COMPONENTS = ("Alphabetic", "Ideographic", "Phonetic")
_TAG_LENGTH = 8
_CHARACTER_SET = "00080005"


def dataset_of(row: Mapping[str, Any]) -> Dataset:
    """The names, texts and numbers of one answer; JSON is UTF-8, whatever (0008,0005) says of the stored object.

    An element that cannot be read is missing, as if the server had not returned it; sequences and bulk data, which no
    query of ours asks for, are left out.
    """
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for tag, entry in row.items():
        if tag != _CHARACTER_SET and (element := _element(tag, entry)) is not None:
            dataset[element.tag] = element
    return dataset


def _element(tag: str, entry: object) -> DataElement | None:
    match entry:
        case {"vr": str(vr), "Value": list(values)}:
            pass
        case {"vr": str(vr)}:
            values = []
        case _:
            return None
    if len(tag) != _TAG_LENGTH:
        return None
    try:
        number = int(tag, 16)
        if vr == "PN":
            read: list[Any] = [_name(value) for value in values]
        elif vr in _TEXT:
            read = ["" if value is None else str(value) for value in values]
        elif vr in _NUMBER:
            read = [_number(vr, value) for value in values if value is not None]
        else:
            return None
        content = read[0] if len(read) == 1 else read or None
        return DataElement(number, vr, content, validation_mode=config.IGNORE)
    except (ValueError, TypeError, OverflowError):
        return None


def _name(value: object) -> str:
    """A person name as its component groups; a server that sends a plain string means the alphabetic one."""
    if isinstance(value, Mapping):
        return "=".join(str(value.get(component) or "") for component in _COMPONENTS).rstrip("=")
    return "" if value is None else str(value)


def _number(vr: str, value: object) -> Any:
    if vr in ("IS", "DS"):
        return str(value)
    return float(str(value)) if vr in ("FD", "FL") else int(str(value))
