"""Head, pixel value and trailer of an encoded data set, found without reading them, however large a head is."""

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.encoded import writing
from adit.encoded.elements import Malformed
from adit.encoded.encoding import encoding_of
from adit.transfer.instance import FileSlice
from adit.transfer.split import Parts, inflated, split

IMPLICIT, EXPLICIT, BIG, JPEG = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50",
)
LITTLE = encoding_of(EXPLICIT)
NAME, BEHIND = 0x00100010, 0xFFFCFFFC
FRAGMENTS = b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0\x08\0\0\0" + b"\xfe\xff\xdd\xe0\xff\xd9\xff\xd9"
MEBIBYTE = 1 << 20


def written(folder: Path, data: bytes) -> FileSlice:
    """The data set in a file in which other bytes stand in front of it."""
    path = folder / "instance"
    path.write_bytes(b"in front" + data)
    return FileSlice(path, 8, len(data))


def split_bytes(folder: Path, data: bytes, syntax: str = EXPLICIT) -> Parts:
    return split(written(folder, data), syntax)


def encoded(syntax: str, *, pixel: bytes = b"pixels", tag: int = 0x7FE00010) -> tuple[bytes, bytes, bytes]:
    """Head, pixel element and trailer."""
    encoding = encoding_of(syntax)
    return (
        writing.element(NAME, b"PN", b"Doe", encoding) + writing.sequence(0x00081140, b"SQ", [b""], encoding),
        writing.element(tag, b"OW", pixel, encoding),
        writing.element(BEHIND, b"OB", b"", encoding),
    )


@pytest.mark.parametrize("tag", [0x7FE00008, 0x7FE00009, 0x7FE00010])
@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_the_parts_are_where_they_lie(tmp_path: Path, syntax: str, tag: int) -> None:
    head, pixel, trailer = encoded(syntax, tag=tag)

    parts = split_bytes(tmp_path, head + pixel + trailer, syntax)

    assert parts.pixel_header is not None
    assert parts.pixel is not None
    assert parts.trailer is not None
    assert (parts.head.start, parts.head.read()) == (8, head)
    assert (parts.pixel_header.read() + parts.pixel.read(), parts.pixel.read()) == (pixel, b"pixels")
    assert (parts.trailer.read(), parts.encoding) == (trailer, encoding_of(syntax))


def test_encapsulated_pixels_end_with_their_delimiter(tmp_path: Path) -> None:
    head, _, trailer = encoded(JPEG)
    pixel = FRAGMENTS + writing.close_sequence(LITTLE)

    parts = split_bytes(tmp_path, head + writing.open_sequence(0x7FE00010, b"OB", LITTLE) + pixel + trailer, JPEG)

    assert parts.pixel is not None
    assert parts.trailer is not None
    assert (parts.pixel.read(), parts.trailer.read()) == (pixel, trailer)


def test_a_data_set_without_pixels_is_all_head(tmp_path: Path) -> None:
    head, _, _ = encoded(EXPLICIT)
    whole = written(tmp_path, head)
    assert split(whole, EXPLICIT) == Parts(LITTLE, whole, None, None, None)


def test_an_empty_data_set_is_an_empty_head(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    whole = FileSlice(tmp_path / "empty", 0, 0)
    assert split(whole, EXPLICIT) == Parts(LITTLE, whole, None, None, None)


def test_pixels_that_end_the_data_set_have_no_trailer(tmp_path: Path) -> None:
    head, pixel, _ = encoded(EXPLICIT)
    assert split_bytes(tmp_path, head + pixel).trailer is None


def test_pixels_inside_a_sequence_are_the_sequences(tmp_path: Path) -> None:
    _, pixel, _ = encoded(EXPLICIT)
    assert split_bytes(tmp_path, writing.sequence(0x00880200, b"SQ", [pixel], LITTLE)).pixel is None


HEAD, PIXEL, _ = encoded(EXPLICIT)
OPEN_PIXEL = writing.open_sequence(0x7FE00010, b"OB", LITTLE)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEAD[:-3], "ElementTooLong"),
        (HEAD + b"1234", "ElementTruncated"),
        (HEAD + writing.close_item(LITTLE), "NotADataSet"),
        (HEAD + PIXEL[:-1], "PixelDataTruncated"),
        (HEAD + PIXEL[:10], "PixelDataTruncated"),
        (HEAD + OPEN_PIXEL + FRAGMENTS, "PixelDataTruncated"),
        (HEAD + OPEN_PIXEL + FRAGMENTS[:-3], "PixelDataTruncated"),
        (HEAD + OPEN_PIXEL + b"no items", "PixelDataTruncated"),
        (HEAD + OPEN_PIXEL + writing.open_item(LITTLE) + writing.close_sequence(LITTLE), "PixelDataTruncated"),
        (HEAD + writing.element(0x7FE00010, b"LT", b"Doe^John", LITTLE), "PixelDataVr"),
        (HEAD + writing.element(0x7FE00010, b"SQ", b"", LITTLE), "PixelDataVr"),
    ],
)
def test_parts_that_do_not_add_up_have_a_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as raised:
        split_bytes(tmp_path, data)
    assert raised.value.reason == reason


