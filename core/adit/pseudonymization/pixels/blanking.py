"""The door of this room: regions in, a pixel value without them out, and what the head must then say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adit.api.pseudonymization_profile import Rectangle
from adit.encoded.elements import UNDEFINED_LENGTH
from adit.encoded.encoding import EXPLICIT_LITTLE
from adit.encoded.writing import element_header
from adit.pseudonymization.pixels.native import blank_native
from adit.pseudonymization.pixels.raster import (
    BITS_ALLOCATED,
    BITS_STORED,
    HIGH_BIT,
    PHOTOMETRIC,
    PLANAR,
    SAMPLES_PER_PIXEL,
    Raster,
    Unblankable,
    raster_of,
    require_inside,
)
from adit.transfer.instance import FileSlice
from adit.transfer.split import Parts

JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
_EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"
_NATIVE: Final = frozenset({"1.2.840.10008.1.2", _EXPLICIT_LITTLE, "1.2.840.10008.1.2.2"})

PIXEL_DATA = 0x7FE00010
LOSSY, LOSSY_RATIO, LOSSY_METHOD = 0x00282110, 0x00282112, 0x00282114
# ExtendedOffsetTable, its lengths, and the length of what they lead to: of fragments that are no more.
_OFFSETS = (0x7FE00001, 0x7FE00002, 0x7FE00003)

# Tag → VR and value of an element of the top level, None where it must go.
Changes = Mapping[int, tuple[bytes, bytes] | None]


@dataclass(frozen=True, slots=True)
class Blanked:
    """The blanked value in its file, the header (tag, VR, length) of its element, and what changes in the head."""

    pixel: FileSlice
    pixel_header: bytes
    transfer_syntax_uid: str
    changes: Changes = field(default_factory=dict)


def blanked(
    parts: Parts,
    transfer_syntax_uid: str,
    text: Callable[[int], str],
    regions: Sequence[Rectangle],
    target: Path,
) -> Blanked:
    """Write the pixel value to `target` with the regions of every frame blanked; `text(tag)` as for the gate.

    Raises Unblankable, and leaves no file then; OSError where the spool fails.
    """
    try:
        return _blanked(parts, transfer_syntax_uid, text, regions, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _blanked(
    parts: Parts,
    transfer_syntax_uid: str,
    text: Callable[[int], str],
    regions: Sequence[Rectangle],
    target: Path,
) -> Blanked:
    pixel, header = parts.pixel, parts.pixel_header.read() if parts.pixel_header else b""
    if pixel is None or not header:
        raise Unblankable("PixelLayoutUnknown")
    encapsulated = parts.encoding.number(header[-4:]) == UNDEFINED_LENGTH
    native = transfer_syntax_uid in _NATIVE
    if not native and transfer_syntax_uid != JPEG_BASELINE:
        raise Unblankable("SyntaxNotBlanked")
    raster = raster_of(text)
    require_inside(regions, raster)
    if native == encapsulated:
        raise Unblankable("PixelLayoutUnknown")
    if native:
        blank_native(pixel, header, parts.encoding, raster=raster, regions=regions, target=target)
        return Blanked(FileSlice(target, 0, pixel.length), header, transfer_syntax_uid)
    return _from_jpeg(pixel, raster, text, regions, target)


def _from_jpeg(
    pixel: FileSlice, raster: Raster, text: Callable[[int], str], regions: Sequence[Rectangle], target: Path
) -> Blanked:
    from adit.pseudonymization.pixels.jpeg import decode_blanked  # noqa: PLC0415 - Pillow only where a JPEG is met

    decoded = decode_blanked(pixel, raster, regions, target)
    changes: dict[int, tuple[bytes, bytes] | None] = {
        SAMPLES_PER_PIXEL: _number(raster.samples),
        PHOTOMETRIC: (b"CS", decoded.photometric.encode()),
        BITS_ALLOCATED: _number(8),
        BITS_STORED: _number(8),
        HIGH_BIT: _number(7),
        LOSSY: (b"CS", b"01"),
    }
    if raster.samples > 1:
        changes[PLANAR] = _number(0)
    if not text(LOSSY_RATIO).strip(" \0"):
        changes[LOSSY_RATIO] = (b"DS", f"{decoded.ratio:.2f}"[:16].encode())
    if not text(LOSSY_METHOD).strip(" \0"):
        changes[LOSSY_METHOD] = (b"CS", b"ISO_10918_1")
    length = target.stat().st_size
    header = element_header(PIXEL_DATA, b"OB", length, EXPLICIT_LITTLE)
    return Blanked(FileSlice(target, 0, length), header, _EXPLICIT_LITTLE, changes | dict.fromkeys(_OFFSETS))


def _number(value: int) -> tuple[bytes, bytes]:
    return b"US", value.to_bytes(2, "little")
