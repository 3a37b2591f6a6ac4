"""The front of a Part-10 file is read whatever its writer did, and written as PS3.10 says."""

import io
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from adit.testing.elements import EXPLICIT_LITTLE
from adit.testing.odd_files import odd_files
from adit.testing.part10 import data_set_bytes, read_meta
from adit.testing.pydicom_files import BY_ENCODING, pydicom_file
from adit.transfer.instance import Instance
from adit.transfer.part10 import MAX_META_BYTES, PREAMBLE, NotPart10, front_of, open_part10, read_front

uids = st.from_regex(r"[1-9][0-9]{0,5}(\.[1-9][0-9]{0,5}){0,8}", fullmatch=True)


@given(uids, uids, uids, st.binary(max_size=40))
def test_what_is_written_is_read_back(sop_class: str, instance: str, syntax: str, data_set: bytes) -> None:
    front = front_of(Instance(sop_class, instance, syntax, ()))
    # A data set never begins with group 0002.
    read = read_front(io.BytesIO(front + b"\x08\0" + data_set))
    assert (read.sop_class_uid, read.sop_instance_uid, read.transfer_syntax_uid) == (sop_class, instance, syntax)
    assert read.offset == len(front)


def test_another_reader_accepts_what_is_written(tmp_path: Path) -> None:
    original = open_part10(pydicom_file("CT_small.dcm"))
    path = tmp_path / "written.dcm"
    path.write_bytes(front_of(original) + b"".join(original.chunks()))
    read = dcmread(path)
    assert read.file_meta.MediaStorageSOPInstanceUID == original.sop_instance_uid == read.SOPInstanceUID
    assert read.file_meta.FileMetaInformationGroupLength == len(front_of(original)) - 132 - 12
    assert read.file_meta.ImplementationClassUID.startswith("2.25.")


def test_every_file_is_opened_where_its_data_set_begins(tmp_path: Path) -> None:
    for path in [*odd_files(tmp_path).values(), *map(pydicom_file, BY_ENCODING.values())]:
        instance = open_part10(path)
        assert instance.transfer_syntax_uid == read_meta(path).transfer_syntax_uid
        assert b"".join(instance.chunks()) == data_set_bytes(path)


def test_a_wrong_group_length_misleads_nobody() -> None:
    front = bytearray(front_of(Instance("1.2", "1.3", EXPLICIT_LITTLE, ())))
    front[140:144] = struct.pack("<I", 7)
    assert read_front(io.BytesIO(bytes(front))).offset == len(front)


def test_an_identity_that_the_group_lacks_is_empty() -> None:
    syntax = struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + EXPLICIT_LITTLE.encode() + b"\0"
    front = read_front(io.BytesIO(PREAMBLE + syntax))
    assert (front.sop_class_uid, front.sop_instance_uid) == ("", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "DICM"),
        (bytes(200), "DICM"),
        (PREAMBLE, "names no transfer syntax"),
        (PREAMBLE + b"\2\0\x10\0UI\x14\0" + b"1.2", "ends inside"),
        (PREAMBLE + b"\2\0\x10\0UI\x03\0../", "not a UID"),
        (PREAMBLE + b"\2\0\2\1OB\0\0\xff\xff\xff\xff", f"larger than {MAX_META_BYTES}"),
        (PREAMBLE + b"\2\0\2\1OB\0", "ends inside"),
        (PREAMBLE + b"\2\0\2", "ends inside"),
    ],
)
def test_what_is_no_part_10_file_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(NotPart10, match=words):
        read_front(io.BytesIO(content))


@given(st.binary(max_size=100))
def test_random_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    with suppress(NotPart10):
        assert read_front(io.BytesIO(PREAMBLE + data)).transfer_syntax_uid


def test_the_source_of_a_file_is_told_to_other_readers(tmp_path: Path) -> None:
    original = open_part10(pydicom_file("CT_small.dcm"))
    path = tmp_path / "written.dcm"
    path.write_bytes(front_of(original, "PACS_1") + b"".join(original.chunks()))
    read = dcmread(path)
    assert read.file_meta.SourceApplicationEntityTitle == "PACS_1"
    assert read.file_meta.FileMetaInformationGroupLength == len(front_of(original, "PACS_1")) - 132 - 12
    assert open_part10(path).length == original.length


@given(st.text(max_size=40))
def test_no_title_of_a_source_makes_a_front_unreadable(title: str) -> None:
    front = front_of(Instance("1.2", "1.3", EXPLICIT_LITTLE, ()), title)
    assert read_front(io.BytesIO(front)).offset == len(front)
