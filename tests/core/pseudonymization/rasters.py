"""Images to blank, and the images that come out, put together again and read by pydicom."""

import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

from adit.api.pseudonymization_profile import Rectangle
from adit.pseudonymization.pixels.blanking import Blanked, blanked
from adit.testing.part10 import read_meta
from adit.transfer.instance import FileSlice
from adit.transfer.split import PIXEL_TAGS, split

CORNER, MIDDLE = Rectangle(left=0, top=0, width=3, height=2), Rectangle(left=2, top=1, width=3, height=3)


def image(photometric: str = "MONOCHROME2", *, bits: int = 8, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """An image of 5 × 7 pixels of noise, the same each time."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.Rows, dataset.Columns = 5, 7
    dataset.SamplesPerPixel = 3 if photometric in {"RGB", "YBR_FULL", "YBR_FULL_422"} else 1
    dataset.PhotometricInterpretation = photometric
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    return with_noise(dataset)


def with_noise(dataset: Dataset, *, vr: str = "", tag: int = 0x7FE00010) -> Dataset:
    """Fill it with as many bytes as its attributes ask for."""
    frames = int(dataset.get("NumberOfFrames", 1))
    length = frames * dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
    chosen = vr or ("OW" if dataset.BitsAllocated > 8 else "OB")
    # No byte is zero, so that every blank one has been made so.
    noise = bytes(random.Random(length).choices(range(1, 128), k=length))
    for earlier in PIXEL_TAGS.intersection(map(int, dataset.keys())):
        del dataset[earlier]
    dataset.add_new(tag, chosen, noise + bytes(length % 2))
    return dataset


def with_frames(dataset: Dataset, frames: Sequence[bytes], **options: bool | int) -> Dataset:
    """JPEG frames, encapsulated."""
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    if len(frames) > 1:
        dataset.NumberOfFrames = len(frames)
    fragments, has_bot = int(options.get("fragments", 1)), bool(options.get("has_bot", True))
    dataset.PixelData = encapsulate(list(frames), fragments_per_frame=fragments, has_bot=has_bot)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dataset


def text_of(dataset: Dataset) -> Callable[[int], str]:
    def text(tag: int) -> str:
        value = dataset[tag].value if tag in dataset else None
        values = value if isinstance(value, MultiValue | list) else [value]
        return "\\".join("" if one is None else str(one) for one in values)

    return text


def blank(dataset: Dataset, regions: Sequence[Rectangle], folder: Path) -> tuple[Blanked, Dataset]:
    """Write the data set, blank its file, and read what came out. Raises Unblankable."""
    path = folder / "spooled"
    path.write_bytes(encoded(dataset))
    return blank_file(path, FileSlice(path, 0, path.stat().st_size), dataset, regions)


def encoded(dataset: Dataset) -> bytes:
    """The data set without file meta information."""
    syntax, file = dataset.file_meta.TransferSyntaxUID, DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = syntax.is_implicit_VR, syntax.is_little_endian
    write_dataset(file, dataset)
    return file.getvalue()


def blank_part10(path: Path, regions: Sequence[Rectangle], folder: Path) -> tuple[Blanked, Dataset]:
    """Blank a file of pydicom's. Raises Unblankable."""
    offset = read_meta(path).offset
    copy = folder / "spooled"
    copy.write_bytes(path.read_bytes())
    return blank_file(copy, FileSlice(copy, offset, copy.stat().st_size - offset), pydicom.dcmread(path), regions)


def blank_file(
    path: Path, data_set: FileSlice, dataset: Dataset, regions: Sequence[Rectangle]
) -> tuple[Blanked, Dataset]:
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    target = path.with_name("spooled.blanked")
    done = blanked(split(data_set, syntax), syntax, text_of(dataset), regions, target)
    assert done.pixel.path == target
    return done, _rebuilt(dataset, done)


def _rebuilt(dataset: Dataset, done: Blanked) -> Dataset:
    """The data set with the new pixel element and the changes of the head, encoded and read again."""
    changed = deepcopy(dataset)
    changed.file_meta = FileMetaDataset()
    changed.file_meta.TransferSyntaxUID = UID(done.transfer_syntax_uid)
    for tag in PIXEL_TAGS.intersection(map(int, changed.keys())):
        del changed[tag]
    for tag, change in done.changes.items():
        if tag in changed:
            del changed[tag]
        if change is not None:
            vr, raw = change
            changed.add_new(tag, vr.decode(), int.from_bytes(raw, "little") if vr == b"US" else raw.decode())
    syntax = changed.file_meta.TransferSyntaxUID
    raw = encoded(changed) + done.pixel_header + done.pixel.read()
    read = read_dataset(BytesIO(raw), syntax.is_implicit_VR, syntax.is_little_endian)
    read.file_meta = changed.file_meta
    return read
