"""Blanking native pixels: the regions, all of them, and nothing else."""

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from adit.api.pseudonymization_profile import Rectangle
from adit.encoded.encoding import EXPLICIT_LITTLE
from adit.pseudonymization.pixels.native import blank_native
from adit.pseudonymization.pixels.raster import Raster, Unblankable
from adit.testing.pydicom_files import pydicom_file
from adit.transfer.instance import FileSlice
from tests.core.pseudonymization.rasters import (
    CORNER,
    MIDDLE,
    blank,
    blank_file,
    blank_part10,
    encoded,
    image,
    with_frames,
    with_noise,
)

SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]


def inside(regions: Sequence[Rectangle], rows: int, columns: int) -> NDArray[np.bool_]:
    mask = np.zeros((rows, columns), bool)
    for region in regions:
        mask[region.top : region.top + region.height, region.left : region.left + region.width] = True
    return mask


def assert_blanked(before: Dataset, after: Dataset, regions: Sequence[Rectangle], *, blank: object = 0) -> None:
    mask = inside(regions, before.Rows, before.Columns)
    frames = int(before.get("NumberOfFrames", 1))
    shape = (frames, before.Rows, before.Columns, before.SamplesPerPixel)
    old, new = (pixel_array(one, raw=True).reshape(shape) for one in (before, after))
    assert (new[:, ~mask] == old[:, ~mask]).all()
    assert (new[:, mask] == blank).all()


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("photometric", "bits", "expected"),
    [
        ("MONOCHROME2", 8, 0),
        ("MONOCHROME1", 8, 0xFF),
        ("PALETTE COLOR", 8, 0),
        ("RGB", 8, 0),
        ("YBR_FULL", 8, (0, 128, 128)),
        ("MONOCHROME2", 16, 0),
        ("MONOCHROME1", 16, 0xFFFF),
        ("RGB", 16, 0),
        ("MONOCHROME2", 32, 0),
    ],
)
def test_the_regions_are_blank_and_the_rest_is_as_it_was(
    tmp_path: Path, syntax: str, photometric: str, bits: int, expected: object
) -> None:
    dataset = image(photometric, bits=bits, syntax=syntax)
    done, after = blank(dataset, [CORNER, MIDDLE], tmp_path)
    assert_blanked(dataset, after, [CORNER, MIDDLE], blank=expected)
    assert (done.transfer_syntax_uid, dict(done.changes)) == (syntax, {})
    assert done.pixel.length == len(dataset.PixelData)


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB", "YBR_FULL"])
@pytest.mark.parametrize("region", [CORNER, MIDDLE, Rectangle(left=6, top=4, width=1, height=1)])
def test_bytes_in_words_of_the_other_order_are_found(tmp_path: Path, photometric: str, region: Rectangle) -> None:
    dataset = with_noise(image(photometric, syntax=ExplicitVRBigEndian), vr="OW")
    _, after = blank(dataset, [region], tmp_path)
    assert after["PixelData"].VR == "OW"
    assert_blanked(dataset, after, [region], blank=(0, 128, 128) if photometric == "YBR_FULL" else 0)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_every_frame_is_blanked_in_every_plane(tmp_path: Path, planar: int, photometric: str) -> None:
    dataset = image(photometric)
    dataset.PlanarConfiguration, dataset.NumberOfFrames = planar, "3"
    with_noise(dataset)
    _, after = blank(dataset, [MIDDLE], tmp_path)
    assert_blanked(dataset, after, [MIDDLE], blank=(0, 128, 128) if photometric == "YBR_FULL" else 0)


def test_stored_bits_make_the_black_of_inverted_images(tmp_path: Path) -> None:
    dataset = image("MONOCHROME1", bits=16)
    dataset.BitsStored, dataset.HighBit = 12, 11
    _, after = blank(dataset, [CORNER], tmp_path)
    assert after.pixel_array[0, 0] == 0x0FFF
    dataset.PixelRepresentation = 1
    _, after = blank(dataset, [CORNER], tmp_path)
    assert after.pixel_array[0, 0] == 0x07FF


def test_a_large_image_is_never_in_memory(tmp_path: Path) -> None:
    raster = Raster(2048, 2048, 8, 3, 8, 8, signed=False, photometric="RGB", planar=True)
    (source := tmp_path / "source").write_bytes(b"")
    with source.open("r+b") as file:
        file.truncate(2048 * 2048 * 8 * 3)
    pixel, header = FileSlice(source, 0, source.stat().st_size), b"\xe0\x7f\x10\x00OB\0\0\0\0\0\6"
    regions = [Rectangle(left=0, top=0, width=2048, height=200)]
    tracemalloc.start()
    try:
        blank_native(pixel, header, EXPLICIT_LITTLE, raster=raster, regions=regions, target=tmp_path / "blanked")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "blanked").stat().st_size == pixel.length
    assert peak < 4 << 20


@pytest.mark.parametrize(("tag", "vr", "bits"), [(0x7FE00008, "OF", 32), (0x7FE00009, "OD", 64)])
def test_numbers_with_a_fraction_are_blanked(tmp_path: Path, tag: int, vr: str, bits: int) -> None:
    dataset = with_noise(image(bits=bits), tag=tag, vr=vr)
    _, after = blank(dataset, [CORNER], tmp_path)
    assert_blanked(dataset, after, [CORNER])


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
        "ExplVR_BigEnd.dcm",
        "SC_rgb_small_odd.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "examples_palette.dcm",
        "rtdose.dcm",
        "rtdose_expb.dcm",
    ],
)
def test_real_files_are_blanked(tmp_path: Path, name: str) -> None:
    region = Rectangle(left=1, top=1, width=2, height=2)
    _, after = blank_part10(pydicom_file(name), [region], tmp_path)
    assert_blanked(dcmread(pydicom_file(name)), after, [region])


