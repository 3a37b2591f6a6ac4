"""Decodes JPEG baseline frame by frame and blanks regions on the way; what comes out is native pixels.

Nothing is decoded before its own header has said what the data set says: a small file cannot ask for much memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from struct import error as struct_error
from typing import BinaryIO

from PIL import Image

from adit.api.pseudonymization_profile import Rectangle
from adit.pseudonymization.pixels.fragments import Frame, frames_of
from adit.pseudonymization.pixels.raster import MONOCHROME, Raster, Unblankable
from adit.transfer.instance import READ_SIZE, FileSlice

# Pillow holds a frame in four bytes for each pixel. Its own limit, which stays on, is about twice this.
MAX_FRAME_PIXELS = 40_000_000
MAX_DECODED_BYTES = 2 << 30
# A frame that is longer than this much of what it stands for is no compression of it.
_HEADER_ALLOWANCE = 1 << 20

_SAMPLES = {"MONOCHROME1": 1, "MONOCHROME2": 1, "RGB": 3, "YBR_FULL": 3, "YBR_FULL_422": 3}
_BASELINE, _EXTENDED = 0xC0, 0xC1
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_SCAN, _END_OF_IMAGE, _FILL = 0xDA, 0xD9, 0xFF
_FRAME_HEADER_BYTES = 8
_BITS = 8


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was written: photometric interpretation of the native pixels, and their bytes to those of the JPEGs."""

    photometric: str
    ratio: float


def decode_blanked(pixel: FileSlice, raster: Raster, regions: Iterable[Rectangle], target: Path) -> Decoded:
    """Write every frame to `target`, pixel by pixel, padded to an even number of bytes. Raises Unblankable."""
    if _SAMPLES.get(raster.photometric) != raster.samples:
        raise Unblankable("PixelLayoutUnknown")
    total = raster.frames * raster.frame_pixels * raster.samples
    if raster.frame_pixels > MAX_FRAME_PIXELS or total > MAX_DECODED_BYTES:
        raise Unblankable("PixelDataTooLarge")
    frames = frames_of(pixel, raster.frames)
    boxes = [(region.left, region.top, region.left + region.width, region.top + region.height) for region in regions]
    with target.open("wb") as file:
        for frame in frames:
            image = _decoded(_joined(frame, raster), raster)
            for box in boxes:
                image.paste(_blank(raster), box)
            _write(file, image)
        if total % 2:
            file.write(b"\0")
    compressed = sum(fragment.length for frame in frames for fragment in frame)
    return Decoded(raster.photometric if raster.photometric in MONOCHROME else "RGB", total / compressed)


def _joined(frame: Frame, raster: Raster) -> bytes:
    length = sum(fragment.length for fragment in frame)
    if length > 2 * raster.frame_pixels * raster.samples + _HEADER_ALLOWANCE:
        raise Unblankable("PixelDataTooLarge")
    return b"".join(fragment.read() for fragment in frame)


def _decoded(data: bytes, raster: Raster) -> Image.Image:
    """One frame, of mode L, or of three samples that are red, green and blue whatever the mode is called."""
    _require_header(data, raster)
    try:
        image = Image.open(BytesIO(data), formats=("JPEG",))
        if image.size != (raster.columns, raster.rows):
            raise Unblankable("JpegDiffersFromHeader")
        transform = image.info.get("adobe_transform")
        if raster.photometric.startswith("YBR") and transform == 0:
            raise Unblankable("JpegDiffersFromHeader")
        if raster.photometric == "RGB" and transform is None and "jfif" not in image.info:
            # Neither Adobe's marker nor JFIF's says otherwise, and Pillow would take the samples for luma and chroma.
            image.draft("YCbCr", image.size)
        image.load()
    except (OSError, SyntaxError, ValueError, struct_error, Image.DecompressionBombError) as error:
        # An OSError with a number is the machine's; Pillow's, about the image, have none.
        if isinstance(error, Unblankable) or (isinstance(error, OSError) and error.errno is not None):
            raise
        raise Unblankable("JpegUnreadable") from error
    if image.size != (raster.columns, raster.rows) or len(image.getbands()) != raster.samples:
        raise Unblankable("JpegDiffersFromHeader")
    return image


def _blank(raster: Raster) -> int | tuple[int, int, int]:
    if raster.photometric in MONOCHROME:
        return 0xFF if raster.photometric == "MONOCHROME1" else 0
    return 0, 0, 0


def _write(file: BinaryIO, image: Image.Image) -> None:
    """In strips: the bytes of a whole frame beside the frame itself would be too much."""
    width, height = image.size
    strip = max(1, READ_SIZE // (width * len(image.getbands())))
    boxes = ((0, top, width, min(height, top + strip)) for top in range(0, height, strip))
    file.writelines(image.crop(box).tobytes() for box in boxes)


def _require_header(data: bytes, raster: Raster) -> None:
    """Read the frame header (ISO/IEC 10918-1 B.2.2) before anything is decoded. Raises Unblankable."""
    start = _frame_header(data)
    process, header = data[start + 1], data[start + 4 : start + 4 + 6]
    if process not in {_BASELINE, _EXTENDED}:
        raise Unblankable("JpegUnreadable")
    rows, columns = int.from_bytes(header[1:3], "big"), int.from_bytes(header[3:5], "big")
    if (header[0], rows, columns, header[5]) != (_BITS, raster.rows, raster.columns, raster.samples):
        raise Unblankable("JpegDiffersFromHeader")


def _frame_header(data: bytes) -> int:
    """The position of the marker that starts the first frame."""
    position = 2
    while data[:2] == b"\xff\xd8" and position + 2 + _FRAME_HEADER_BYTES <= len(data) and data[position] == _FILL:
        marker = data[position + 1]
        if marker in _START_OF_FRAME:
            return position
        if marker in {_START_OF_SCAN, _END_OF_IMAGE}:
            break
        if marker == _FILL:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    raise Unblankable("JpegUnreadable")
