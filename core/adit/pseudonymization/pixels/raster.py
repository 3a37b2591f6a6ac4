"""How the pixels of an image are laid out, as its attributes say; what they do not say clearly cannot be blanked."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from adit.api.pseudonymization_profile import Rectangle
from adit.encoded.elements import Malformed

SAMPLES_PER_PIXEL, PHOTOMETRIC, PLANAR = 0x00280002, 0x00280004, 0x00280006
FRAMES, ROWS, COLUMNS = 0x00280008, 0x00280010, 0x00280011
BITS_ALLOCATED, BITS_STORED, HIGH_BIT, PIXEL_REPRESENTATION = 0x00280100, 0x00280101, 0x00280102, 0x00280103

MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2"})

_NUMBER = re.compile(r"\+?[0-9]{1,10}")
_LONGEST_SIDE = 0xFFFF
_LARGEST_SAMPLE = 64


class Unblankable(Malformed):
    """The pixels cannot be blanked for certain, so they must not leave; `reason` is a code."""


@dataclass(frozen=True, slots=True)
class Raster:
    """The Image Pixel module (PS3.3 C.7.6.3), as far as it says where a pixel lies; sides in pixels."""

    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str
    planar: bool

    @property
    def frame_pixels(self) -> int:
        return self.rows * self.columns


def raster_of(text: Callable[[int], str]) -> Raster:
    """Read it from the top level, `text(tag)` as for the gate. Raises Unblankable where it is not clear."""
    samples, bits_allocated = _number(text(SAMPLES_PER_PIXEL)), _number(text(BITS_ALLOCATED))
    bits_stored = _number(text(BITS_STORED), default=0)
    planar = 0 if samples == 1 else _number(text(PLANAR))
    raster = Raster(
        rows=_number(text(ROWS)),
        columns=_number(text(COLUMNS)),
        frames=_number(text(FRAMES), default=1),
        samples=samples,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored if 0 < bits_stored <= bits_allocated else bits_allocated,
        signed=text(PIXEL_REPRESENTATION).strip(" \0") == "1",
        photometric=text(PHOTOMETRIC).strip(" \0").upper(),
        planar=planar == 1,
    )
    sides_fit = 0 < raster.rows <= _LONGEST_SIDE and 0 < raster.columns <= _LONGEST_SIDE and raster.frames > 0
    bits_fit = 0 < bits_allocated <= _LARGEST_SAMPLE and bits_allocated % 8 == 0
    if not sides_fit or not bits_fit or planar not in {0, 1}:
        raise Unblankable("PixelLayoutUnknown")
    return raster


def require_inside(regions: Iterable[Rectangle], raster: Raster) -> None:
    """Raises Unblankable where a region does not lie in the image: then the device is not the one it was made for."""
    for region in regions:
        if region.left + region.width > raster.columns or region.top + region.height > raster.rows:
            raise Unblankable("RegionOutsideImage")


def _number(text: str, *, default: int | None = None) -> int:
    stripped = text.strip(" \0")
    if not stripped and default is not None:
        return default
    if not _NUMBER.fullmatch(stripped):
        raise Unblankable("PixelLayoutUnknown")
    return int(stripped)
