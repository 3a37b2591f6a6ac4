"""ADIT's folder layout: what values become which names, safe as a single part of a path on any file system."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from adit.connectors.folder.identity import Identity
from adit.transfer.placement import Placement

MAX_PART_BYTES = 255
UNDEFINED = "Undefined"
DEFAULT = "default"
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f]')
_DATE_LENGTH, _TIME_LENGTH = 8, 6
_HASH_LENGTH = 8
_SUFFIX_BYTES = _HASH_LENGTH + 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where one instance goes, below the root of the folder."""

    job: str
    patient: str
    study: str
    series: str
    file: str

    @property
    def study_path(self) -> tuple[str, str, str]:
        return self.job, self.patient, self.study


def place_of(identity: Identity, placement: Placement, sop_instance_uid: str) -> Place:
    """<job folder>/<PatientID>/<date>-<time>-<modalities>/<number>-<description>/<SOP Instance UID>.dcm.

    A study that has neither date nor time, as after de-identification, is told from others by a hash of its UID.
    """
    modalities = ",".join(sorted(set(placement.modalities))) or UNDEFINED
    date = _digits(identity.study_date)[:_DATE_LENGTH] or UNDEFINED
    time = _digits(identity.study_time.partition(".")[0])[:_TIME_LENGTH]
    when = f"{date}-{time.ljust(_TIME_LENGTH, '0') if time else UNDEFINED}"
    if date == UNDEFINED and not time and identity.study_instance_uid:
        when = f"{UNDEFINED}-{short_hash(identity.study_instance_uid)}"
    description = identity.series_description.strip() or UNDEFINED
    number = identity.series_number.strip()
    return Place(
        job=safe_part(placement.job_folder),
        patient=safe_part(identity.patient_id),
        study=safe_part(f"{when}-{modalities}"),
        series=safe_part(f"{number}-{description}" if number else identity.series_instance_uid, spare=_SUFFIX_BYTES),
        file=f"{sop_instance_uid}.dcm",
    )


def safe_part(value: str, *, spare: int = 0) -> str:
    """A name that stays one name: no separator, no device character, no dot in front, at most 255 bytes of UTF-8.

    One that is too long is cut and ends in a hash of all of it, so that two do not become one. `spare` leaves room.
    """
    encodable = unicodedata.normalize("NFC", value).encode("utf-8", "replace").decode()
    text = _FORBIDDEN.sub("_", encodable).strip()
    dots = len(text) - len(text.lstrip("."))
    text = "_" * dots + text[dots:]
    if not text:
        return DEFAULT
    limit = MAX_PART_BYTES - spare
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - _SUFFIX_BYTES].decode("utf-8", "ignore") + "-" + short_hash(value)


def with_hash(name: str, series_instance_uid: str) -> str:
    """The name of a second series that would be called like the first."""
    return f"{name}-{short_hash(series_instance_uid)}"


def short_hash(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:_HASH_LENGTH]


def _digits(value: str) -> str:
    """Without the separators that ACR-NEMA had in dates and times."""
    return "".join(character for character in value if character in "0123456789")
