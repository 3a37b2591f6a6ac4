"""The keyring: everything that a project key decides, the same in every process, pod, retry and job of that key.

Between the key and the rewriter: it answers new UIDs, the patient that an instance is about, and derived pseudonyms.
One key for each purpose is derived from the project key, so that what is made for one tells nothing of another.
"""

import base64
import hmac
import re
from functools import lru_cache

from adit.api.pseudonymization_profile import DateShift
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.patient import PADDING, Patient, PatientIdentity, keyed, normalised_id, utf8

UUID_ROOT = "2.25"
LONGEST_UID = 64  # PS3.5 9.1
PSEUDONYM_LENGTH = 12

# UIDs of the standard mean the same everywhere; with anything but digits behind the root it is none of them.
_OF_THE_STANDARD = re.compile(r"1\.2\.840\.10008(\.[0-9]+)*")
# RFC 9562: version 8 (made by the maker's own rule), variant 10.
_UUID_FREE = ~((0xF << 76) | (0b11 << 62))
_UUID_VERSION = (8 << 76) | (0b10 << 62)
# A series has a few UIDs again and again and one per instance that is asked for two or three times.
_UIDS_KEPT = 8192
_PATIENTS_KEPT = 128


class Keyring:
    """Derives from one project key. Safe to share between threads."""

    def __init__(self, key: ProjectKey, *, uid_root: str = UUID_ROOT, date_shift: DateShift = DateShift()) -> None:  # noqa: B008 -- frozen
        self._root = uid_root
        self._digits = LONGEST_UID - len(uid_root) - 1
        self._uid_mac = hmac.new(key.derive("uid"), digestmod="sha256")
        self._patient_key = key.derive("patient")
        self._pseudonym_key = key.derive("pseudonym")
        self._shift = date_shift
        self._uids = lru_cache(maxsize=_UIDS_KEPT)(self._new_uid)
        self._patients = lru_cache(maxsize=_PATIENTS_KEPT)(self._new_patient)

    def uid(self, original: str) -> str:
        """The new UID for one UID; UIDs of the standard (1.2.840.10008) stay, "" stays.

        With the root 2.25 it is a UUID (PS3.5 B.2); with another, the root and as many digits as 64 characters hold.
        The project's key alone decides, not the patient: references hold after two patients were merged.
        """
        return self._uids(original) if len(original) <= LONGEST_UID + 2 else self._new_uid(original)

    def patient(self, identity: PatientIdentity) -> Patient:
        """The patient that the identity means."""
        return self._patients(identity)

    def derived_pseudonym(self, issuer: str, patient_id: str, job_uid: str = "") -> str:
        """12 characters A-Z and 2-7 for a patient; another in each job where `job_uid` is given.

        60 bits: among 10,000 patients two share one with a probability of 1 : 2·10¹⁰, among a million 1 : 2·10⁶;
        whoever hands pseudonyms out compares them all the same. An empty `patient_id` means nobody: ValueError.
        """
        if not normalised_id(patient_id):
            raise ValueError("a pseudonym is derived from a patient ID, this one is empty")
        mac = keyed(self._pseudonym_key, normalised_id(issuer), normalised_id(patient_id), job_uid)
        return base64.b32encode(mac).decode()[:PSEUDONYM_LENGTH]

    def _new_uid(self, original: str) -> str:
        text = original.strip(PADDING)
        if not text:
            return ""
        if text.startswith("1.2.840.10008") and len(text) <= LONGEST_UID and _OF_THE_STANDARD.fullmatch(text):
            return text
        mac = self._uid_mac.copy()
        mac.update(utf8(text))
        if self._root == UUID_ROOT:
            number = int.from_bytes(mac.digest()[:16], "big")
            return f"{UUID_ROOT}.{number & _UUID_FREE | _UUID_VERSION}"
        return f"{self._root}.{int.from_bytes(mac.digest(), 'big') % 10**self._digits}"

    def _new_patient(self, identity: PatientIdentity) -> Patient:
        key = keyed(self._patient_key, *identity.fields())
        return Patient(key, _days(keyed(key, "shift"), self._shift))


def _days(mac: bytes, shift: DateShift) -> int:
    """A number of days in the range, negative; 256 bits over a few thousand days leave no bias that matters."""
    step = 7 if shift.whole_weeks else 1
    least, most = -(-shift.min_days // step), shift.max_days // step
    return -step * (least + int.from_bytes(mac, "big") % (most - least + 1))
