"""What may be done to one attribute: the vocabulary between rules and rewriting."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """One action; PS3.15 Table E.1-1a's letters are X, Z, D, K, C and U, in that order of the first six here.

    On a sequence KEEP goes into the items by the ordinary rules, EMPTY leaves none, DUMMY and CLEAN keep the structure:
    DUMMY replaces every value in it, CLEAN every text.
    """

    REMOVE = "Remove"
    EMPTY = "Empty"
    DUMMY = "Dummy"
    KEEP = "Keep"
    CLEAN = "Clean"
    MAP_UID = "MapUid"
    SHIFT_DATE = "ShiftDate"
    SET = "Set"


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """An action, and the value with SET."""

    action: Action
    value: str = ""
