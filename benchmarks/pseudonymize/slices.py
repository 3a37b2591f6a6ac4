"""A CT series as a scanner writes it: 200 elements a slice, of which a dozen and a half differ from slice to slice.

The studies of the other benchmarks have the same header in every slice, which a memory of elements would profit from.
"""

from pathlib import Path
from typing import Final

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from adit.testing.patients import uid
from benchmarks.header import ct_header
from benchmarks.studies import CT_ROWS, StudyFiles

LABEL: Final = "scanner"
PATIENT_ID: Final = "BENCH-scanner"
FAMILY_NAME: Final = "Müster"


def write_scanner_slices(folder: Path, instances: int, rows: int = CT_ROWS) -> StudyFiles:
    """As files in a folder of its own."""
    directory = folder / LABEL
    directory.mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 4096, (rows, rows), dtype=np.uint16)
    names: set[str] = set()
    for number in range(1, instances + 1):
        dataset = _slice(number, rows)
        dataset.add_new(0x7FE00010, "OW", np.roll(pixels, number).tobytes())
        dataset.save_as(directory / f"{number:06d}.dcm", enforce_file_format=True)
        names.add(str(dataset.SOPInstanceUID))
    size = sum(path.stat().st_size for path in directory.iterdir())
    return StudyFiles(LABEL, PATIENT_ID, uid(LABEL, "study"), directory, frozenset(names), size)


def _slice(number: int, rows: int) -> Dataset:
    header = ct_header(LABEL)
    name = uid(LABEL, "instance", number)
    header.SOPClassUID, header.SOPInstanceUID, header.Modality = CTImageStorage, name, "CT"
    header.PatientID, header.PatientName = PATIENT_ID, f"{FAMILY_NAME}^Benchmark"
    header.StudyInstanceUID, header.SeriesInstanceUID = uid(LABEL, "study"), uid(LABEL, "series")
    header.AccessionNumber = "BENCH1"
    header.Rows = header.Columns = rows
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 12, 11, 0
    _of_this_slice(header, number)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return FileDataset("", header, file_meta=meta, preamble=bytes(128))


def _of_this_slice(header: Dataset, number: int) -> None:
    """What a scanner writes anew into each image."""
    time = f"1015{number // 60 % 60:02d}.{number * 997 % 1_000_000:06d}"
    header.InstanceNumber, header.AcquisitionNumber = number, 1 + number // 100
    header.InstanceCreationTime = header.ContentTime = header.AcquisitionTime = time
    header.AcquisitionDateTime = f"20240115{time}"
    header.ImagePositionPatient, header.SliceLocation = [-190, -190, float(number)], float(number)
    header.TableHeight = f"{150 + number % 3}"
    header.XRayTubeCurrent, header.Exposure = str(200 + number % 40), str(100 + number % 20)
    header.CTDIvol, header.EstimatedDoseSaving = 5 + number % 7 / 10, 10 + number % 5 / 10
    header.SmallestImagePixelValue, header.LargestImagePixelValue = number % 7, 4095 - number % 11
    header.WindowCenter = [str(40 + number % 5), "-600"]
    header.IrradiationEventUID = uid(LABEL, "irradiation", number // 50)
