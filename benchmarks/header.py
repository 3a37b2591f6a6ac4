"""The header of a clinical-looking CT slice: about 200 elements with sequences and a private block, all fictional.

The number of elements, not the pixels, is what a pipeline that looks into headers pays for.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from adit.testing.patients import uid

_WHEN: Final = {
    **dict.fromkeys(("InstanceCreationDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"), "20240115"),
    **dict.fromkeys(("PerformedProcedureStepStartDate", "DateOfLastCalibration"), "20240115"),
    **dict.fromkeys(
        ("InstanceCreationTime", "StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"), "101500.120"
    ),
    **dict.fromkeys(("PerformedProcedureStepStartTime", "TimeOfLastCalibration"), "060000.000"),
    "AcquisitionDateTime": "20240115101500.120000",
}
_WHO: Final = {
    "PatientBirthDate": "19610512",
    "PatientSex": "M",
    "PatientAge": "062Y",
    "PatientSize": "1.8",
    "PatientWeight": "80",
    "IssuerOfPatientID": "SYNTHETIC",
    "OtherPatientIDs": ["SYN-1", "SYN-2"],
    "PatientAddress": "Example Street 1",
    "MedicalAlerts": "none",
    "EthnicGroup": "",
    "AdditionalPatientHistory": "synthetic",
    "PregnancyStatus": 4,
    "PatientComments": "synthetic",
    "ReferringPhysicianName": "Müster^Hanna",
    "PerformingPhysicianName": "Beispiel^Eva",
    "NameOfPhysiciansReadingStudy": "Muster^Karl",
    "OperatorsName": "Operator^A",
}
_WHERE: Final = {
    "Manufacturer": "EXAMPLE",
    "ManufacturerModelName": "Synthetic CT",
    "InstitutionName": "Example Hospital",
    "InstitutionAddress": "Example Street 1, Example Town",
    "InstitutionalDepartmentName": "Radiology",
    "StationName": "CT00001",
    "DeviceSerialNumber": "65432",
    "SoftwareVersions": "synthetic 1.0",
}
_HOW: Final = {
    "BodyPartExamined": "CHEST",
    "SliceThickness": "1.0",
    "KVP": "120",
    "DataCollectionDiameter": "500",
    "ProtocolName": "Thorax",
    "ReconstructionDiameter": "380",
    "DistanceSourceToDetector": "1085.6",
    "DistanceSourceToPatient": "595",
    "GantryDetectorTilt": "0",
    "TableHeight": "150",
    "RotationDirection": "CW",
    "ExposureTime": "500",
    "XRayTubeCurrent": "200",
    "Exposure": "100",
    "FilterType": "FLAT",
    "GeneratorPower": "50",
    "FocalSpots": "1.2",
    "ConvolutionKernel": "B30f",
    "PatientPosition": "HFS",
    "SingleCollimationWidth": 0.6,
    "TotalCollimationWidth": 38.4,
    "TableSpeed": 46.0,
    "TableFeedPerRotation": 23.0,
    "SpiralPitchFactor": 0.6,
    "EstimatedDoseSaving": 10.0,
    "ExposureModulationType": "XYZ_EC",
    "CTDIvol": 5.5,
}
_WHAT: Final = {
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "StudyDescription": "CT Thorax",
    "SeriesDescription": "Thorax axial",
    "StudyID": "1",
    "SeriesNumber": 1,
    "AcquisitionNumber": 1,
    "ImagePositionPatient": [-190, -190, 1],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PositionReferenceIndicator": "",
    "SliceLocation": 1.0,
    "ImageComments": "synthetic",
    "PixelSpacing": [0.742, 0.742],
    "WindowCenter": ["50", "-600"],
    "WindowWidth": ["350", "1200"],
    "WindowCenterWidthExplanation": ["SOFT", "LUNG"],
    "RescaleIntercept": "-1024",
    "RescaleSlope": "1",
    "RescaleType": "HU",
    "RequestedProcedureDescription": "CT Thorax",
    "PerformedProcedureStepID": "P1",
    "PerformedProcedureStepDescription": "CT Thorax",
}


def ct_header(label: str) -> Dataset:
    """Everything but identities, image matrix and pixels."""
    header = _item(_WHEN, _WHO, _WHERE, _HOW, _WHAT)
    header.SpecificCharacterSet = "ISO_IR 100"
    header.FrameOfReferenceUID = uid(label, "frame")
    header.IrradiationEventUID = uid(label, "irradiation")
    thorax = Sequence([_code("CTTHX", "99LOCAL", "CT Thorax")])
    header.ProcedureCodeSequence = header.RequestedProcedureCodeSequence = thorax
    header.CTDIPhantomTypeCodeSequence = Sequence([_code("113691", "DCM", "IEC Body Dosimetry Phantom")])
    header.ReferencedStudySequence = Sequence([_reference("1.2.840.10008.3.1.2.3.1", label, "step")])
    header.ReferencedImageSequence = Sequence([_localizer(label, number) for number in range(4)])
    header.SourceImageSequence = Sequence([_localizer(label, number) for number in range(4, 7)])
    header.RequestAttributesSequence = Sequence([_request()])
    for group, creator in ((0x0019, "EXAMPLE CT"), (0x0029, "EXAMPLE HEADER")):
        block = header.private_block(group, creator, create=True)
        for offset in range(8):
            block.add_new(offset, "LO", f"private {offset}")
        block.add_new(0x10, "OB", bytes(range(256)) * 4)
    return header


def _item(*values: Mapping[str, Any]) -> Dataset:
    item = Dataset()
    for value in values:
        for keyword, content in value.items():
            setattr(item, keyword, content)
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    return _item({"CodeValue": value, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning})


def _reference(sop_class_uid: str, *identity: object) -> Dataset:
    return _item({"ReferencedSOPClassUID": sop_class_uid, "ReferencedSOPInstanceUID": uid(*identity)})


def _localizer(label: str, number: int) -> Dataset:
    reference = _reference("1.2.840.10008.5.1.4.1.1.2", label, "localizer", number)
    reference.PurposeOfReferenceCodeSequence = Sequence([_code("121311", "DCM", "Localizer")])
    return reference


def _request() -> Dataset:
    request = _item({"RequestedProcedureDescription": "CT", "ScheduledProcedureStepDescription": "CT"})
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "1", "1"
    request.ScheduledProtocolCodeSequence = Sequence([_code("CT1", "99LOCAL", "CT")])
    return request
