"""What is counted of the requests that the receiver answers, and what its program is made of."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from adit.dimse.commands import Field, request
from adit.dimse.negotiation import PresentationContext
from adit.dimse.storage import StoreRequest
from adit_receiver.layout import Folder
from adit_receiver.room import MAX_INSTANCE_BYTES, Limits
from adit_receiver.service import Allowed, Receiving
from adit_receiver.spool import Spool

CONTEXT: Final = PresentationContext(1, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")


class Counted:
    def __init__(self) -> None:
        self.received_: list[tuple[int, str]] = []

    def associated(self, refused: str) -> None: ...

    def received(self, count: int, status: int, reason: str) -> None:
        del count
        self.received_.append((status, reason))


def test_an_instance_that_would_never_find_room_is_too_large_and_its_bytes_are_given_back(tmp_path: Path) -> None:
    spool = Spool(Folder(tmp_path / "own"), Limits(10_000, 10_000, 86_400.0, 0))
    spool.open()
    counted = Counted()
    command = request(Field.C_STORE_RQ, 1, CONTEXT.abstract_syntax, "1.1")
    reception = Receiving(spool, Allowed(), counted).begin(StoreRequest("PACS", "ADIT", CONTEXT, command))
    assert not isinstance(reception, int)
    for _ in range(11):
        reception.write(memoryview(bytes(1000)))
    assert reception.complete() == 0xA700
    assert counted.received_ == [(0xA700, "InstanceTooLarge")]
    assert spool.room.spooled == 0
    assert list(spool.folder.incoming.iterdir()) == []


def test_an_instance_may_be_as_large_as_anywhere_else_and_no_larger_than_the_spool() -> None:
    assert Limits(1 << 40, 0, 0.0).instance_bytes == MAX_INSTANCE_BYTES == 16 << 30
    assert Limits(1 << 30, 0, 0.0).instance_bytes == 1 << 30


def test_the_program_needs_no_dicom_library() -> None:
    """It is no part of its image: whatever imports one at its start would end it there."""
    code = "import sys, adit_receiver.__main__; print(*{one.partition('.')[0] for one in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {"pydicom", "pynetdicom", "numpy"} & set(loaded) == set()
    assert "adit_receiver" in loaded


def test_a_file_that_is_written_back_while_it_comes_is_the_same_file(tmp_path: Path) -> None:
    spool = Spool(Folder(tmp_path / "own"), Limits(1 << 30, 1 << 30, 86_400.0, 0))
    spool.open()
    command = request(Field.C_STORE_RQ, 1, CONTEXT.abstract_syntax, "1.1")
    reception = Receiving(spool, Allowed(), Counted()).begin(StoreRequest("PACS", "ADIT", CONTEXT, command))
    assert not isinstance(reception, int)
    parts = [bytes([number]) * (1 << 20) for number in range(40)]
    for part in parts:
        reception.write(memoryview(part))
    assert reception.complete() == 0
    [letter] = spool.quarantined
    assert letter.path.read_bytes()[letter.start :] == b"".join(parts)
