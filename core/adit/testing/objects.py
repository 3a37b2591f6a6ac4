"""The instances of synthetic studies: CT, MR, ultrasound clip, structured report, presentation state.

Pixel data are a cheap gradient of bytes, so that making a study costs what writing it costs.
"""

import struct
from functools import lru_cache
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    MRImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from adit.testing.part10 import IMPLEMENTATION_CLASS_UID
from adit.testing.patients import uid

if TYPE_CHECKING:
    from adit.testing.datasets import Series, Study

SPACING_MM = 3.0


def sop_instance_uid(study: "Study", series: "Series", number: int) -> str:
    return uid(study.study_instance_uid, "series", series.number, "instance", number)


def ct_image(study: "Study", series: "Series", number: int) -> Dataset:
    dataset = composite(study, series, number, CTImageStorage)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.KVP = "120"
    dataset.SliceThickness = str(SPACING_MM)
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "-1024", "1", "HU"
    dataset.PatientPosition = "HFS"
    block = dataset.private_block(0x0021, "ADIT SYNTHETIC", create=True)
    block.add_new(0x01, "LO", "private text")
    block.add_new(0x02, "SQ", Sequence([item_of(CodeValue="P-1", CodeMeaning="private item")]))
    _slice_pixels(dataset, series, number)
    return dataset


def mr_image(study: "Study", series: "Series", number: int) -> Dataset:
    dataset = composite(study, series, number, MRImageStorage)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "SE"]
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.MRAcquisitionType = "SE", "NONE", "2D"
    dataset.RepetitionTime, dataset.EchoTime, dataset.MagneticFieldStrength = "500", "12", "1.5"
    dataset.SliceThickness = str(SPACING_MM)
    _slice_pixels(dataset, series, number)
    return dataset


def us_clip(study: "Study", series: "Series", number: int) -> Dataset:
    dataset = composite(study, series, number, UltrasoundMultiFrameImageStorage)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    dataset.BurnedInAnnotation = "NO"
    dataset.NumberOfFrames = str(series.frames)
    dataset.FrameTime = "40"
    dataset.FrameIncrementPointer = 0x00181063
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    _pixels(dataset, series.rows, bits=8, photometric="RGB")
    dataset.add_new(0x7FE00010, "OB", _gradient(series.rows * series.rows * 3 * series.frames, number))
    return dataset


def structured_report(study: "Study", series: "Series", number: int) -> Dataset:
    """A report whose text names the patient, as real ones do."""
    dataset = composite(study, series, number, EnhancedSRStorage)
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ContentDate, dataset.ContentTime = study.date, study.time
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = Sequence([coded("18748-4", "LN", "Diagnostic imaging report")])
    family_name = study.patient.name.split("=", 1)[0].split("^", 1)[0]
    dataset.ContentSequence = Sequence(
        [
            _text_item("121070", "Findings", f"Patient {family_name}: no abnormality in the synthetic data."),
            _text_item("121076", "Conclusion", "Unremarkable."),
        ]
    )
    dataset.PerformedProcedureCodeSequence = Sequence()
    dataset.ReferencedPerformedProcedureStepSequence = Sequence()
    return dataset


def presentation_state(study: "Study", series: "Series", number: int) -> Dataset:
    """Marks the first series of the study."""
    dataset = composite(study, series, number, GrayscaleSoftcopyPresentationStateStorage)
    target = study.series[0]
    images = [
        item_of(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=sop_instance_uid(study, target, image))
        for image in range(1, target.instances + 1)
    ]
    dataset.ContentLabel, dataset.ContentDescription = "FINDING", "Marked finding"
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = study.date, study.time
    dataset.ContentCreatorName = "Reader^Rita"
    dataset.ReferencedSeriesSequence = Sequence(
        [item_of(SeriesInstanceUID=target.uid_in(study), ReferencedImageSequence=Sequence(images))]
    )
    dataset.PresentationLUTShape = "IDENTITY"
    return dataset


def composite(study: "Study", series: "Series", number: int, sop_class_uid: str) -> Dataset:
    """The patient, study, series and SOP common modules."""
    instance_uid = sop_instance_uid(study, series, number)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class_uid), UID(instance_uid)
    meta.TransferSyntaxUID = UID(series.transfer_syntax_uid)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    patient = study.patient
    if patient.specific_character_set:
        dataset.SpecificCharacterSet = list(patient.specific_character_set)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class_uid, instance_uid
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = study.date
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = study.time
    dataset.AccessionNumber, dataset.Modality = study.accession_number, series.modality
    dataset.Manufacturer, dataset.InstitutionName = "ADIT Synthetic", "Fictional Hospital"
    dataset.ReferringPhysicianName = "Referrer^Rolf"
    dataset.StudyDescription, dataset.SeriesDescription = study.description, series.description
    dataset.PatientName, dataset.PatientID = patient.name, patient.patient_id
    dataset.PatientBirthDate, dataset.PatientSex = patient.birth_date, patient.sex
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study.study_instance_uid, series.uid_in(study)
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = study.label[:16], str(series.number), str(number)
    dataset.FrameOfReferenceUID = uid(study.study_instance_uid, "frame")
    return dataset


def _slice_pixels(dataset: Dataset, series: "Series", number: int) -> None:
    dataset.ImagePositionPatient = ["-100", "-100", str(SPACING_MM * number)]
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.PixelSpacing = ["1", "1"]
    dataset.SamplesPerPixel = 1
    _pixels(dataset, series.rows, bits=16, photometric="MONOCHROME2")
    dataset.add_new(0x7FE00010, "OW", _gradient(series.rows * series.rows * 2, number))


def _pixels(dataset: Dataset, rows: int, *, bits: int, photometric: str) -> None:
    dataset.PhotometricInterpretation = photometric
    dataset.Rows = dataset.Columns = rows
    dataset.BitsAllocated = bits
    dataset.BitsStored = min(bits, 12)
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0


@lru_cache(maxsize=8)
def _ramp(length: int) -> bytes:
    step = b"".join(struct.pack("<H", value & 0x0FFF) for value in range(0, 8192, 4))
    return step * (length // len(step) + 2)


def _gradient(length: int, number: int) -> bytes:
    """`length` bytes (even) that differ from one instance to the next."""
    start = (number * 64) % 4096
    return _ramp(length)[start : start + length + length % 2]


def _text_item(code: str, meaning: str, text: str) -> Dataset:
    return item_of(
        RelationshipType="CONTAINS",
        ValueType="TEXT",
        ConceptNameCodeSequence=Sequence([coded(code, "DCM", meaning)]),
        TextValue=text,
    )


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    return item_of(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def item_of(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item