REGIONS = st.lists(
    st.builds(
        Rectangle, left=st.integers(0, 3), top=st.integers(0, 2), width=st.integers(1, 4), height=st.integers(1, 3)
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def images(draw: st.DrawFn) -> Dataset:
    photometric = draw(st.sampled_from(["MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL"]))
    dataset = image(photometric, bits=draw(st.sampled_from([8, 16])), syntax=draw(st.sampled_from(SYNTAXES)))
    dataset.NumberOfFrames, dataset.PlanarConfiguration = draw(st.integers(1, 4)), draw(st.integers(0, 1))
    return with_noise(dataset, vr="OW")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(images(), REGIONS)
def test_no_byte_outside_of_the_regions_changes(tmp_path: Path, dataset: Dataset, regions: list[Rectangle]) -> None:
    done, after = blank(dataset, regions, tmp_path)
    bits = dataset.BitsAllocated
    blank_bytes = int(inside(regions, 5, 7).sum()) * dataset.NumberOfFrames * dataset.SamplesPerPixel * bits // 8
    differences = sum(old != new for old, new in zip(dataset.PixelData, done.pixel.read(), strict=True))
    black = {"MONOCHROME1": (1 << bits) - 1, "YBR_FULL": (0, 1 << (bits - 1), 1 << (bits - 1))}
    assert_blanked(dataset, after, regions, blank=black.get(dataset.PhotometricInterpretation, 0))
    assert differences <= blank_bytes


def reason(dataset: Dataset, folder: Path, *regions: Rectangle) -> str:
    with pytest.raises(Unblankable) as refused:
        blank(dataset, regions or (CORNER,), folder)
    assert not (folder / "spooled.blanked").exists()
    return refused.value.reason


@pytest.mark.parametrize(
    "region",
    [
        Rectangle(left=5, top=0, width=3, height=1),
        Rectangle(left=0, top=4, width=1, height=2),
        Rectangle(left=65_535, top=65_535, width=65_535, height=65_535),
    ],
)
def test_a_region_that_is_not_inside_is_refused(tmp_path: Path, region: Rectangle) -> None:
    assert reason(image(), tmp_path, CORNER, region) == "RegionOutsideImage"


@pytest.mark.parametrize("surplus", [-2, 2, 100])
def test_pixels_of_another_length_are_refused(tmp_path: Path, surplus: int) -> None:
    dataset = image()  # 35 bytes, and one of padding
    raw = dataset.PixelData
    dataset.PixelData = raw[:surplus] if surplus < 0 else raw + bytes(surplus)
    assert len(raw) == 36
    assert reason(dataset, tmp_path) == "PixelDataLength"


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("BitsAllocated", 1),
        ("BitsAllocated", 12),
        ("BitsAllocated", None),
        ("SamplesPerPixel", 3),
        ("SamplesPerPixel", None),
        ("PhotometricInterpretation", "YBR_FULL_422"),
        ("PhotometricInterpretation", "MONOCHROME2\\RGB"),
        ("PhotometricInterpretation", ""),
        ("Rows", None),
        ("Rows", [5, 5]),
        ("NumberOfFrames", 0),
        ("NumberOfFrames", [1, 1]),
    ],
)
def test_an_unclear_layout_is_refused(tmp_path: Path, keyword: str, value: object) -> None:
    dataset = image()
    setattr(dataset, keyword, value)
    assert reason(dataset, tmp_path) == "PixelLayoutUnknown"


@pytest.mark.parametrize("planar", [None, 2])
def test_colours_in_an_unknown_order_are_refused(tmp_path: Path, planar: int | None) -> None:
    dataset = image("RGB")
    dataset.PlanarConfiguration = planar
    assert reason(dataset, tmp_path) == "PixelLayoutUnknown"


def test_bytes_that_may_or_may_not_be_swapped_are_refused(tmp_path: Path) -> None:
    dataset = image(syntax=ExplicitVRBigEndian)
    unknown = encoded(dataset).replace(b"\x7f\xe0\x00\x10OB", b"\x7f\xe0\x00\x10UN")
    (path := tmp_path / "spooled").write_bytes(unknown)
    with pytest.raises(Unblankable, match="PixelLayoutUnknown"):
        blank_file(path, FileSlice(path, 0, len(unknown)), dataset, [CORNER])
    dataset = with_noise(image("MONOCHROME1", bits=32, syntax=ExplicitVRBigEndian))
    assert reason(dataset, tmp_path) == "PixelLayoutUnknown"


def test_an_object_without_pixels_is_refused(tmp_path: Path) -> None:
    dataset = image()
    del dataset.PixelData
    assert reason(dataset, tmp_path) == "PixelLayoutUnknown"


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "MR_small_RLE.dcm", "JPGExtended.dcm", "SC_rgb_jpeg_gdcm.dcm"])
def test_a_syntax_that_is_not_decoded_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unblankable) as refused:
        blank_part10(pydicom_file(name), [Rectangle(left=0, top=0, width=1, height=1)], tmp_path)
    assert refused.value.reason == "SyntaxNotBlanked"


def test_fragments_under_a_native_syntax_are_refused(tmp_path: Path) -> None:
    dataset = with_frames(image(), [b"\xff\xd8\xff\xd9"])
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with pytest.raises(Unblankable, match="PixelLayoutUnknown"):
        blank(dataset, [CORNER], tmp_path)
