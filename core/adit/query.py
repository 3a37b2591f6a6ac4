"""What to look for in a PACS: one immutable query, whatever protocol carries it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """The information model levels of PS3.4 C.6."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


@dataclass(frozen=True, slots=True)
class Query:
    """Matching keys and what to return; an empty value matches everything.

    `study_date` is a DICOM date or range (20240101-20240131). Name, ids and descriptions may hold * and ? wildcards
    where DICOM allows them. `modalities` matches any of the listed: ModalitiesInStudy at STUDY level, Modality at
    SERIES level. `limit` ends the search after that many answers; None means all.
    """

    level: Level
    patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    accession_number: str = ""
    study_date: str = ""
    study_time: str = ""
    study_description: str = ""
    series_description: str = ""
    series_number: str = ""
    modalities: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What to fetch: a study, or some of its series (all instances of each).

    `instances` per series narrows it to named instances, for asking again for what did not arrive.
    """

    patient_id: str
    study_instance_uid: str
    series_instance_uids: tuple[str, ...] = ()
    sop_instance_uids: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())
