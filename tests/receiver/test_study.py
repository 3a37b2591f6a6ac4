"""The study is read as a DICOM library reads it, in every encoding, and bytes that are no data set do no harm."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from adit_receiver.study import DEFLATED, EXPLICIT_BIG, IMPLICIT_LITTLE, study_of_head

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG = "1.2.840.10008.1.2.4.70"


def encoded(data_set: Dataset, syntax: str) -> bytes:
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = syntax != EXPLICIT_BIG, syntax == IMPLICIT_LITTLE
    write_dataset(out, data_set)
    assert isinstance(out, BytesIO | DicomBytesIO)
    return out.getvalue()


def study(*, depth: int = 2, undefined: bool = True) -> Dataset:
    """A study behind nested sequences of undefined or defined lengths."""
    nested = Dataset()
    nested.ReferencedSOPClassUID = "1.2.3"
    for _ in range(depth):
        outer = Dataset()
        outer.StudyInstanceUID = "9.9"  # of another study, nested: never ours
        outer.ReferencedImageSequence = Sequence([nested])
        outer["ReferencedImageSequence"].is_undefined_length = undefined
        nested.is_undefined_length_sequence_item = undefined
        nested = outer
    nested.StudyInstanceUID = "1.2.840.7.1"
    nested.SeriesInstanceUID = "1.2.840.7.2"
    nested.PatientName = "A^B"
    return nested


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT_LITTLE, EXPLICIT_BIG, JPEG])
@pytest.mark.parametrize("undefined", [True, False])
def test_the_study_is_found_behind_nested_sequences(syntax: str, undefined: bool) -> None:  # noqa: FBT001 - a parameter
    assert study_of_head(encoded(study(undefined=undefined), syntax), syntax) == "1.2.840.7.1"


def test_the_study_of_a_deflated_data_set_is_found() -> None:
    import zlib  # noqa: PLC0415 - here alone

    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(encoded(study(), EXPLICIT)) + deflater.flush()
    assert study_of_head(deflated, DEFLATED) == "1.2.840.7.1"


def test_a_data_set_without_a_study_has_none() -> None:
    without = study()
    del without.StudyInstanceUID
    assert study_of_head(encoded(without, EXPLICIT), EXPLICIT) == ""


def test_a_nesting_without_end_is_given_up() -> None:
    endless = (b"\x08\x00\x40\x11\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * 5000
    assert study_of_head(endless, IMPLICIT_LITTLE) == ""


@given(st.binary(max_size=300), st.sampled_from([EXPLICIT, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED]))
def test_any_bytes_are_read_without_harm(data: bytes, syntax: str) -> None:
    study_of_head(data, syntax)


@given(st.data())
def test_a_damaged_data_set_is_read_without_harm(data: st.DataObject) -> None:
    whole = bytearray(encoded(study(), EXPLICIT))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    study_of_head(bytes(whole[: data.draw(st.integers(0, len(whole)))]), EXPLICIT)
