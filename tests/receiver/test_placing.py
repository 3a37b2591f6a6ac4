"""A disk that fails in the middle of a commit: what was refused lies nowhere, and index, counters and folder agree."""

import errno
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from adit.dimse.commands import Field, request
from adit.dimse.negotiation import PresentationContext
from adit.dimse.requestor import Timeouts, associate
from adit.dimse.server import Server
from adit.dimse.storage import StoreRequest
from adit.testing.programs import HOST
from adit.transmit.announcement import Announcement
from adit_receiver.group_commit import CommitBroken, GroupCommit
from adit_receiver.layout import Folder, sync_folder
from adit_receiver.room import Limits
from adit_receiver.service import Allowed, Receiving
from adit_receiver.spool import Spool
from tests.receiver.test_crashes import Uncounted
from tests.receiver.test_crowd import WANTED

LIMITS: Final = Limits(1 << 30, 1 << 30, 86_400.0, 0)
CONTEXT: Final = PresentationContext(1, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
FIRST, SECOND = "a" * 32, "b" * 32


class Disk:
    """Makes names durable, save in the folders that fail."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self.after: Callable[[], object] = lambda: None

    def sync(self, folder: Path) -> None:
        if folder.name in self.failing:
            self.after()
            raise OSError(errno.EIO, "Input/output error")
        sync_folder(folder)


def opened(folder: Path, disk: Disk) -> Spool:
    spool = Spool(Folder(folder / "own"), LIMITS, sync=disk.sync)
    spool.open()
    return spool


def store(spool: Spool, uid: str) -> int:
    command = request(Field.C_STORE_RQ, 1, CONTEXT.abstract_syntax, uid)
    reception = Receiving(spool, Allowed(), Uncounted()).begin(StoreRequest("PACS", "ADIT", CONTEXT, command))
    assert not isinstance(reception, int)
    reception.write(memoryview(b"data" * 50))
    return reception.complete()


def known(spool: Spool) -> tuple[list[Path], int, int]:
    """What the index says: files, bytes that wait, bytes of the quarantine."""
    letters = [*spool.quarantined, *spool.letters(FIRST), *spool.letters(SECOND)]
    return sorted(one.path for one in letters), spool.room.spooled, spool.room.quarantined


def agrees(spool: Spool, folder: Path) -> bool:
    """Whether a start that reads the folder knows the same."""
    return known(spool) == known(opened(folder, Disk()))


@pytest.mark.parametrize("failing", ["quarantine", FIRST])
def test_an_instance_whose_name_is_not_durable_is_refused_and_lies_nowhere(tmp_path: Path, failing: str) -> None:
    disk = Disk()
    spool = opened(tmp_path, disk)
    if failing == FIRST:
        for number, announcement_id in enumerate((FIRST, SECOND), 1):
            spool.announce(Announcement(announcement_id, number, "PACS", "", frozenset({"1.1"})))
    disk.failing = {failing}
    assert store(spool, "1.1") == 0xA700
    assert known(spool) == ([], 0, 0)
    assert agrees(spool, tmp_path)
    disk.failing = set()
    assert store(spool, "1.1") == 0
    assert agrees(spool, tmp_path)


def test_a_name_that_the_disk_does_not_let_go_is_known(tmp_path: Path) -> None:
    """A folder in its place cannot be unlinked, as little as a file of a disk that became read-only."""
    disk = Disk()
    spool = opened(tmp_path, disk)
    spool.announce(Announcement(FIRST, 1, "PACS", "", frozenset({"1.1"})))
    disk.failing = {FIRST}

    def hold() -> None:
        [path] = spool.folder.awaited(FIRST).iterdir()
        path.unlink()
        path.mkdir()

    disk.after = hold
    assert store(spool, "1.1") == 0xA700
    [letter] = spool.letters(FIRST)
    assert spool.room.spooled == letter.start + letter.length


def test_of_a_batch_only_what_the_disk_refuses_is_refused(tmp_path: Path) -> None:
    disk = Disk()
    spool = opened(tmp_path, disk)
    spool.announce(Announcement(FIRST, 1, "PACS", "", frozenset({"1.1"})))
    disk.failing = {FIRST}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda uid: store(spool, uid), ["1.1", "1.2"] * 4))
    assert answers == [0xA700, 0] * 4
    assert agrees(spool, tmp_path)


def test_every_one_of_a_batch_that_breaks_hears_of_it_once() -> None:
    """The first leads a commit alone; the rest wait, and go together in the second one."""
    together = threading.Event()
    sizes: list[int] = []

    def commit(batch: Sequence[int]) -> Sequence[BaseException | None]:
        sizes.append(len(batch))
        if len(sizes) == 1:
            together.wait(5)
            return [None]
        raise ZeroDivisionError

    committed = GroupCommit[int](commit)
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(committed, 0)
        while not sizes:
            pass
        others = [pool.submit(committed, number) for number in range(1, 5)]
        while len(committed._waiting) < 4:
            pass
        together.set()
        raised = [one.exception(5) for one in others]
    assert first.result() is None
    assert sizes == [1, 4]
    assert sorted(type(one).__name__ for one in raised) == ["CommitBroken"] * 3 + ["ZeroDivisionError"]
    assert len({id(one) for one in raised}) == 4


def test_a_commit_that_answers_too_little_is_nobodys_success() -> None:
    committed = GroupCommit[int](lambda _: [])
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        committed(1)
    with pytest.raises((ValueError, CommitBroken)):  # and the next one does not wait for ever
        committed(2)


def test_a_fault_of_ours_reaches_the_hook_that_ends_the_process_and_no_sender(tmp_path: Path) -> None:
    def sync(_: Path) -> None:
        raise ZeroDivisionError

    spool = Spool(Folder(tmp_path / "own"), LIMITS, sync=sync)
    spool.open()
    died: list[type[BaseException]] = []
    before, threading.excepthook = threading.excepthook, lambda arguments: died.append(arguments.exc_type)
    try:
        with Server((HOST, 0), Receiving(spool, Allowed(), Uncounted())) as server:
            line = associate(HOST, server.port, WANTED, Timeouts(response=5))
            line.send(1, request(Field.C_STORE_RQ, 1, CONTEXT.abstract_syntax, "1.1"), [b"data"])
            with pytest.raises(Exception, match=r"abort|closed|lost|ended"):
                line.receive()
    finally:
        threading.excepthook = before
    assert died == [ZeroDivisionError]
