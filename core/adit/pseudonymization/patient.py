"""Whom an instance is about, as far as the rules need it: one key, one shift of dates, one source of replacements.

Made by the keyring from what the instance says of its patient; everything here follows from the project key alone.
"""

import hmac
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the operator works without dicognito
    from adit.pseudonymization.replacement import Replacements

PADDING = "\0 "


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """What an instance says of its patient: IssuerOfPatientID, PatientID, PatientName and PatientBirthDate, decoded."""

    issuer: str = field(default="", repr=False)
    patient_id: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)

    def fields(self) -> tuple[str, ...]:
        """What makes two identities one patient: issuer and ID, or name and birth date where there is no ID."""
        if patient_id := normalised_id(self.patient_id):
            return ("id", normalised_id(self.issuer), patient_id)
        return ("name", normalised_name(self.name), normalised_id(self.birth_date))


@dataclass(frozen=True)
class Patient:
    """A patient under one project key.

    `days` is how far dates move: negative, whole days, the same for all of the patient's dates.
    """

    key: bytes = field(repr=False)
    days: int = field(repr=False)

    @cached_property
    def replacements(self) -> "Replacements":
        """Stand-ins for names, addresses and other values, made when they are first asked for."""
        from adit.pseudonymization.replacement import Replacements  # noqa: PLC0415 -- loads dicognito

        return Replacements(keyed(self.key, "replacements"))


def normalised_id(text: str) -> str:
    """An ID without its padding and without regard to case."""
    return text.strip(PADDING).casefold()


def normalised_name(name: str) -> str:
    """A person's name without regard to case, padding and empty components: `SMITH^JOHN^` is `Smith^John`.

    Of alphabetic, ideographic and phonetic group (PS3.5 6.2.1) the first that says anything counts: not every instance
    of a patient has all three.
    """
    for group in name.split("="):
        components = [" ".join(component.replace("\0", " ").split()) for component in group.casefold().split("^")]
        while components and not components[-1]:
            components.pop()
        if components:
            return "^".join(components)
    return ""


def keyed(key: bytes, *fields: str) -> bytes:
    """HMAC-SHA-256 over fields, each behind its length: ("ab", "c") and ("a", "bc") never meet."""
    message = bytearray()
    for text in fields:
        encoded = utf8(text)
        message += len(encoded).to_bytes(4, "big") + encoded
    return hmac.digest(key, message, "sha256")


def utf8(text: str) -> bytes:
    """UTF-8, also of lone surrogates: that is how bytes without a meaning in the declared charset are decoded."""
    return text.encode("utf-8", "surrogatepass")
