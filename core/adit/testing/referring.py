"""Objects that refer to the images of their study: structure set, segmentation, key object selection, measured report.

Each refers to every instance of the study's first series, in the sequences that its kind has for it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComprehensiveSRStorage,
    CTImageStorage,
    KeyObjectSelectionDocumentStorage,
    RTStructureSetStorage,
    SegmentationStorage,
)

from adit.testing.objects import coded, composite, item_of, sop_instance_uid
from adit.testing.patients import uid

if TYPE_CHECKING:
    from adit.testing.datasets import Series, Study

DETACHED_STUDY: Final = "1.2.840.10008.3.1.2.3.1"
IMAGE_POSITION, PLANE_POSITION = 0x00200032, 0x00209113
AXIAL: Final = ["1", "0", "0", "0", "1", "0"]


def structure_set(study: "Study", series: "Series", number: int) -> Dataset:
    """One region with a contour on each image."""
    dataset = composite(study, series, number, RTStructureSetStorage)
    frame = uid(study.study_instance_uid, "frame")
    dataset.OperatorsName, dataset.StructureSetLabel = "", "PLAN"
    dataset.StructureSetDate, dataset.StructureSetTime = study.date, study.time
    listed = item_of(SeriesInstanceUID=target(study).uid_in(study), ContourImageSequence=Sequence(images(study)))
    referenced = item_of(
        ReferencedSOPClassUID=DETACHED_STUDY,
        ReferencedSOPInstanceUID=study.study_instance_uid,
        RTReferencedSeriesSequence=Sequence([listed]),
    )
    dataset.ReferencedFrameOfReferenceSequence = Sequence(
        [item_of(FrameOfReferenceUID=frame, RTReferencedStudySequence=Sequence([referenced]))]
    )
    region = item_of(ROINumber="1", ReferencedFrameOfReferenceUID=frame, ROIName="Lung", ROIGenerationAlgorithm="")
    dataset.StructureSetROISequence = Sequence([region])
    contours = [
        item_of(
            ContourImageSequence=Sequence([image]),
            ContourGeometricType="POINT",
            NumberOfContourPoints="1",
            ContourData=["0", "0", "0"],
        )
        for image in images(study)
    ]
    dataset.ROIContourSequence = Sequence([item_of(ReferencedROINumber="1", ContourSequence=Sequence(contours))])
    dataset.RTROIObservationsSequence = Sequence(
        [item_of(ObservationNumber="1", ReferencedROINumber="1", RTROIInterpretedType="", ROIInterpreter="")]
    )
    dataset.ApprovalStatus = "UNAPPROVED"
    return dataset


def segmentation(study: "Study", series: "Series", number: int) -> Dataset:
    """A frame of one bit for each image."""
    dataset = composite(study, series, number, SegmentationStorage)
    dataset.ImageType, dataset.ContentLabel, dataset.ContentDescription = ["DERIVED", "PRIMARY"], "LUNG", ""
    dataset.ContentDate, dataset.ContentTime, dataset.ContentCreatorName = study.date, study.time, "Reader^Rita"
    dataset.ReferencedSeriesSequence = Sequence(
        [item_of(SeriesInstanceUID=target(study).uid_in(study), ReferencedInstanceSequence=Sequence(images(study)))]
    )
    dataset.PerFrameFunctionalGroupsSequence = Sequence(
        _frame(place, image) for place, image in enumerate(images(study), start=1)
    )
    dataset.SharedFunctionalGroupsSequence = Sequence(
        [
            item_of(
                PlaneOrientationSequence=Sequence([item_of(ImageOrientationPatient=AXIAL)]),
                PixelMeasuresSequence=Sequence([item_of(PixelSpacing=["1", "1"], SliceThickness="3")]),
                SegmentIdentificationSequence=Sequence([item_of(ReferencedSegmentNumber=1)]),
            )
        ]
    )
    dataset.SegmentSequence = Sequence([_lung()])
    frames = uid(study.study_instance_uid, "dimensions")
    dataset.DimensionOrganizationSequence = Sequence([item_of(DimensionOrganizationUID=frames)])
    position = item_of(DimensionIndexPointer=IMAGE_POSITION, FunctionalGroupPointer=PLANE_POSITION)
    position.DimensionOrganizationUID = frames
    dataset.DimensionIndexSequence = Sequence([position])
    dataset.ManufacturerModelName, dataset.DeviceSerialNumber, dataset.SoftwareVersions = "Model", "SN-42", "1"
    dataset.LossyImageCompression = "00"
    dataset.NumberOfFrames = str(target(study).instances)
    dataset.SegmentationType = "BINARY"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.Rows = dataset.Columns = 16
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    dataset.add_new(0x7FE00010, "OB", bytes(32 * target(study).instances))
    return dataset


def key_objects(study: "Study", series: "Series", number: int) -> Dataset:
    """The selection of all images, for teaching."""
    dataset = _document(study, series, number, KeyObjectSelectionDocumentStorage)
    dataset.ConceptNameCodeSequence = Sequence([coded("113004", "DCM", "For Teaching")])
    dataset.ContentSequence = Sequence(_mention(image) for image in images(study))
    return dataset


def measured_report(study: "Study", series: "Series", number: int) -> Dataset:
    """A finding in words, and the images that it was seen on."""
    dataset = _document(study, series, number, ComprehensiveSRStorage)
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ConceptNameCodeSequence = Sequence([coded("18748-4", "LN", "Diagnostic imaging report")])
    finding = item_of(
        RelationshipType="CONTAINS",
        ValueType="TEXT",
        ConceptNameCodeSequence=Sequence([coded("121071", "DCM", "Finding")]),
        TextValue=f"{study.patient.name.partition('^')[0]} has a nodule of 4 mm.",
        ContentSequence=Sequence(_mention(image, "INFERRED FROM") for image in images(study)),
    )
    dataset.ContentSequence = Sequence([finding])
    dataset.PerformedProcedureCodeSequence = Sequence()
    return dataset


def target(study: "Study") -> "Series":
    """What is referred to."""
    return study.series[0]


def images(study: "Study") -> Iterator[Dataset]:
    """A reference to each instance of it."""
    for number in range(1, target(study).instances + 1):
        name = sop_instance_uid(study, target(study), number)
        yield item_of(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=name)


def _document(study: "Study", series: "Series", number: int, sop_class_uid: str) -> Dataset:
    """The modules of documents, with all images as evidence."""
    dataset = composite(study, series, number, sop_class_uid)
    dataset.ContentDate, dataset.ContentTime = study.date, study.time
    dataset.ReferencedPerformedProcedureStepSequence = Sequence()
    listed = item_of(SeriesInstanceUID=target(study).uid_in(study), ReferencedSOPSequence=Sequence(images(study)))
    evidence = item_of(StudyInstanceUID=study.study_instance_uid, ReferencedSeriesSequence=Sequence([listed]))
    dataset.CurrentRequestedProcedureEvidenceSequence = Sequence([evidence])
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    return dataset


def _mention(image: Dataset, relationship: str = "CONTAINS") -> Dataset:
    return item_of(RelationshipType=relationship, ValueType="IMAGE", ReferencedSOPSequence=Sequence([image]))


def _frame(place: int, image: Dataset) -> Dataset:
    image.PurposeOfReferenceCodeSequence = Sequence([coded("121322", "DCM", "Source image")])
    derived = coded("113076", "DCM", "Segmentation")
    return item_of(
        DerivationImageSequence=Sequence(
            [item_of(SourceImageSequence=Sequence([image]), DerivationCodeSequence=Sequence([derived]))]
        ),
        FrameContentSequence=Sequence([item_of(DimensionIndexValues=place)]),
        PlanePositionSequence=Sequence([item_of(ImagePositionPatient=["0", "0", str(place)])]),
    )


def _lung() -> Dataset:
    return item_of(
        SegmentNumber=1,
        SegmentLabel="Lung",
        SegmentAlgorithmType="MANUAL",
        SegmentedPropertyCategoryCodeSequence=Sequence([coded("123037004", "SCT", "Anatomical Structure")]),
        SegmentedPropertyTypeCodeSequence=Sequence([coded("39607008", "SCT", "Lung")]),
    )