def test_a_file_that_is_shorter_than_promised_is_malformed(tmp_path: Path) -> None:
    whole = written(tmp_path, HEAD)
    with pytest.raises(Malformed, match="ElementTruncated"):
        split(FileSlice(whole.path, whole.start, whole.length + 8), EXPLICIT)


@settings(deadline=None, max_examples=150)
@given(data=st.binary(max_size=80), front=st.sampled_from([b"", HEAD, HEAD + OPEN_PIXEL, HEAD + PIXEL[:8]]))
def test_any_bytes_are_parts_that_add_up_or_malformed(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, front: bytes
) -> None:
    whole = written(tmp_path_factory.getbasetemp(), front + data)
    for syntax in (IMPLICIT, EXPLICIT, BIG):
        try:
            parts = split(whole, syntax)
        except Malformed:
            continue
        pieces = [part for part in (parts.head, parts.pixel_header, parts.pixel, parts.trailer) if part is not None]
        assert b"".join(piece.read() for piece in pieces) == front + data


def test_a_head_is_as_large_as_the_limit_allows(tmp_path: Path) -> None:
    head, pixel, trailer = encoded(EXPLICIT)
    whole = written(tmp_path, head + pixel + trailer)
    assert split(whole, EXPLICIT, max_part_bytes=len(head)).head.length == len(head)
    with pytest.raises(Malformed, match="HeaderTooLarge"):
        split(whole, EXPLICIT, max_part_bytes=len(head) - 1)
    late = written(tmp_path, pixel + trailer * 9)
    with pytest.raises(Malformed, match="HeaderTooLarge"):
        split(late, EXPLICIT, max_part_bytes=len(head))


@pytest.mark.parametrize("length", [(2 << 30) - 12, 2 << 30])
def test_a_head_of_two_gigabytes_is_the_largest(tmp_path: Path, length: int) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.write(writing.element_header(0x00420011, b"OB", length, LITTLE))
        file.truncate(12 + length)  # a hole, which takes no room
    whole = FileSlice(tmp_path / "large", 0, 12 + length)
    if length < 2 << 30:
        assert split(whole, EXPLICIT).head == whole
    else:
        with pytest.raises(Malformed, match="HeaderTooLarge"):
            split(whole, EXPLICIT)


PEAK = """
import resource, sys
from pathlib import Path
from adit.transfer.instance import FileSlice
from adit.transfer.split import split

path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
parts = split(FileSlice(path, 0, path.stat().st_size), "1.2.840.10008.1.2.1")
print(parts.head.length, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("nested", [False, True], ids=["top level", "without length"])
def test_what_a_walk_passed_does_not_stay_in_memory(tmp_path: Path, nested: bool) -> None:  # noqa: FBT001  # a parameter
    path, size = tmp_path / "large", 96 * MEBIBYTE
    page = writing.element(0x00091010, b"OB", bytes(4084), LITTLE)
    opening, closing = b"", b""
    if nested:
        opening = writing.open_sequence(0x00081140, b"SQ", LITTLE) + writing.open_item(LITTLE)
        closing = writing.close_item(LITTLE) + writing.close_sequence(LITTLE)
    with path.open("wb") as file:
        file.write(opening)
        for _ in range(size // MEBIBYTE):
            file.write(page * (MEBIBYTE // len(page)))
        file.write(closing)

    told = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True).stdout

    length, kibibytes = map(int, told.split())
    assert length == path.stat().st_size > 95 * MEBIBYTE
    assert kibibytes < 32 << 10


def test_a_deflated_data_set_is_inflated_to_explicit_little_endian(tmp_path: Path) -> None:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(HEAD) + deflater.flush() + b"\0"
    found, syntax = inflated(written(tmp_path, deflated), tmp_path / "inflated")
    assert (found.read(), syntax) == (HEAD, EXPLICIT)


@pytest.mark.parametrize(("raw", "reason"), [(b"\x07 no stream", "DeflatedCorrupt"), (b"", "DeflatedTruncated")])
def test_what_cannot_be_inflated_has_a_reason(tmp_path: Path, raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        inflated(written(tmp_path, raw), tmp_path / "inflated")
