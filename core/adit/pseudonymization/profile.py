"""Profiles: what is done to an instance before it may leave, as a named and hashed value; two are built in."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ValidationError

from adit.api.pseudonymization_profile import Override, PseudonymizationProfileSpec
from adit.errors import BadInput

BASIC, ADIT_COMPATIBLE = "basic", "adit-compatible"

# Counts up with every change of what a profile does to data: one hash never stands for two results.
ENGINE = 2


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile under its name; its hash covers everything that decides what it does."""

    name: str
    spec: PseudonymizationProfileSpec

    @property
    def hash(self) -> str:
        """SHA-256 of the document, in hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()

    def document(self) -> dict[str, Any]:
        """The JSON form that is rendered for the runner."""
        return {"name": self.name, "engine": ENGINE, "spec": self.spec.manifest()}

    @classmethod
    def of(cls, document: Any) -> Self:
        """Read the JSON form. Raises BadInput where it is another engine's, or no profile."""
        if not isinstance(document, dict) or document.get("engine") != ENGINE:
            raise BadInput("the profile was written for another version of the program", reason="ProfileUnknown")
        try:
            return cls(str(document.get("name", "")), PseudonymizationProfileSpec.of(document.get("spec")))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadInput(f"no profile: {where}: {first['msg']}", reason="ProfileUnknown") from error


# What ADIT keeps: dates and times of the examination.
_KEPT = (
    ("00080020", "StudyDate"),
    ("00080021", "SeriesDate"),
    ("00080022", "AcquisitionDate"),
    ("00080023", "ContentDate"),
    ("0008002A", "AcquisitionDateTime"),
    ("00080030", "StudyTime"),
    ("00080031", "SeriesTime"),
    ("00080032", "AcquisitionTime"),
    ("00080033", "ContentTime"),
    ("00189151", "FrameReferenceDateTime"),
)
_BIRTH_DATE = Override(tag="00100030", action="ShiftDate")

BUILT_IN: dict[str, Profile] = {
    BASIC: Profile(BASIC, PseudonymizationProfileSpec()),
    ADIT_COMPATIBLE: Profile(
        ADIT_COMPATIBLE,
        PseudonymizationProfileSpec(
            options=("RetainPatientCharacteristics", "CleanDescriptors"),
            overrides=(*(Override(tag=tag, action="Keep") for tag, _ in _KEPT), _BIRTH_DATE),
        ),
    ),
}
