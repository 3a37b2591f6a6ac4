"""A folder to write to, and instances to write."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adit.api.dicom_folder import DicomFolderSpec
from adit.connectors.folder import FolderConnector
from adit.connectors.target import Target
from adit.testing.elements import EXPLICIT_LITTLE, encode_elements
from adit.testing.part10 import meta_of
from adit.transfer.instance import Instance
from adit.transfer.part10 import open_part10

CT = "1.2.840.10008.5.1.4.1.1.2"
VRS = {
    0x00080005: "CS",
    0x00080016: "UI",
    0x00080018: "UI",
    0x00080020: "DA",
    0x00080030: "TM",
    0x00080060: "CS",
    0x0008103E: "LO",
    0x00100010: "PN",
    0x00100020: "LO",
    0x0020000D: "UI",
    0x0020000E: "UI",
    0x00200011: "IS",
}
Make = Callable[..., Instance]


@pytest.fixture
def folder(tmp_path: Path) -> FolderConnector:
    """The folder `research` on the claim `images`, below tmp_path/mnt."""
    return open_folder(tmp_path / "mnt")


@pytest.fixture
def another(tmp_path: Path) -> FolderConnector:
    """The same folder, opened by another process."""
    return open_folder(tmp_path / "mnt")


def open_folder(mount_dir: Path) -> FolderConnector:
    spec = DicomFolderSpec.of({"volume": {"claimName": "images", "subPath": "research"}})
    return FolderConnector(Target("research", spec, "ADIT", mount_dir))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "mnt" / "images" / "research"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Builds an instance in a spool file; `changes` maps tags onto values, None leaves an element out."""

    def build(
        number: int, changes: dict[int, str | None] | None = None, *, charset: str = "utf-8", size: int = 64
    ) -> Instance:
        uid = f"1.2.3.{number}"
        values: dict[int, str | None] = {
            0x00080005: "ISO_IR 192",
            0x00080016: CT,
            0x00080018: uid,
            0x00080020: "20240115",
            0x00080030: "101530.123",
            0x00080060: "CT",
            0x0008103E: "Thorax nativ",
            0x00100010: "Sample^Paul",
            0x00100020: "P1",
            0x0020000D: "1.2.3",
            0x0020000E: "1.2.3.4",
            0x00200011: "2",
            **(changes or {}),
        }
        elements = [(tag, VRS[tag], text.encode(charset)) for tag, text in sorted(values.items()) if text is not None]
        data_set = encode_elements([*elements, (0x7FE00010, "OW", bytes(size))], EXPLICIT_LITTLE)
        path = tmp_path / f"spool-{number}.dcm"
        path.write_bytes(meta_of(CT, values[0x00080018] or "", EXPLICIT_LITTLE) + data_set)
        return open_part10(path)

    return build
