"""The studies to move, written once per run as Part-10 files: many CT slices, many small ones, or one large clip.

A template is encoded once and its identities are replaced by others of the same length, so that 5,000 files take
seconds. All headers of a study are therefore alike, more than a scanner's are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)

from adit.testing.part10 import meta_of
from adit.testing.patients import uid
from benchmarks.header import ct_header

CT_ROWS: Final = 512
SMALL_ROWS: Final = 16
MR_ROWS: Final = 84
"""20 KB each, with the header."""
FIRST_NUMBER: Final = 100_000  # six digits, so that every InstanceNumber has the same length
_NUMBER: Final = b"100000"
_SOP: Final = uid("template")
_CLASSES: Final = {"CT": CTImageStorage, "MR": MRImageStorage}


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """One study of one patient as files in a folder of its own; `size` is the bytes of all of them."""

    label: str
    patient_id: str
    study_instance_uid: str
    directory: Path
    sop_instance_uids: frozenset[str]
    size: int

    @property
    def instances(self) -> int:
        return len(self.sop_instance_uids)


def write_slices(folder: Path, label: str, instances: int, rows: int, *, modality: str = "CT") -> StudyFiles:
    """A CT or MR of `instances` axial slices of rows x rows x 16 bit, each with other pixels."""
    sop_class = _CLASSES[modality]
    template = _template(label, sop_class, rows, modality=modality)
    pixels = np.random.default_rng(1).integers(0, 4096, (rows, rows), dtype=np.uint16)
    slices = (np.roll(pixels, number).tobytes() for number in range(instances))
    return _write(folder, label, sop_class, template, slices)


def write_clip(folder: Path, label: str, frames: int) -> StudyFiles:
    """One multi-frame instance of `frames` x 512 x 512 x 16 bit: half a megabyte each."""
    template = _template(label, MultiFrameGrayscaleWordSecondaryCaptureImageStorage, CT_ROWS, frames)
    frame = np.random.default_rng(2).integers(0, 4096, (CT_ROWS, CT_ROWS), dtype=np.uint16).tobytes()
    return _write(folder, label, MultiFrameGrayscaleWordSecondaryCaptureImageStorage, template, iter([frame * frames]))


def _write(folder: Path, label: str, sop_class: str, template: bytes, pixels: Iterator[bytes]) -> StudyFiles:
    directory = folder / label
    directory.mkdir(parents=True)
    names: set[str] = set()
    size = 0
    for number, pixel in enumerate(pixels, start=1):
        name = uid(label, "instance", number)
        head = template.replace(_SOP.encode(), name.encode()).replace(_NUMBER, str(FIRST_NUMBER + number).encode(), 1)
        content = meta_of(sop_class, name, ExplicitVRLittleEndian) + head + _pixel_data(pixel)
        (directory / f"{number:06d}.dcm").write_bytes(content)
        names.add(name)
        size += len(content)
    return StudyFiles(label, _patient_id(label), uid(label, "study"), directory, frozenset(names), size)


def _patient_id(label: str) -> str:
    """One patient per study, so that a destination is cleared by deleting one patient."""
    return f"BENCH-{label}"


def _template(label: str, sop_class: str, rows: int, frames: int = 0, modality: str = "OT") -> bytes:
    """The encoded data set up to the pixel data."""
    header = ct_header(label)
    header.SOPClassUID, header.SOPInstanceUID, header.InstanceNumber = sop_class, _SOP, FIRST_NUMBER
    header.PatientID, header.PatientName = _patient_id(label), "Müster^Benchmark"
    header.StudyInstanceUID, header.SeriesInstanceUID = uid(label, "study"), uid(label, "series")
    header.AccessionNumber, header.Modality = "BENCH1", modality
    header.Rows = header.Columns = rows
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 12, 11, 0
    header.SmallestImagePixelValue, header.LargestImagePixelValue = 0, 4095
    if frames:
        header.NumberOfFrames = frames
    return _encoded(header)


def _pixel_data(pixel: bytes) -> bytes:
    """Group 7FE0, explicit VR little endian, OW."""
    return b"\xe0\x7f\x10\x00OW\x00\x00" + len(pixel).to_bytes(4, "little") + pixel


def _encoded(dataset: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    return buffer.getvalue()
