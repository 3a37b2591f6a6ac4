"""The attributes that the loopback PACS indexes, by the level at which a C-FIND may use them (PS3.4, C.6)."""

from typing import Final

from pydicom.datadict import dictionary_VR, tag_for_keyword

CHARACTER_SET: Final = 0x00080005
PATIENT_ID: Final = 0x00100020
STUDY_UID: Final = 0x0020000D
SERIES_UID: Final = 0x0020000E
SOP_CLASS_UID: Final = 0x00080016
SOP_INSTANCE_UID: Final = 0x00080018
STUDY_DATE: Final = 0x00080020
MODALITY: Final = 0x00080060
LEVEL: Final = 0x00080052
RETRIEVE_AE_TITLE: Final = 0x00080054
AVAILABILITY: Final = 0x00080056
MODALITIES_IN_STUDY: Final = 0x00080061
SOP_CLASSES_IN_STUDY: Final = 0x00080062
FAILED_UIDS: Final = 0x00080058
PATIENT_STUDIES, PATIENT_SERIES, PATIENT_INSTANCES = 0x00201200, 0x00201202, 0x00201204
STUDY_SERIES, STUDY_INSTANCES, SERIES_INSTANCES = 0x00201206, 0x00201208, 0x00201209

LEVELS: Final = ("PATIENT", "STUDY", "SERIES", "IMAGE")
UNIQUE_KEY: Final = {"PATIENT": PATIENT_ID, "STUDY": STUDY_UID, "SERIES": SERIES_UID, "IMAGE": SOP_INSTANCE_UID}

_KEYWORDS: Final = {
    "PATIENT": (
        "PatientName PatientID IssuerOfPatientID PatientBirthDate PatientBirthTime PatientSex OtherPatientIDs"
        " EthnicGroup PatientComments"
    ),
    "STUDY": (
        "StudyDate StudyTime AccessionNumber StudyID StudyInstanceUID StudyDescription ReferringPhysicianName"
        " NameOfPhysiciansReadingStudy AdmittingDiagnosesDescription PatientAge PatientSize PatientWeight"
        " AdditionalPatientHistory InstitutionName"
    ),
    "SERIES": (
        "Modality SeriesNumber SeriesInstanceUID SeriesDescription SeriesDate SeriesTime BodyPartExamined ProtocolName"
        " Laterality OperatorsName PerformingPhysicianName Manufacturer ManufacturerModelName StationName"
        " PerformedProcedureStepStartDate PerformedProcedureStepStartTime FrameOfReferenceUID"
    ),
    "IMAGE": (
        "SOPInstanceUID SOPClassUID InstanceNumber InstanceCreationDate InstanceCreationTime ContentDate ContentTime"
        " AcquisitionDate AcquisitionTime AcquisitionNumber ImageType NumberOfFrames Rows Columns BitsAllocated"
        " SliceLocation ContentLabel"
    ),
}
COMPUTED: Final = {
    "PATIENT": frozenset((PATIENT_STUDIES, PATIENT_SERIES, PATIENT_INSTANCES)),
    "STUDY": frozenset((MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY, STUDY_SERIES, STUDY_INSTANCES)),
    "SERIES": frozenset((SERIES_INSTANCES,)),
    "IMAGE": frozenset[int](),
}


def _tags(keywords: str) -> frozenset[int]:
    tags = {keyword: tag_for_keyword(keyword) for keyword in keywords.split()}
    return frozenset(tag for tag in tags.values() if tag is not None)


_STORED: Final = {level: _tags(keywords) for level, keywords in _KEYWORDS.items()}
INDEXED: Final = frozenset.union(*_STORED.values(), frozenset((CHARACTER_SET,)))
VR: Final = {tag: dictionary_VR(tag) for tag in INDEXED | frozenset.union(*COMPUTED.values())}
NUMBERS: Final = frozenset(tag for tag, vr in VR.items() if vr == "US")
PLAIN_KEYS: Final = frozenset(UNIQUE_KEY.values()) | {STUDY_DATE}
"""What a PACS matches that ignores optional keys."""


def stored_at(level: str) -> frozenset[int]:
    """The indexed attributes that belong to `level` or to one above it."""
    return frozenset.union(*(_STORED[above] for above in LEVELS[: LEVELS.index(level) + 1]))


def computed_at(level: str) -> frozenset[int]:
    """The attributes that are counted or collected at `level` or at one above it."""
    return frozenset.union(*(COMPUTED[above] for above in LEVELS[: LEVELS.index(level) + 1]))
