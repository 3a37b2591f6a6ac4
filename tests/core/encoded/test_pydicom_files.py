"""Every file that pydicom ships: the walk finds the tags, VRs and value bytes that pydicom finds, at every depth."""

import warnings
import zlib
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from adit.encoded import writing
from adit.encoded.elements import Element, Malformed, elements, holds_items, items, nested_encoding
from adit.encoded.encoding import EXPLICIT_LITTLE, Encoding
from adit.testing.pydicom_files import pydicom_file, shipped_files

DEFLATED = "1.2.840.10008.1.2.1.99"
BROKEN = {
    "DICOMDIR-nooffset": "ElementTooLong",  # an item is shorter than its last element
    "MR_truncated.dcm": "ElementTooLong",
    "no_meta.dcm": "ElementTooLong",  # its first byte is missing
    "rtplan_truncated.dcm": "ElementTooLong",
}
"""What pydicom reads with a shrug."""
IMPLICIT_INSIDE_EXPLICIT = "SC_rgb_jpeg.dcm"


def opened(path: Path) -> tuple[Dataset, bytes, Encoding]:
    """What pydicom reads, the encoded data set without what is in front of it, and its encoding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = dcmread(path, force=True)
    raw = path.read_bytes()
    implicit_vr, little_endian = read.original_encoding
    assert implicit_vr is not None
    assert little_endian is not None
    start = 132 if raw[128:132] == b"DICM" else 0
    if raw[start : start + 2] == b"\x02\0":
        for element in elements(raw, start, len(raw), EXPLICIT_LITTLE, until=lambda tag: tag >> 16 != 2):
            start = element.end
    data = raw[start:]
    if read.file_meta.get("TransferSyntaxUID") == DEFLATED:
        data = zlib.decompress(data, -zlib.MAX_WBITS)
    return read, data, Encoding(implicit_vr, little_endian)


def compare(data: bytes, start: int, end: int, encoding: Encoding, read: Dataset) -> int:
    """Assert that both found the same from here down; how many elements that were."""
    walked = list(elements(data, start, end, encoding))
    assert [element.tag for element in walked] == [int(tag) for tag in read._dict]
    return sum(1 + compare_element(data, element, encoding, read) for element in walked)


def compare_element(data: bytes, element: Element, encoding: Encoding, read: Dataset) -> int:
    found = read.get_item(BaseTag(element.tag))
    if isinstance(found, RawDataElement):
        # pydicom leaves open what the dictionary leaves open.
        assert found.VR is None or element.vr.decode() in found.VR.split(" or ")
        assert data[element.value : element.stop] == (found.value or b"")
    else:
        # What pydicom decodes unasked; it names the VR of an UN that the dictionary knows.
        assert element.vr in (b"UN", found.VR.encode())
        assert holds_items(element) == (found.VR == "SQ")
    if not holds_items(element):
        return 0
    inner = read[element.tag].value
    assert isinstance(inner, Sequence)
    walked = list(items(data, element, encoding))
    assert len(walked) == len(inner)
    below = nested_encoding(element, encoding)
    return sum(compare(data, item.value, item.stop, below, inside) for item, inside in zip(walked, inner, strict=True))


def written(data: bytes, start: int, end: int, encoding: Encoding) -> bytes:
    """The elements taken apart to the last level, and written again with the kind of length that they had."""
    parts = []
    for element in elements(data, start, end, encoding):
        value = data[element.value : element.stop]
        inner = nested_encoding(element, encoding)
        if holds_items(element):
            value = b""
            for item in items(data, element, encoding):
                content = written(data, item.value, item.stop, inner)
                undefined = item.stop != item.end
                header = writing.open_item(inner) if undefined else b"\xfe\xff\x00\xe0"
                if not undefined and not inner.little_endian:
                    header = b"\xff\xfe\xe0\x00"
                if not undefined:
                    header += len(content).to_bytes(4, "little" if inner.little_endian else "big")
                value += header + content + (writing.close_item(inner) if undefined else b"")
        if element.undefined:
            parts += [writing.open_sequence(element.tag, element.vr, encoding), value, writing.close_sequence(inner)]
        else:
            parts.append(writing.element_header(element.tag, element.vr, len(value), encoding) + value)
    return b"".join(parts)


@pytest.mark.parametrize(
    "path", [path for path in shipped_files() if path.name not in BROKEN], ids=lambda path: path.name
)
def test_the_walk_reads_what_pydicom_reads(path: Path) -> None:
    read, data, encoding = opened(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert compare(data, 0, len(data), encoding, read) >= len(read)
    if path.name != IMPLICIT_INSIDE_EXPLICIT:
        assert written(data, 0, len(data), encoding) == data


def test_what_was_implicit_inside_explicit_is_written_explicit() -> None:
    _, data, encoding = opened(pydicom_file(IMPLICIT_INSIDE_EXPLICIT))
    repaired = written(data, 0, len(data), encoding)
    assert repaired != data
    assert values(repaired, encoding) == values(data, encoding)


def values(data: bytes, encoding: Encoding) -> list[tuple[int, bytes, bytes]]:
    return [(e.tag, e.vr, data[e.value : e.stop]) for e in elements(data, 0, len(data), encoding)]


@pytest.mark.parametrize("path", [path for path in shipped_files() if path.name in BROKEN], ids=lambda path: path.name)
def test_what_ends_too_early_is_not_read_with_a_shrug(path: Path) -> None:
    _, data, encoding = opened(path)
    with pytest.raises(Malformed) as raised:
        written(data, 0, len(data), encoding)
    assert raised.value.reason == BROKEN[path.name]


def test_the_files_are_all_there() -> None:
    assert len(shipped_files()) > 150
