"""Whether a repetition did what it was to do: all instances are there, under other names, with the same pixels."""

import hashlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian

from adit.testing.elements import UnreadableDataSet
from adit.testing.part10 import read_meta
from benchmarks.data_path import proof
from benchmarks.pseudonymize.slices import FAMILY_NAME, PATIENT_ID
from benchmarks.studies import CT_ROWS, StudyFiles

_PIXEL_BYTES: Final = CT_ROWS * CT_ROWS * 2
_NAMES: Final = (PATIENT_ID.encode(), FAMILY_NAME.encode("latin-1"), FAMILY_NAME.encode())


def files_problem(study: StudyFiles, folder: Path, *, ours: bool) -> str:
    """Empty where a folder holds the study under other UIDs."""
    try:
        found = {read_meta(path).sop_instance_uid: path for path in proof.files(folder)}
    except UnreadableDataSet as error:
        return str(error)
    return problem(study, found.keys(), (found[name].read_bytes() for name in sorted(found)[::40]), ours=ours)


def problem(study: StudyFiles, names: Iterable[str], sampled: Iterable[bytes], *, ours: bool) -> str:
    """Empty where as many others are there, with pixels of the study; of ours none may name the patient."""
    held = frozenset(names)
    if len(held) != study.instances:
        return f"{len(held)} of {study.instances} are there"
    if held & study.sop_instance_uids:
        return "some have their original UIDs"
    original = {pixels_of(path.read_bytes()) for path in study.directory.iterdir()}
    contents = list(sampled)
    if not {pixels_of(content) for content in contents} <= original:
        return "sampled pixels were changed"
    if ours and any(name in content[:-_PIXEL_BYTES] for content in contents for name in _NAMES):
        return "sampled headers name the patient"
    return ""


def pixels_of(content: bytes) -> bytes:
    """A digest of the pixel value in little endian; pynetdicom proposes every encoding, and dcmtk chooses."""
    dataset = dcmread(BytesIO(content))
    raw = bytearray(dataset.PixelData)
    if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian:
        raw[::2], raw[1::2] = raw[1::2], raw[::2]
    return hashlib.blake2b(raw).digest()
