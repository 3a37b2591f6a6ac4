"""The built-in profile `adit-compatible`: what ADIT does, with dicognito, keyed by the project. Not for real patients.

dicognito leaves about half of the attributes of PS3.15 Annex E and every private element as they were, and burned-in
text is not looked for. The profile says so of itself (`fit_for_patients` is False).
"""

from dicognito.anonymizer import Anonymizer
from dicognito.value_keeper import ValueKeeper
from pydicom import Dataset

from adit.pseudonymization.key import ProjectKey
from adit.transfer.rewriter import Subject

# Dates and times of the examination stay; ADIT keeps exactly these.
KEPT_KEYWORDS = (
    "AcquisitionDate",
    "AcquisitionDateTime",
    "AcquisitionTime",
    "ContentDate",
    "ContentTime",
    "FrameReferenceDateTime",
    "SeriesDate",
    "SeriesTime",
    "StudyDate",
    "StudyTime",
)


def anonymizer_for(key: ProjectKey) -> Anonymizer:
    """The same replacements in every process, run and job of one key."""
    anonymizer = Anonymizer(seed=key.derive("dicognito").hex())
    for keyword in KEPT_KEYWORDS:
        anonymizer.add_element_handler(ValueKeeper(keyword))
    return anonymizer


def become(elements: Dataset, subject: Subject) -> None:
    """Give the anonymized elements the subject's pseudonym, the trial, and the comment that XNAT routes by."""
    elements.PatientID = subject.pseudonym
    elements.PatientName = subject.pseudonym
    mark_trial(elements, subject)
    if subject.trial_id:
        session = f"{subject.pseudonym}_{elements.get('StudyDate', '')}-{elements.get('StudyTime', '')}"
        elements.PatientComments = f"Project:{subject.trial_id} Subject:{subject.pseudonym} Session:{session}"


def mark_trial(elements: Dataset, subject: Subject) -> None:
    """Set ClinicalTrialProtocolID (0012,0020) and ClinicalTrialProtocolName (0012,0021) where the task has a trial."""
    if subject.trial_id:
        elements.ClinicalTrialProtocolID = subject.trial_id
    if subject.trial_name:
        elements.ClinicalTrialProtocolName = subject.trial_name
