"""Blanking JPEG baseline: decoded, blanked, and described as what it has become."""

from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate_extended
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from adit.api.pseudonymization_profile import Rectangle
from adit.pseudonymization.pixels import fragments, jpeg
from adit.pseudonymization.pixels.raster import Unblankable
from adit.testing.pydicom_files import pydicom_file
from adit.transfer.instance import FileSlice
from tests.core.pseudonymization.rasters import blank, blank_part10, image, with_frames

ROWS, COLUMNS = 33, 41
TOP = Rectangle(left=4, top=0, width=30, height=9)
LOW = Rectangle(left=0, top=24, width=41, height=9)


def picture(mode: str, number: int = 0) -> Image.Image:
    """Gradients that no frame shares with another, and nothing black in them."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    planes = [70 + number * 9 + x + y, 200 - x - number * 5, 60 + 3 * y]
    if mode == "L":
        return Image.fromarray(planes[0].astype(np.uint8), "L")
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8), "RGB")


def jpeg_of(mode: str, number: int = 0, **options: bool | int) -> bytes:
    file = BytesIO()
    picture(mode, number).save(file, "JPEG", quality=95, **options)
    return file.getvalue() + b"\0" * (len(file.getvalue()) % 2)


def clip(photometric: str, frames: int = 1, **options: bool | int) -> Dataset:
    mode = "L" if photometric.startswith("MONOCHROME") else "RGB"
    dataset = image(photometric)
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    return with_frames(dataset, [jpeg_of(mode, number) for number in range(frames)], **options)


def mask_of(*regions: Rectangle, rows: int = ROWS, columns: int = COLUMNS) -> NDArray[np.bool_]:
    mask = np.zeros((rows, columns), bool)
    for region in regions:
        mask[region.top : region.top + region.height, region.left : region.left + region.width] = True
    return mask


def reason(dataset: Dataset, folder: Path, region: Rectangle = TOP) -> str:
    with pytest.raises(Unblankable) as refused:
        blank(dataset, [region], folder)
    assert not (folder / "spooled.blanked").exists()
    return refused.value.reason


@pytest.mark.parametrize(
    ("photometric", "becomes", "black"),
    [
        ("MONOCHROME2", "MONOCHROME2", 0),
        ("MONOCHROME1", "MONOCHROME1", 255),
        ("YBR_FULL_422", "RGB", 0),
        ("YBR_FULL", "RGB", 0),
    ],
)
def test_a_decoded_image_is_blank_in_its_regions_and_itself_elsewhere(
    tmp_path: Path, photometric: str, becomes: str, black: int
) -> None:
    dataset = clip(photometric)
    before = np.asarray(Image.open(BytesIO(jpeg_of("L" if dataset.SamplesPerPixel == 1 else "RGB"))))
    done, after = blank(dataset, [TOP, LOW], tmp_path)
    mask = mask_of(TOP, LOW)
    assert (after.pixel_array[mask] == black).all()
    assert (after.pixel_array[~mask] == before[~mask]).all()
    assert (done.transfer_syntax_uid, after.PhotometricInterpretation) == (ExplicitVRLittleEndian, becomes)


def test_the_attributes_say_what_the_pixels_have_become(tmp_path: Path) -> None:
    dataset = clip("YBR_FULL_422")
    dataset.PlanarConfiguration, dataset.BitsStored, dataset.HighBit = 1, 7, 6
    _, after = blank(dataset, [TOP], tmp_path)
    assert (after.SamplesPerPixel, after.PlanarConfiguration) == (3, 0)
    assert (after.BitsAllocated, after.BitsStored, after.HighBit) == (8, 8, 7)
    assert (after.LossyImageCompression, after.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    compressed = len(jpeg_of("RGB"))
    assert float(after.LossyImageCompressionRatio) == pytest.approx(ROWS * COLUMNS * 3 / compressed, abs=0.01)
    assert after["PixelData"].VR == "OB"
    assert len(after.PixelData) == ROWS * COLUMNS * 3 + 1


def test_an_earlier_loss_stays_told(tmp_path: Path) -> None:
    dataset = clip("MONOCHROME2")
    dataset.LossyImageCompression = "00"
    dataset.LossyImageCompressionRatio, dataset.LossyImageCompressionMethod = [9, 4], ["ISO_15444_1", "ISO_10918_1"]
    _, after = blank(dataset, [TOP], tmp_path)
    assert after.LossyImageCompression == "01"
    assert list(after.LossyImageCompressionRatio) == [9, 4]
    assert list(after.LossyImageCompressionMethod) == ["ISO_15444_1", "ISO_10918_1"]


@pytest.mark.parametrize("has_bot", [True, False])
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "YBR_FULL_422"])
def test_every_frame_is_found_and_blanked(tmp_path: Path, photometric: str, parts: int, *, has_bot: bool) -> None:
    dataset = clip(photometric, 4, fragments=parts, has_bot=has_bot)
    _, after = blank(dataset, [LOW], tmp_path)
    frames = after.pixel_array
    assert len(frames) == 4
    assert (frames[:, mask_of(LOW)] == 0).all()
    for earlier, later in pairwise(frames):
        assert later[0, 0].flat[0] > earlier[0, 0].flat[0]


def test_one_frame_may_lie_in_several_fragments_without_a_table(tmp_path: Path) -> None:
    _, after = blank(clip("MONOCHROME2", 1, fragments=5, has_bot=False), [TOP], tmp_path)
    assert (after.pixel_array[mask_of(TOP)] == 0).all()


def test_the_extended_offset_table_goes_with_the_fragments(tmp_path: Path) -> None:
    dataset = clip("MONOCHROME2", 2)
    raw, offsets, lengths = encapsulate_extended([jpeg_of("L", number) for number in range(2)])
    dataset.PixelData, dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = raw, offsets, lengths
    _, after = blank(dataset, [TOP], tmp_path)
    assert "ExtendedOffsetTable" not in after
    assert "ExtendedOffsetTableLengths" not in after
    assert (after.pixel_array[:, mask_of(TOP)] == 0).all()


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "examples_ybr_color.dcm",
    ],
)
def test_real_files_keep_their_colours_outside_of_the_regions(tmp_path: Path, name: str) -> None:
    region = Rectangle(left=0, top=0, width=2, height=3)
    before = dcmread(pydicom_file(name))
    _, after = blank_part10(pydicom_file(name), [region], tmp_path)
    mask = mask_of(region, rows=before.Rows, columns=before.Columns)
    for frame in {0, int(before.get("NumberOfFrames", 1)) - 1}:
        old, new = (pixel_array(one, index=frame).astype(int) for one in (before, after))
        assert (new[mask] == 0).all()
        # pydicom turns luma and chroma into colours by itself, and rounds otherwise.
        assert np.abs(new[~mask] - old[~mask]).max() <= 2


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("Rows", ROWS + 1), ("Columns", COLUMNS + 7), ("Rows", 20_000), ("SamplesPerPixel", 3)],
)
def test_a_jpeg_that_is_not_what_the_header_says_is_refused(tmp_path: Path, keyword: str, value: int) -> None:
    dataset = clip("MONOCHROME2")
    setattr(dataset, keyword, value)
    if keyword == "SamplesPerPixel":
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    assert reason(dataset, tmp_path) == "JpegDiffersFromHeader"


@pytest.mark.parametrize(("frames", "said"), [(3, 2), (3, 4), (2, 1_000_000), (1, 2)])
@pytest.mark.parametrize("has_bot", [True, False])
def test_another_number_of_frames_is_refused(tmp_path: Path, frames: int, said: int, *, has_bot: bool) -> None:
    dataset = clip("MONOCHROME2", frames, has_bot=has_bot)
    dataset.NumberOfFrames = said
    assert reason(dataset, tmp_path) == ("PixelDataTooLarge" if said > 4 else "FramesUnclear")


def test_frames_that_say_to_be_one_are_refused(tmp_path: Path) -> None:
    dataset = clip("MONOCHROME2", 3)
    dataset.NumberOfFrames = 1
    assert reason(dataset, tmp_path) == "FramesUnclear"


@pytest.mark.parametrize(
    ("rows", "columns", "frames"), [(65_535, 65_535, 1), (6_000, 7_000, 1), (5_000, 5_000, 100), (33, 41, 200_000)]
)
def test_a_bomb_is_refused_before_anything_is_decoded(tmp_path: Path, rows: int, columns: int, frames: int) -> None:
    dataset = clip("MONOCHROME2")
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = rows, columns, frames
    assert reason(dataset, tmp_path) == "PixelDataTooLarge"


def test_our_limit_lies_below_pillows() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert jpeg.MAX_FRAME_PIXELS < Image.MAX_IMAGE_PIXELS


def test_a_frame_far_longer_than_its_pixels_is_refused(tmp_path: Path) -> None:
    padded = jpeg_of("L") + bytes(3 << 20)
    dataset = with_frames(clip("MONOCHROME2"), [padded])
    assert reason(dataset, tmp_path) == "PixelDataTooLarge"


def test_a_progressive_jpeg_is_refused(tmp_path: Path) -> None:
    dataset = with_frames(clip("YBR_FULL"), [jpeg_of("RGB", progressive=True)])
    assert reason(dataset, tmp_path) == "JpegUnreadable"


def test_colours_that_the_file_calls_untransformed_are_refused_as_luma_and_chroma(tmp_path: Path) -> None:
    dataset = with_frames(clip("RGB"), [jpeg_of("RGB", keep_rgb=True)])
    _, after = blank(dataset, [TOP], tmp_path)
    assert (after.pixel_array[mask_of(TOP)] == 0).all()
    dataset.PhotometricInterpretation = "YBR_FULL"
    assert reason(dataset, tmp_path) == "JpegDiffersFromHeader"


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 10, 100, 300, -20])
def test_a_jpeg_that_ends_early_is_refused(tmp_path: Path, kept: int) -> None:
    whole = jpeg_of("RGB")
    dataset = with_frames(clip("YBR_FULL"), [whole[:kept] or b"\0\0"])
    assert reason(dataset, tmp_path) in {"JpegUnreadable", "FramesUnclear"}


@pytest.mark.parametrize("end", [b"", b"\xfe\xff\xdd\xe0\0\0\0", b"\xfe\xff\x00\xe0\xff\xff\xff\xff"])
def test_fragments_that_do_not_end_are_refused(tmp_path: Path, end: bytes) -> None:
    raw = b"\xfe\xff\x00\xe0" + bytes(4) + b"\xfe\xff\x00\xe0\x02\0\0\0\xff\xd8" + end
    (path := tmp_path / "pixel").write_bytes(raw)
    with pytest.raises(Unblankable, match="FramesUnclear"):
        fragments.frames_of(FileSlice(path, 0, len(raw)), 1)


@pytest.mark.parametrize("table", [[0, 4], [4, 30], [0, 0], [0, 1 << 31], [30, 0]])
def test_a_table_that_points_elsewhere_is_refused(tmp_path: Path, table: list[int]) -> None:
    dataset = clip("MONOCHROME2", 2)
    raw = bytearray(dataset.PixelData)
    raw[8:16] = b"".join(offset.to_bytes(4, "little") for offset in table)
    dataset.PixelData = bytes(raw)
    assert reason(dataset, tmp_path) == "FramesUnclear"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 700), st.binary(max_size=4)), min_size=1, max_size=4), st.booleans())
def test_whatever_a_jpeg_holds_it_is_blanked_or_refused(
    tmp_path: Path,
    edits: list[tuple[int, bytes]],
    coloured: bool,  # noqa: FBT001 - given by Hypothesis
) -> None:
    raw = bytearray(jpeg_of("RGB" if coloured else "L"))
    for position, piece in edits:
        raw[position : position + 2] = piece
    dataset = with_frames(clip("YBR_FULL_422" if coloured else "MONOCHROME2"), [bytes(raw) + b"\0" * (len(raw) % 2)])
    assert dataset.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    refused, after = "", None
    try:
        _, after = blank(dataset, [TOP], tmp_path)
    except Unblankable as refusal:
        refused = refusal.reason
    assert refused in {"", "JpegUnreadable", "JpegDiffersFromHeader"}
    assert after is None or (after.pixel_array[mask_of(TOP)] == 0).all()
