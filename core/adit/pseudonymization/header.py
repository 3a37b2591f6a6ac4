"""Decodes the two small parts of an encoded instance, and puts them together again around the untouched pixel value."""

import zlib
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from pydicom import Dataset
from pydicom.config import disable_value_validation
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from adit.encoded.encoding import Encoding
from adit.transfer.instance import FileSlice, Instance, Piece
from adit.transfer.split import PIXEL_TAGS, Parts, Unsplittable, inflated, is_deflated, split

FIRST_PIXEL_TAG = min(PIXEL_TAGS)


@dataclass(frozen=True, slots=True)
class Header:
    """The elements of head and trailer as one data set, and what is needed to write the instance again."""

    elements: Dataset
    parts: Parts
    transfer_syntax_uid: str


def decode(instance: Instance) -> Header:
    """Read head and trailer. A deflated instance is inflated beside its spool file first. Raises Unsplittable."""
    data_set = _one_slice(instance)
    syntax = instance.transfer_syntax_uid
    if is_deflated(syntax):
        try:
            data_set, syntax = inflated(data_set, _inflated_path(data_set.path))
        except zlib.error as error:
            raise Unsplittable("DeflatedCorrupt") from error
    parts = split(data_set, syntax)
    elements = _read(parts.head.read(), parts.encoding)
    if parts.trailer is not None:
        behind = _read(parts.trailer.read(), parts.encoding)
        if not PIXEL_TAGS.isdisjoint(map(int, behind.keys())):
            # It would leave as it is, which only one value may; PS3.3 C.7.6.3 knows no data set with two.
            raise Unsplittable("PixelDataTwice")
        elements.update(behind)
    return Header(elements, parts, syntax)


def encode(header: Header, instance: Instance) -> Instance:
    """The instance with the header's elements as they now are: its identity is theirs, the pixel value is shared."""
    parts, elements = header.parts, header.elements
    pieces: list[Piece] = [_write(elements, parts.encoding, before_pixel=parts.pixel is not None)]
    if parts.pixel is not None and parts.pixel_header is not None:
        pieces += [parts.pixel_header.read(), parts.pixel]
        trailer = _write_trailer(elements, parts.encoding)
        pieces += [trailer] if trailer else []
    return replace(
        instance,
        sop_instance_uid=str(elements.SOPInstanceUID),
        transfer_syntax_uid=header.transfer_syntax_uid,
        pieces=tuple(pieces),
    )


def remove_inflated(instance: Instance, leaving: Instance | None) -> None:
    """Remove what was inflated beside the spool file, unless pixels of the instance that leaves lie in it."""
    if is_deflated(instance.transfer_syntax_uid):
        used = {piece.path for piece in leaving.pieces if isinstance(piece, FileSlice)} if leaving else set()
        beside = {_inflated_path(piece.path) for piece in instance.pieces if isinstance(piece, FileSlice)}
        for path in beside - used:
            path.unlink(missing_ok=True)


def _one_slice(instance: Instance) -> FileSlice:
    (piece,) = instance.pieces
    if not isinstance(piece, FileSlice):
        raise TypeError("an instance is rewritten once, from the file that it arrived in")
    return piece


def _inflated_path(spooled: Path) -> Path:
    return spooled.with_name(spooled.name + ".inflated")


class _WholeReads(BytesIO):
    """pydicom ends quietly where the bytes do; here what it would drop is an error, since it would be lost unseen."""

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        if size is not None and 0 < len(got) < size:
            raise Unsplittable("ElementTruncated")
        return got


def _read(raw: bytes, encoding: Encoding) -> Dataset:
    file = _WholeReads(raw)
    elements = read_dataset(file, encoding.implicit_vr, encoding.little_endian)
    if file.tell() != len(raw):
        raise Unsplittable("NotADataSet")
    return elements


def _write(elements: Dataset, encoding: Encoding, *, before_pixel: bool) -> bytes:
    if not before_pixel:
        return _encoded(elements, encoding)
    return _encoded(elements[:FIRST_PIXEL_TAG], encoding)


def _write_trailer(elements: Dataset, encoding: Encoding) -> bytes:
    trailer = elements[FIRST_PIXEL_TAG:]
    return _encoded(trailer, encoding) if trailer else b""


def _encoded(elements: Dataset, encoding: Encoding) -> bytes:
    file = DicomBytesIO()
    file.is_implicit_VR = encoding.implicit_vr
    file.is_little_endian = encoding.little_endian
    # What a scanner wrote is written back as it is, however malformed: we change identity, we do not repair.
    with disable_value_validation():
        write_dataset(file, elements, elements.get("SpecificCharacterSet", "ISO_IR 6") or "ISO_IR 6")
    return file.getvalue()
