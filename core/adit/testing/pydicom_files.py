"""The real files that come inside the wheel of pydicom: compressed, deflated, big endian, odd ones; no downloads."""

from pathlib import Path
from typing import Final

import pydicom

from adit.testing.elements import UnreadableDataSet
from adit.testing.pacs_index import StoredInstance, read_instance

_FOLDER: Final = Path(pydicom.__file__).parent / "data" / "test_files"

BY_ENCODING: Final = {
    "implicit little endian": "MR_small_implicit.dcm",
    "explicit little endian": "CT_small.dcm",
    "explicit big endian": "MR_small_bigendian.dcm",
    "deflated": "image_dfl.dcm",
    "JPEG baseline": "SC_rgb_jpeg_dcmtk.dcm",
    "JPEG extended": "JPGExtended.dcm",
    "JPEG lossless": "SC_rgb_jpeg_gdcm.dcm",
    "JPEG-LS lossless": "MR_small_jpeg_ls_lossless.dcm",
    "JPEG 2000 lossless": "MR_small_jp2klossless.dcm",
    "JPEG 2000": "JPEG2000.dcm",
    "RLE": "MR_small_RLE.dcm",
}
"""Encoding → a whole instance in it."""

ODD: Final = {
    "wrong VRs": "badVR.dcm",
    "padding after pixel data": "MR_small_padded.dcm",
    "sequence delimiter inside pixel data": "JPEG2000-embedded-sequence-delimiter.dcm",
    "pixel data too short": "MR_truncated.dcm",
    "odd number of pixel bytes": "SC_rgb_small_odd.dcm",
    "empty numbers in a report": "reportsi_with_empty_number_tags.dcm",
    "waveform without pixel data": "waveform_ecg.dcm",
    "segmentation": "liver_1frame.dcm",
    "overlay": "examples_overlay.dcm",
}
"""Oddity → a whole instance that has it."""

_UNFIT: Final = frozenset(("MR_truncated.dcm", "rtplan_truncated.dcm"))  # a server may rightly refuse them


def pydicom_file(name: str) -> Path:
    """A file by its name; raises FileNotFoundError for one that pydicom would have to download."""
    path = _FOLDER / name
    if not path.is_file():
        raise FileNotFoundError(f"{name} is not inside pydicom's wheel")
    return path


def shipped_files() -> list[Path]:
    """Every file that holds a data set, in order: also those made to be broken, without preamble, or a directory."""
    files = (path for path in _FOLDER.rglob("*") if path.is_file())
    return sorted(path for path in files if path.suffix == ".dcm" or (not path.suffix and path.name != "README"))


def valid_instances() -> list[StoredInstance]:
    """Every shipped file with file meta information, patient ID and UIDs: one for each SOP Instance UID, in file order.

    A study whose files disagree about the patient keeps the files of the first patient.
    """
    chosen: dict[str, StoredInstance] = {}
    patient_of: dict[str, str] = {}
    for path in sorted(path for path in _FOLDER.rglob("*") if path.is_file() and path.name not in _UNFIT):
        try:
            instance = read_instance(path, len(chosen))
        except UnreadableDataSet:
            continue  # made to be unreadable, or no instance at all (DICOMDIR, JSON)
        patient = patient_of.setdefault(instance.study_instance_uid, instance.patient_id)
        if instance.patient_id and instance.patient_id == patient:
            chosen.setdefault(instance.sop_instance_uid, instance)
    return list(chosen.values())
