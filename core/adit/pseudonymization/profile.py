"""Profiles: what is done to a header before it may leave; v1 has one, built in."""

import hashlib
import json
from dataclasses import dataclass

ADIT_COMPATIBLE = "adit-compatible"


@dataclass(frozen=True, slots=True)
class Profile:
    """A named, hashed way of de-identifying; where `requirePseudonymization` holds it must be `fit_for_patients`."""

    name: str
    version: int
    fit_for_patients: bool

    @property
    def hash(self) -> str:
        """SHA-256 over everything that decides what it does."""
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()

    def document(self) -> dict[str, object]:
        """The JSON form that is rendered for the runner."""
        return {"name": self.name, "version": self.version, "fitForPatients": self.fit_for_patients}


BUILT_IN: dict[str, Profile] = {ADIT_COMPATIBLE: Profile(ADIT_COMPATIBLE, version=1, fit_for_patients=False)}
