"""Which files of those named can be sent, and where in each the data set begins; only group 0002 is read."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from adit.transfer.instance import FileSlice
from adit.transfer.part10 import Front, NotPart10, read_front
from adit_cli.data_path.outcome import Outcome, State

MEDIA_DIRECTORY: Final = "1.2.840.10008.1.3.10"  # a DICOMDIR names images and is none
USUAL_BYTES: Final = 4096
ELEMENT_HEADER_BYTES: Final = 8  # must be seen behind the last element of group 0002
NO_FILE: Final = "no regular file: a pipe, a socket or a device"
NO_PREFIX: Final = "no DICOM file: it lacks the DICM prefix"


@dataclass(frozen=True, slots=True)
class DicomFile:
    """A Part-10 file that can be sent as it is."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set: FileSlice

    @property
    def kind(self) -> tuple[str, str]:
        """What its presentation context is about."""
        return self.sop_class_uid, self.transfer_syntax_uid


def found(paths: Iterable[Path]) -> Iterator[DicomFile | Outcome]:
    """Every file that is named, or lies in or below a folder that is; the outcome of those that cannot be sent."""
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - it never raises
            for below in _below(path):
                yield below if isinstance(below, Outcome) else _looked_at(below, named=False)
        else:
            yield _looked_at(path, named=True)


def changed(file: DicomFile) -> str:
    """What happened to it since it was looked at; empty where nothing did."""
    try:
        size = file.path.stat().st_size
    except OSError as error:
        return f"cannot be read any more: {_why(error)}"
    expected = file.data_set.start + file.data_set.length
    return "" if size == expected else f"has changed: it had {expected} bytes, and has {size}"


def _below(folder: Path) -> Iterator[Path | Outcome]:
    """The files in and below a folder, and what of it is not looked into."""
    unread = list[OSError]()
    for parent, folders, names in os.walk(folder, onerror=unread.append):
        yield from _unread(unread)
        folders.sort()
        for path in (Path(parent, name) for name in folders):
            if os.path.islink(path):  # noqa: PTH114 - it never raises; followed, it could lead round in a circle
                yield Outcome(str(path), State.SKIPPED, words="a link to a folder: name it itself")
        yield from (Path(parent, name) for name in sorted(names))
    yield from _unread(unread)


def _unread(errors: list[OSError]) -> Iterator[Outcome]:
    while errors:
        error = errors.pop(0)
        yield Outcome(os.fsdecode(error.filename), State.FAILED, words=f"a folder that cannot be read: {_why(error)}")


def _looked_at(path: Path, *, named: bool) -> DicomFile | Outcome:
    """A file that a person named should be DICOM; in a folder anything may lie."""
    try:
        # Before it is opened: a pipe that nobody writes to would let us wait for ever, and a device may do anything.
        if not stat.S_ISREG(path.stat().st_mode):
            return Outcome(str(path), State.FAILED if named else State.SKIPPED, words=NO_FILE)
        front, length = _measured(path)
    except OSError as error:
        return Outcome(str(path), State.FAILED, words=f"cannot be read: {_why(error)}")
    except NotPart10 as error:
        foreign = "DICM prefix" in str(error)
        state = State.SKIPPED if foreign and not named else State.FAILED
        return Outcome(str(path), state, words=NO_PREFIX if foreign else f"cannot be sent: {error}")
    return _judged(path, front, length)


def _judged(path: Path, front: Front, length: int) -> DicomFile | Outcome:
    if front.sop_class_uid == MEDIA_DIRECTORY:
        return Outcome(str(path), State.SKIPPED, words="a DICOMDIR")
    if not (front.sop_class_uid and front.sop_instance_uid):
        why = "its file meta information names no SOP class or instance"
        return Outcome(str(path), State.FAILED, words=f"cannot be sent: {why}")
    if length == 0 or length % 2:
        return Outcome(str(path), State.FAILED, words=f"is cut short: its data set has {length} bytes")
    data_set = FileSlice(path, front.offset, length)
    return DicomFile(path, front.sop_class_uid, front.sop_instance_uid, front.transfer_syntax_uid, data_set)


def _measured(path: Path) -> tuple[Front, int]:
    """The front of a file, and how many bytes lie behind it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        front = _front(descriptor)
        return front, os.fstat(descriptor).st_size - front.offset
    finally:
        os.close(descriptor)


def _front(descriptor: int) -> Front:
    """One read does for the usual front; one that ends beyond it, or seems to be none, is read again as a stream."""
    begin = os.pread(descriptor, USUAL_BYTES, 0)
    try:
        front = read_front(BytesIO(begin))
    except NotPart10:
        pass
    else:
        if front.offset + ELEMENT_HEADER_BYTES <= len(begin):
            return front
    with open(descriptor, "rb", closefd=False) as file:
        return read_front(file)


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
