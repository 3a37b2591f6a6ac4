"""Objects that are all head: rewritten as they go, with memory that does not grow with them."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.filereader import read_dataset

from adit.encoded.encoding import Encoding, encoding_of
from adit.encoded.writing import element, sequence
from adit.pseudonymization import BUILT_IN, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.part10 import read_meta
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import Quarantined, Rewritten
from adit.transfer.part10 import front_of
from adit.transfer.rewriter import Subject

RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
KEY = ProjectKey(bytes(range(32)))
SUBJECT = Subject(pseudonym="PSEUDO-17")
MEGABYTE = 1 << 20
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
UID = "1.2.826.0.1.3680043.8.498.1"
POINTS = b"\\".join(b"%d.25" % value for value in range(1_000, 5_000))


def structure_set(path: Path, contours: int, transfer_syntax_uid: str = EXPLICIT_LITTLE) -> Path:
    """A structure set with contours of 32 KB each, every one with a reference to an image."""
    encoding = encoding_of(transfer_syntax_uid)
    found = [contour(number, encoding) for number in range(contours)]
    region = sequence(0x30060040, b"SQ", found, encoding)
    data_set = [
        element(0x00080016, b"UI", RT_STRUCTURE_SET.encode(), encoding),
        element(0x00080018, b"UI", UID.encode(), encoding),
        element(0x00080060, b"CS", b"RTSTRUCT", encoding),
        element(0x00100010, b"PN", b"Mueller^Jutta", encoding),
        element(0x00100020, b"LO", b"4711-0815", encoding),
        sequence(0x30060039, b"SQ", [region], encoding),
        element(0x300E0002, b"CS", b"UNAPPROVED", encoding),
    ]
    instance = Instance(RT_STRUCTURE_SET, UID, transfer_syntax_uid, ())
    path.write_bytes(front_of(instance) + b"".join(data_set))
    return path


def contour(number: int, encoding: Encoding) -> bytes:
    image = element(0x00081150, b"UI", b"1.2.840.10008.5.1.4.1.1.2", encoding)
    image += element(0x00081155, b"UI", f"{UID}.{number}".encode(), encoding)
    geometry = element(0x30060042, b"CS", b"CLOSED_PLANAR", encoding)
    return sequence(0x30060016, b"SQ", [image], encoding) + geometry + element(0x30060050, b"DS", POINTS, encoding)


def instance_of(path: Path) -> Instance:
    meta = read_meta(path)
    data_set = FileSlice(path, meta.offset, path.stat().st_size - meta.offset)
    return Instance(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, (data_set,))


@pytest.mark.parametrize("transfer_syntax_uid", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_a_large_head_becomes_what_a_small_one_becomes(tmp_path: Path, transfer_syntax_uid: str) -> None:
    path = structure_set(tmp_path / "rtstruct", 400, transfer_syntax_uid)
    assert path.stat().st_size > 9 * MEGABYTE
    outcome = Pseudonymizer(BUILT_IN["basic"], KEY).rewrite(instance_of(path), SUBJECT)
    assert isinstance(outcome, Rewritten), outcome
    (piece,) = outcome.instance.pieces
    assert isinstance(piece, FileSlice)
    result = read_dataset(
        BytesIO(piece.read()),
        transfer_syntax_uid == "1.2.840.10008.1.2",
        transfer_syntax_uid != "1.2.840.10008.1.2.2",
    )
    contours = result.ROIContourSequence[0].ContourSequence
    assert (result.PatientID, len(contours)) == ("PSEUDO-17", 400)
    new = Pseudonymizer(BUILT_IN["basic"], KEY).rewritten_uid
    for number in (0, 399):
        assert contours[number].ContourData == [value + 0.25 for value in range(1_000, 5_000)]
        referenced = contours[number].ContourImageSequence[0].ReferencedSOPInstanceUID
        assert referenced == new(f"{UID}.{number}")


def test_a_name_deep_in_a_large_head_is_found(tmp_path: Path) -> None:
    path = structure_set(tmp_path / "rtstruct", 400)
    raw = path.read_bytes()
    at = raw.rindex(b"CLOSED_PLANAR")
    path.write_bytes(raw[:at] + b"MUELLER_JUTTA" + raw[at + 13 :])
    outcome = Pseudonymizer(BUILT_IN["basic"], KEY).rewrite(instance_of(path), SUBJECT)
    assert isinstance(outcome, Quarantined)
    assert (outcome.reason, list(tmp_path.iterdir())) == ("IdentifierLeft", [path])
    assert "ContourGeometricType" in outcome.message


def test_memory_does_not_grow_with_the_head(tmp_path: Path) -> None:
    """In a process of its own: what it needs at most for 10 MB and for 80 MB."""
    small = structure_set(tmp_path / "small", 320)
    large = structure_set(tmp_path / "large", 2_700)
    assert large.stat().st_size > 80 * MEGABYTE
    peaks = [peak_of(path) for path in (small, large)]
    assert peaks[1] - peaks[0] < 20 * MEGABYTE, peaks  # of 74 MB more
    assert peaks[1] < 100 * MEGABYTE, peaks


def peak_of(path: Path) -> int:
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from adit.pseudonymization import BUILT_IN, ProjectKey\n"
        "from adit.pseudonymization.pseudonymizer import Pseudonymizer\n"
        "from adit.testing.part10 import read_meta\n"
        "from adit.transfer.instance import FileSlice, Instance\n"
        "from adit.transfer.rewriter import Subject\n"
        "path = Path(sys.argv[1]); meta = read_meta(path)\n"
        "data_set = FileSlice(path, meta.offset, path.stat().st_size - meta.offset)\n"
        "instance = Instance(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, (data_set,))\n"
        "outcome = Pseudonymizer(BUILT_IN['basic'], ProjectKey(bytes(32))).rewrite(instance, Subject('P-17'))\n"
        "assert type(outcome).__name__ == 'Rewritten', outcome\n"
        "print(re.search(r'VmHWM:\\s*(\\d+) kB', Path('/proc/self/status').read_text())[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * 1024
