"""A Query as the identifier of a C-FIND or the parameters of a QIDO: matching keys, and the keys always asked back."""

from pydicom import Dataset

from adit.query import Level, Query

PATIENT_KEYS = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
# Per level, besides the unique keys of the levels above: what ADIT shows, and what matching.py filters by.
RETURN_KEYS: dict[Level, tuple[str, ...]] = {
    Level.PATIENT: (*PATIENT_KEYS, "NumberOfPatientRelatedStudies"),
    Level.STUDY: (
        *PATIENT_KEYS,
        "StudyInstanceUID",
        "StudyID",
        "AccessionNumber",
        "StudyDate",
        "StudyTime",
        "StudyDescription",
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ),
    Level.SERIES: (
        "PatientID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SeriesDescription",
        "SeriesNumber",
        "Modality",
        "NumberOfSeriesRelatedInstances",
    ),
    Level.IMAGE: (
        "PatientID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "SOPClassUID",
        "InstanceNumber",
        "InstanceAvailability",
    ),
}
# Query field → keyword. Which of them a level may match by follows from RETURN_KEYS.
MATCHING_KEYS = {
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "patient_birth_date": "PatientBirthDate",
    "study_instance_uid": "StudyInstanceUID",
    "series_instance_uid": "SeriesInstanceUID",
    "sop_instance_uid": "SOPInstanceUID",
    "accession_number": "AccessionNumber",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "study_description": "StudyDescription",
    "series_description": "SeriesDescription",
}


def matching_keys(query: Query) -> dict[str, str]:
    """Keyword → value of what the peer is asked to match by, at the query's level.

    SeriesNumber is left to matching.py (a peer that compares text finds no "01" for 1); so are several modalities,
    since a list of values is defined for UIDs only (PS3.4 C.2.2.2.2).
    """
    wanted = {MATCHING_KEYS[field]: getattr(query, field) for field in MATCHING_KEYS if getattr(query, field)}
    if len(query.modalities) == 1:
        wanted["ModalitiesInStudy" if query.level is Level.STUDY else "Modality"] = query.modalities[0]
    allowed = RETURN_KEYS[query.level]
    return {keyword: value for keyword, value in wanted.items() if keyword in allowed}


def query_dataset(query: Query, level: Level | None = None) -> Dataset:
    """The identifier of a C-FIND: matching keys with their values, return keys empty.

    `level` asks at another level than the query's own, as a study-root peer is asked for its patients by their studies.
    """
    level = level or query.level
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level.value
    for keyword in RETURN_KEYS[query.level] if level is query.level else RETURN_KEYS[level]:
        setattr(identifier, keyword, None)
    for keyword, value in matching_keys(query).items():
        setattr(identifier, keyword, value)
    return identifier
