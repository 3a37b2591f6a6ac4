"""Killed before any of its steps, the spool loses nothing that was answered with success, and serves it after a start.

The spool works in a forked child that ends at once, without handlers, before its n-th call that changes the folder.
"""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from adit.dimse.commands import Field, request
from adit.dimse.negotiation import PresentationContext
from adit.dimse.storage import StoreRequest
from adit.transfer.part10 import open_part10
from adit.transmit.announcement import Announcement
from adit_receiver.adoption import FolderLost, Leases, remove_adopted
from adit_receiver.layout import Folder
from adit_receiver.room import Limits
from adit_receiver.service import Allowed, Receiving
from adit_receiver.spool import Spool
from adit_receiver.takeover import adopt as take_over

LIMITS: Final = Limits(1 << 30, 1 << 30, 86_400.0, 0)
CONTEXT: Final = PresentationContext(1, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
FIRST, SECOND = "a" * 32, "b" * 32
ENDED, CRASHED, BROKEN = 0, 9, 3
MOST_STEPS: Final = 400
_CHANGES: Final = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"})

Told = Callable[[str], object]


class Uncounted:
    def associated(self, refused: str) -> None: ...

    def received(self, count: int, status: int, reason: str) -> None: ...


def content(uid: str) -> bytes:
    return uid.encode() * 50


def accept(spool: Spool, uid: str, told: Told) -> None:
    """One C-STORE, and its sender told of success."""
    command = request(Field.C_STORE_RQ, 1, CONTEXT.abstract_syntax, uid)
    reception = Receiving(spool, Allowed(), Uncounted()).begin(StoreRequest("PACS", "ADIT", CONTEXT, command))
    assert not isinstance(reception, int)
    reception.write(memoryview(content(uid)))
    assert reception.complete() == 0
    told(f"stored {uid}")


def script(folder: Path, told: Told) -> None:
    """Everything that is done with instances; `told` is what peers know of it."""
    spool = started(folder)
    accept(spool, "1.1", told)  # nobody waits: to the quarantine, and claimed from there
    spool.announce(Announcement(FIRST, 1, "PACS", "", frozenset({"1.1", "1.2", "1.3"})), age_seconds=60)
    spool.announce(Announcement(SECOND, 2, "PACS", "", frozenset({"1.3", "1.4"})))
    for uid in ("1.2", "1.3", "1.4", "1.5"):
        accept(spool, uid, told)
    names = {letter.sop_instance_uid: letter.name for letter in spool.letters(FIRST)}
    for uid in ("1.2", "1.3"):
        told(f"had {uid}")
        spool.acknowledge(FIRST, (names[uid],))
    other = Spool(Folder(folder / "other"), LIMITS, fsync=False)
    other.open()
    other.announce(Announcement(SECOND, 2, "PACS", "", frozenset({"1.6"})))
    accept(other, "1.6", told)
    accept(other, "1.7", told)
    adopt(folder, spool)
    spool.withdraw(SECOND)


def started(folder: Path) -> Spool:
    spool = Spool(Folder(folder / "own"), LIMITS, fsync=False)
    spool.open()
    return spool


def adopt(folder: Path, spool: Spool) -> None:
    """As the program does at every start."""
    leases = Leases(folder, spool.folder, lambda: 0.0)
    for path in leases.dead(at_once=True):
        assert leases.take(path) is not None
    for left in leases.unfinished():
        take_over(spool, left)
        assert remove_adopted(left)


def crashed(folder: Path, steps: int) -> tuple[int, list[str]]:
    """How the script ended when it could take so many steps, and what peers had been told by then."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        left = [steps]

        def count(event: str, arguments: tuple[object, ...]) -> None:
            flags = arguments[2] if event == "open" else 0
            if event in _CHANGES or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)):
                left[0] -= 1
                if left[0] < 0:
                    os._exit(CRASHED)

        sys.addaudithook(count)
        try:
            script(folder, lambda word: os.write(writing, f"{word}\n".encode()))
        except BaseException:  # noqa: BLE001 - nothing of the child may go on as this process
            os.write(2, traceback.format_exc().encode())
            os._exit(BROKEN)
        os._exit(ENDED)
    os.close(writing)
    with os.fdopen(reading) as report:
        told = report.read().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told


def kept(spool: Spool) -> dict[str, bytes]:
    """What a start finds, by its UID: what waits and what is quarantined, as they lie on disk."""
    letters = [*spool.quarantined, *spool.letters(FIRST), *spool.letters(SECOND)]
    found = [open_part10(letter.path) for letter in letters]
    return {one.sop_instance_uid: b"".join(one.chunks()) for one in found}


def test_nothing_is_lost_whichever_step_it_is_killed_before(tmp_path: Path) -> None:
    for steps in range(MOST_STEPS):
        folder = tmp_path / str(steps)
        ended, told = crashed(folder, steps)
        assert ended != BROKEN
        spool = started(folder)
        adopt(folder, spool)
        found = kept(spool)
        promised = {word.split()[1] for word in told if word.startswith("stored")}
        may_be_gone = {"1.2"} if "had 1.2" in told else set[str]()  # 1.3 has another one that waits
        assert promised - may_be_gone <= found.keys(), f"lost when killed before step {steps}"
        assert all(data == content(uid) for uid, data in found.items())
        assert list(spool.folder.incoming.iterdir()) == []
        assert not (folder / "other" / "awaited").exists()  # what is left of its making is empty
        if ended == ENDED:
            return
    raise AssertionError("the script has more steps than were tried")


def test_without_a_crash_everything_is_where_it_belongs(tmp_path: Path) -> None:
    ended, _ = crashed(tmp_path, MOST_STEPS)
    assert ended == ENDED
    spool = started(tmp_path)
    assert [letter.sop_instance_uid for letter in spool.letters(FIRST)] == ["1.1"]
    assert [letter.sop_instance_uid for letter in spool.quarantined] == ["1.3", "1.4", "1.5", "1.6", "1.7"]
    assert spool.letters(SECOND) == ()


def test_a_restart_counts_the_bytes_that_are_there(tmp_path: Path) -> None:
    crashed(tmp_path, MOST_STEPS)
    spool = started(tmp_path)
    sizes = [letter.path.stat().st_size for letter in spool.quarantined]
    assert spool.room.quarantined == sum(sizes)
    assert spool.room.spooled == sum(letter.path.stat().st_size for letter in spool.letters(FIRST))


def test_what_a_dead_replica_had_adopted_itself_is_adopted_with_it(tmp_path: Path) -> None:
    dead = Spool(Folder(tmp_path / "dead"), LIMITS, fsync=False)
    dead.open()
    deeper = Spool(Folder(tmp_path / "dead" / "adopted-older"), LIMITS, fsync=False)
    deeper.open()
    accept(deeper, "1.8", lambda _: None)
    spool = started(tmp_path)
    adopt(tmp_path, spool)
    assert [letter.sop_instance_uid for letter in spool.quarantined] == ["1.8"]


def test_adoption_wakes_who_already_listens(tmp_path: Path) -> None:
    announcement = Announcement(FIRST, 1, "PACS", "", frozenset({"1.1"}))
    other = Spool(Folder(tmp_path / "other"), LIMITS, fsync=False)
    other.open()
    other.announce(announcement)
    accept(other, "1.1", lambda _: None)
    spool = started(tmp_path)
    spool.announce(announcement)
    woken: list[bool] = []
    spool.watch(FIRST, lambda: woken.append(True))
    adopt(tmp_path, spool)
    assert woken
    assert [letter.sop_instance_uid for letter in spool.letters(FIRST)] == ["1.1"]


def test_an_instance_that_a_slow_owner_finishes_in_its_lost_folder_is_not_removed(tmp_path: Path) -> None:
    other = Spool(Folder(tmp_path / "other"), LIMITS, fsync=False)
    other.open()
    spool = started(tmp_path)
    leases = Leases(tmp_path, spool.folder, lambda: 0.0)
    taken = leases.take(tmp_path / "other")
    assert taken is not None
    take_over(spool, taken)
    accept(late := Spool(taken, LIMITS, fsync=False), "1.9", lambda _: None)
    assert late.folder == taken
    assert not remove_adopted(taken)
    taken.make()
    adopt(tmp_path, spool)
    assert [letter.sop_instance_uid for letter in spool.quarantined] == ["1.9"]


def test_what_a_person_purged_makes_room(tmp_path: Path) -> None:
    spool = started(tmp_path)
    accept(spool, "1.1", lambda _: None)
    spool.quarantined[0].path.unlink()
    assert spool.notice_purged() == 1
    assert (spool.room.quarantined, spool.quarantined) == (0, ())
    spool.announce(Announcement(FIRST, 1, "PACS", "", frozenset({"1.1"})))
    assert spool.letters(FIRST) == ()


def test_a_replica_is_dead_once_its_lease_has_not_changed_for_a_minute(tmp_path: Path) -> None:
    now = [0.0]
    spool = started(tmp_path)
    other = Spool(Folder(tmp_path / "other"), LIMITS, fsync=False)
    other.open()
    its, ours = (Leases(tmp_path, one.folder, lambda: now[0]) for one in (other, spool))
    its.renew()
    assert ours.dead() == []
    now[0] = 50.0
    its.renew()
    assert ours.dead() == []
    now[0] = 105.0
    assert ours.dead() == []
    now[0] = 111.0
    assert ours.dead() == [tmp_path / "other"]


def test_a_replica_that_ended_in_good_order_is_adopted_at_once(tmp_path: Path) -> None:
    spool = started(tmp_path)
    other = Spool(Folder(tmp_path / "other"), LIMITS, fsync=False)
    other.open()
    its = Leases(tmp_path, other.folder, lambda: 0.0)
    its.renew()
    its.give_up()
    assert Leases(tmp_path, spool.folder, lambda: 0.0).dead() == [tmp_path / "other"]


def test_of_two_that_adopt_a_folder_one_has_it_and_its_owner_notices(tmp_path: Path) -> None:
    lost = Spool(Folder(tmp_path / "other"), LIMITS, fsync=False)
    lost.open()
    first, second = started(tmp_path), Spool(Folder(tmp_path / "own-2"), LIMITS, fsync=False)
    second.open()
    taken = [Leases(tmp_path, one.folder, lambda: 0.0).take(tmp_path / "other") for one in (first, second)]
    assert [one is not None for one in taken] == [True, False]
    with pytest.raises(FolderLost):
        Leases(tmp_path, lost.folder, lambda: 0.0).renew()


def test_a_folder_that_is_no_replicas_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    assert Leases(tmp_path, started(tmp_path).folder, lambda: 0.0).dead(at_once=True) == []


def test_a_lease_that_a_full_disk_refuses_is_tried_again_for_its_time(tmp_path: Path) -> None:
    now = [0.0]
    spool = started(tmp_path)
    leases = Leases(tmp_path, spool.folder, lambda: now[0])
    (spool.folder.path / "lease").mkdir()  # as little writable as one on a disk without room
    now[0] = 60.0
    leases.renew()
    now[0] = 61.0
    with pytest.raises(FolderLost, match="cannot be renewed"):
        leases.renew()
    (spool.folder.path / "lease").rmdir()
    leases.renew()
    assert Leases(tmp_path, Folder(tmp_path / "third"), lambda: 0.0).dead() == []


def test_a_file_that_the_disk_has_damaged_is_put_aside_and_named(tmp_path: Path) -> None:
    spool = started(tmp_path)
    spool.announce(Announcement(FIRST, 1, "PACS", "", frozenset({"1.1"})))
    accept(spool, "1.1", lambda _: None)
    [letter] = spool.letters(FIRST)
    letter.path.write_bytes(b"")
    again = started(tmp_path)
    assert again.letters(FIRST) == ()
    [aside] = again.quarantined
    assert (aside.name, aside.sop_instance_uid) == (letter.name, "")


def test_two_names_of_one_file_that_nobody_awaits_become_one_in_quarantine(tmp_path: Path) -> None:
    """As two announcements leave them that were being withdrawn when the process was killed."""
    spool = started(tmp_path)
    for number, one in enumerate((FIRST, SECOND), 1):
        spool.announce(Announcement(one, number, "PACS", "", frozenset({"1.1"})))
    accept(spool, "1.1", lambda _: None)
    for path in spool.folder.announcements.iterdir():
        path.unlink()
    again = started(tmp_path)
    assert [one.sop_instance_uid for one in again.quarantined] == ["1.1"]
    assert list((again.folder.path / "awaited").iterdir()) == []
