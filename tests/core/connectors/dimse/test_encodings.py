"""Every transfer syntax arrives and leaves byte for byte as what it is stored in; a peer's mixed study too."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import uid

from adit.connectors.dimse import DimseConnector
from adit.connectors.dimse.contexts import IMAGE_SYNTAXES
from adit.connectors.target import Target
from adit.query import Level, Query, Selection
from adit.testing.counted_openings import CountedOpenings
from adit.testing.elements import EXPLICIT_LITTLE, IMPLICIT_LITTLE, encode_elements
from adit.testing.odd_files import CT, PRIVATE_SOP_CLASS, odd_files, raw
from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import data_set_bytes, meta_of, read_meta
from adit.testing.patients import PLAIN
from adit.transfer.instance import Instance
from adit.transfer.placement import Placement

Connect = Callable[..., DimseConnector]
STUDY = "1.2.826.0.1.3680043.8.498.77"
COMPRESSED = [one for one in IMAGE_SYNTAXES if uid.UID(one).is_compressed and not uid.UID(one).is_deflated]
WHOLE = Selection(PLAIN.patient_id, STUDY)


def write(directory: Path, number: int, syntax: str, sop_class: str = CT) -> Path:
    """An instance whose pixels are bytes that no decoder could read, in fragments where the syntax has them."""
    instance = f"{STUDY}.{number}"
    head = [
        (0x00080016, "UI", sop_class.encode()),
        (0x00080018, "UI", instance.encode()),
        (0x00100020, "LO", PLAIN.patient_id.encode()),
        (0x0020000D, "UI", STUDY.encode()),
        (0x0020000E, "UI", f"{STUDY}.0".encode()),
    ]
    noise = bytes(range(256)) * (400 + number)
    if syntax in COMPRESSED:
        items = b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0" + len(noise).to_bytes(4, "little") + noise
        data = encode_elements(head, EXPLICIT_LITTLE)
        data += raw(0x7FE00010, "OB", items + b"\xfe\xff\xdd\xe0\0\0\0\0", undefined=True)
    else:
        data = encode_elements(
            [*head, (0x7FE00010, "OW", noise)], IMPLICIT_LITTLE if syntax == IMPLICIT_LITTLE else EXPLICIT_LITTLE
        )
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = deflater.compress(data) + deflater.flush()
        data += bytes(len(data) % 2)
    path = directory / f"{instance}.dcm"
    path.write_bytes(meta_of(sop_class, instance, syntax) + data)
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """One instance in each syntax but big endian, which odd_files has, and one of a private class; by their UID."""
    directory = tmp_path / "every"
    directory.mkdir()
    syntaxes = [one for one in IMAGE_SYNTAXES if one != uid.ExplicitVRBigEndian]
    paths = [write(directory, number, syntax) for number, syntax in enumerate(syntaxes, start=1)]
    paths.append(write(directory, 99, uid.JPEGLSLossless, PRIVATE_SOP_CLASS))
    big = odd_files(tmp_path / "odd")["big endian"]
    return {path.stem: path for path in paths} | {"big endian": big}


def bytes_of(instances: list[Instance]) -> dict[str, bytes]:
    return {one.sop_instance_uid: b"".join(one.chunks()) for one in instances}


def test_every_syntax_is_stored_as_it_is(
    loopback_pacs: LoopbackPacs, connect: Connect, files: dict[str, Path], instance_of: Callable[[Path], Instance]
) -> None:
    assert all(one.stored for one in connect(loopback_pacs).store(map(instance_of, files.values()), Placement("job")))
    held = {one.path.stem: data_set_bytes(one.path) for one in loopback_pacs.instances()}
    assert sorted(held.values()) == sorted(data_set_bytes(path) for path in files.values())


def test_a_study_of_every_syntax_is_fetched_as_it_is(
    loopback_pacs: LoopbackPacs, connect: Connect, files: dict[str, Path], spool: Path
) -> None:
    del files["big endian"]  # of another study
    loopback_pacs.load(files.values())
    got = list(connect(loopback_pacs).fetch(WHOLE, spool))
    assert bytes_of(got) == {uid: data_set_bytes(path) for uid, path in files.items()}
    assert len({one.transfer_syntax_uid for one in got}) == len(IMAGE_SYNTAXES) - 1


def test_a_listed_study_is_fetched_with_contexts_for_what_it_holds(
    target_of: Callable[..., Target], loopback_pacs: LoopbackPacs, files: dict[str, Path], spool: Path
) -> None:
    """One association for the searches, one for the fetch, and none for a second try."""
    loopback_pacs.load(path for name, path in files.items() if name != "big endian")
    opened = CountedOpenings()
    with DimseConnector(replace(target_of(loopback_pacs), openings=opened)) as pacs:
        of_study = Query(Level.SERIES, patient_id=PLAIN.patient_id, study_instance_uid=STUDY)
        [series] = pacs.find(of_study)
        images = list(
            pacs.find(replace(of_study, level=Level.IMAGE, series_instance_uid=str(series.SeriesInstanceUID)))
        )
        assert len(list(pacs.fetch(WHOLE, spool))) == len(images) == len(files) - 1
    assert len(opened.seconds) == 2


@pytest.mark.peer
def test_orthanc_sends_a_listed_study_in_every_syntax_as_it_is(
    target_of: Callable[..., Target], orthanc: Orthanc, files: dict[str, Path], spool: Path
) -> None:
    newer = {uid.HTJ2K, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL}  # than the dcmtk in Debian's Orthanc
    held = {name: path for name, path in files.items() if read_meta(path).transfer_syntax_uid not in newer}
    del held["big endian"]
    orthanc.upload(held.values())
    opened = CountedOpenings()
    with DimseConnector(replace(target_of(orthanc), openings=opened)) as pacs:
        of_study = Query(Level.SERIES, study_instance_uid=STUDY)
        for series in list(pacs.find(of_study)):
            list(pacs.find(replace(of_study, level=Level.IMAGE, series_instance_uid=str(series.SeriesInstanceUID))))
        got = bytes_of(list(pacs.fetch(WHOLE, spool)))
    assert got == {name: data_set_bytes(path) for name, path in held.items()}
    assert len(opened.seconds) == 2
