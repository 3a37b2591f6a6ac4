"""Blanks regions of native pixels: a copy in which only the bytes of the regions differ."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from adit.api.pseudonymization_profile import Rectangle
from adit.encoded.encoding import Encoding
from adit.pseudonymization.pixels.raster import Raster, Unblankable
from adit.transfer.instance import FileSlice

FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA = 0x7FE00008, 0x7FE00009
_BITS_OF_FLOATS = {FLOAT_PIXEL_DATA: 32, DOUBLE_FLOAT_PIXEL_DATA: 64}
_SAMPLES = {"MONOCHROME1": 1, "MONOCHROME2": 1, "PALETTE COLOR": 1, "RGB": 3, "YBR_FULL": 3}
_WORD_BITS = 16

# Where bytes are overwritten, and with what.
Span = tuple[int, bytes]


def blank_native(
    pixel: FileSlice, header: bytes, encoding: Encoding, *, raster: Raster, regions: Iterable[Rectangle], target: Path
) -> None:
    """Copy the pixel value to `target`, regions blanked in every frame. Raises Unblankable.

    `header` is tag, VR and length of the pixel element.
    """
    tag = encoding.tag(header[:4])
    if tag in _BITS_OF_FLOATS and raster.bits_allocated != _BITS_OF_FLOATS[tag]:
        raise Unblankable("PixelLayoutUnknown")
    total = raster.frames * raster.frame_pixels * raster.samples * (raster.bits_allocated // 8)
    if _SAMPLES.get(raster.photometric) != raster.samples:
        raise Unblankable("PixelLayoutUnknown")
    if pixel.length != total + total % 2:
        # What lies behind the last frame, or is missing, cannot be blanked.
        raise Unblankable("PixelDataLength")
    fill = _fill(raster, encoding, floating=tag in _BITS_OF_FLOATS)
    swapped = _words_are_swapped(header, encoding, raster, fill)
    with target.open("w+b") as file:
        for chunk in pixel.chunks():
            file.write(chunk)
        for start, value in _spans(raster, regions, fill):
            if swapped:
                _write_swapped(file, start, value)
            else:
                file.seek(start)
                file.write(value)


def _fill(raster: Raster, encoding: Encoding, *, floating: bool) -> tuple[bytes, ...]:
    """The bytes of each sample of a blank pixel: black, as far as the photometric interpretation has one."""
    middle = 1 << (raster.bits_stored - 1)
    values = {
        "MONOCHROME1": (0 if floating else middle - 1 if raster.signed else 2 * middle - 1,),
        "YBR_FULL": (0, middle, middle),
    }.get(raster.photometric, (0,) * raster.samples)
    order: Literal["little", "big"] = "little" if encoding.little_endian else "big"
    return tuple(value.to_bytes(raster.bits_allocated // 8, order) for value in values)


def _words_are_swapped(header: bytes, encoding: Encoding, raster: Raster, fill: tuple[bytes, ...]) -> bool:
    """Whether bytes stand in big endian words (PS3.5 8.1.1), so that each two neighbours have changed places."""
    if encoding.little_endian:
        return False
    vr = header[4:6]
    if raster.bits_allocated == 8 and vr in {b"OB", b"OW"}:  # noqa: PLR2004 - a byte
        return vr == b"OW"
    whole_words = raster.bits_allocated % _WORD_BITS == 0
    if not whole_words or (raster.bits_allocated > _WORD_BITS and any(map(any, fill))):
        raise Unblankable("PixelLayoutUnknown")
    return False


def _spans(raster: Raster, regions: Iterable[Rectangle], fill: tuple[bytes, ...]) -> Iterator[Span]:
    """The rows of every region, in every plane of every frame."""
    planes = list(fill) if raster.planar else [b"".join(fill)]
    plane_bytes = [raster.frame_pixels * len(pixel) for pixel in planes]
    for region in regions:
        rows = [pixel * region.width for pixel in planes]
        for frame in range(raster.frames):
            start = frame * sum(plane_bytes)
            for pixel, size, row in zip(planes, plane_bytes, rows, strict=True):
                for y in range(region.top, region.top + region.height):
                    yield start + (y * raster.columns + region.left) * len(pixel), row
                start += size


def _write_swapped(file: BinaryIO, start: int, value: bytes) -> None:
    first, stop = start & ~1, (start + len(value) + 1) & ~1
    file.seek(first)
    words = _swapped(file.read(stop - first))
    words[start - first : start - first + len(value)] = value
    file.seek(first)
    file.write(_swapped(words))


def _swapped(words: bytes | bytearray) -> bytearray:
    swapped = bytearray(len(words))
    swapped[0::2], swapped[1::2] = words[1::2], words[0::2]
    return swapped
