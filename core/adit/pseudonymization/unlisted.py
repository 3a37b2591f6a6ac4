"""Attributes that no row of PS3.15 Table E.1-1 names, and of which their VR alone says too little."""

from typing import Final

from adit.encoded.dictionary import keyword_of
from adit.pseudonymization.actions import Action

TELLING: Final[dict[int, Action]] = {
    # Who somebody is, in text.
    0x00100033: Action.REMOVE,  # PatientBirthDateInAlternativeCalendar
    0x00100034: Action.REMOVE,  # PatientDeathDateInAlternativeCalendar
    0x00102295: Action.REMOVE,  # BreedRegistrationNumber
    0x00720008: Action.DUMMY,  # HangingProtocolCreator
    0x00720010: Action.REMOVE,  # HangingProtocolUserGroupName
    0x0074100A: Action.REMOVE,  # ContactURI
    0x0074100C: Action.REMOVE,  # ContactDisplayName
    0x21000160: Action.REMOVE,  # OwnerID
    0x4010101A: Action.REMOVE,  # BoardingPassID
    0x40101051: Action.REMOVE,  # ItineraryID
    # Numbers of orders, whose younger siblings the table lists.
    0x00401006: Action.REMOVE,  # PlacerOrderNumberProcedure
    0x00401007: Action.REMOVE,  # FillerOrderNumberProcedure
    0x00402006: Action.REMOVE,  # PlacerOrderNumberImagingServiceRequestRetired
    0x00402007: Action.REMOVE,  # FillerOrderNumberImagingServiceRequestRetired
    0x0040E001: Action.REMOVE,  # HL7InstanceIdentifier
    # Addresses on the network: they name the institution's hosts, and hold original UIDs and file names.
    0x00080407: Action.REMOVE,  # StoredInstanceBaseURI
    0x00080408: Action.REMOVE,  # FolderAccessURI
    0x00080409: Action.REMOVE,  # FileAccessURI
    0x0008040B: Action.REMOVE,  # FilenameInContainer
    0x00081190: Action.REMOVE,  # RetrieveURL
    0x00181803: Action.REMOVE,  # NTPSourceAddress
    0x00287FE0: Action.REMOVE,  # PixelDataProviderURL
    0x00404073: Action.REMOVE,  # StorageURL
    0x0040E010: Action.REMOVE,  # RetrieveURI
    # What people write about patients, as the comments do that the table lists.
    0x00080418: Action.REMOVE,  # TransactionStatusComment
    0x00240044: Action.REMOVE,  # CommentsOnPatientPerformanceOfVisualField
    0x0040A160: Action.DUMMY,  # TextValue
    0x00400400: Action.REMOVE,  # CommentsOnTheScheduledProcedureStep
    0x00440003: Action.REMOVE,  # ApprovalStatusFurtherDescription
    0x00440106: Action.REMOVE,  # AssertionComments
    0x00741238: Action.REMOVE,  # ReasonForCancellation
    0x01000424: Action.REMOVE,  # SOPAuthorizationComment
    0x30040006: Action.REMOVE,  # DoseComment
    0x30080066: Action.REMOVE,  # OverrideReason
    0x30080202: Action.REMOVE,  # TreatmentStatusComment
    0x300A0402: Action.REMOVE,  # SetupImageComment
}
"""What goes whatever the options say: we know that it tells of a person, though the standard does not say so."""

# UIDs that name a class, a syntax or a vocabulary: the same in all of the world's data.
_PUBLIC_UIDS: Final = frozenset(
    (
        "CodingSchemeUID",
        "ContextGroupExtensionCreatorUID",
        "ContextUID",
        "MappingResourceUID",
        "PertinentSOPClassesInSeries",
        "PertinentSOPClassesInStudy",
        "ReferencedRelatedGeneralSOPClassUIDInFile",
        "ReferencedSOPClassUIDInFile",
        "ReferencedTransferSyntaxUIDInFile",
        "SOPClassesInStudy",
        "SOPClassesSupported",
    )
)


def is_public_uid(tag: int) -> bool:
    """Whether the attribute holds UIDs that everybody uses, rather than those of somebody's objects."""
    keyword = keyword_of(tag)
    return keyword.endswith(("ClassUID", "TransferSyntaxUID")) or keyword in _PUBLIC_UIDS
