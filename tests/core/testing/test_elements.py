"""Walking encoded data sets: it agrees with pydicom on every real file, and never runs past a broken one."""

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.filereader import read_file_meta_info

from adit.testing.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    UnreadableDataSet,
    encode_elements,
    inflated,
    spans,
)
from adit.testing.odd_files import odd_files
from adit.testing.part10 import data_set_bytes, is_uid, meta_of, read_meta
from adit.testing.pydicom_files import BY_ENCODING, ODD, pydicom_file

ELEMENTS = st.dictionaries(
    st.integers(0x00080000, 0x7FDFFFFF),
    st.tuples(st.sampled_from(["LO", "PN", "UI", "OB", "UN", "US"]), st.binary(max_size=40)),
    max_size=20,
).map(lambda found: [(tag, vr, value) for tag, (vr, value) in sorted(found.items())])


@given(ELEMENTS, st.sampled_from([EXPLICIT_LITTLE, IMPLICIT_LITTLE]))
def test_what_is_encoded_is_found_again(elements: list[tuple[int, str, bytes]], syntax: str) -> None:
    data = encode_elements(elements, syntax)
    found = [(span.tag, data[span.start : span.start + span.length]) for span in spans(data, syntax)]
    assert [tag for tag, _ in found] == [tag for tag, _, _ in elements]
    assert all(value[: len(raw)] == raw for (_, value), (_, _, raw) in zip(found, elements, strict=True))
    assert all(len(value) % 2 == 0 for _, value in found)


@given(st.binary(max_size=300), st.sampled_from([EXPLICIT_LITTLE, IMPLICIT_LITTLE]))
def test_any_bytes_are_walked_or_refused(data: bytes, syntax: str) -> None:
    with suppress(UnreadableDataSet):
        assert all(span.start + span.length <= len(data) for span in spans(data, syntax))


@pytest.mark.parametrize("name", [*BY_ENCODING.values(), "badVR.dcm", "waveform_ecg.dcm", "liver_1frame.dcm"])
def test_the_elements_of_a_real_file_are_those_that_pydicom_reads(name: str) -> None:
    path = pydicom_file(name)
    _agrees_with_pydicom(path)


def test_the_elements_of_odd_files_are_those_that_pydicom_reads(tmp_path: Path) -> None:
    for path in odd_files(tmp_path).values():
        _agrees_with_pydicom(path)


def test_every_named_file_is_inside_pydicom() -> None:
    assert all(pydicom_file(name).is_file() for name in (*BY_ENCODING.values(), *ODD.values()))
    with pytest.raises(FileNotFoundError, match=r"not inside pydicom's wheel"):
        pydicom_file("eCT_Supplemental.dcm")


def test_nesting_without_end_is_refused() -> None:
    opening = struct.pack("<HHI", 0x0040, 0x0275, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    with pytest.raises(UnreadableDataSet, match="deeper than 32"):
        list(spans(opening * 100, IMPLICIT_LITTLE))


def test_an_element_longer_than_the_file_is_refused() -> None:
    with pytest.raises(UnreadableDataSet, match="element 00100010 is longer than its data set"):
        list(spans(struct.pack("<HHI", 0x0010, 0x0010, 100) + b"abc", IMPLICIT_LITTLE))


def test_file_meta_information_reads_as_written(tmp_path: Path) -> None:
    path = tmp_path / "made.dcm"
    path.write_bytes(meta_of("1.2.3", "1.2.4", EXPLICIT_LITTLE) + b"data set")
    meta = read_meta(path)
    assert (meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid) == ("1.2.3", "1.2.4", EXPLICIT_LITTLE)
    assert data_set_bytes(path) == b"data set"
    assert read_file_meta_info(path).TransferSyntaxUID == EXPLICIT_LITTLE


@pytest.mark.parametrize("text", ["", "1.2.", "../x", "1.2/3", "1" * 65, "1.2\n"])
def test_what_is_no_uid_is_not_taken_for_one(text: str) -> None:
    assert not is_uid(text)


def _agrees_with_pydicom(path: Path) -> None:
    meta = read_meta(path)
    data = inflated(data_set_bytes(path), meta.transfer_syntax_uid)
    assert {span.tag for span in spans(data, meta.transfer_syntax_uid)} == set(dcmread(path).keys())
