"""Locks between processes: one holder, freed with it, and no file left behind."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from adit.cluster.embedded.locks import FlockLease, is_free, try_operator_lock, try_vanishing_lock
from adit.errors import BadInput

Program = Callable[..., subprocess.Popen[str]]
UID = "3f81449f-836f-4512-928d-e3d595f09039"
HOLDER = {"podName": "x"}

HOLD_LEASE = """
import pathlib, sys
from adit.cluster.embedded.locks import FlockLease
with FlockLease(pathlib.Path(sys.argv[1])).hold(sys.argv[2]) as taken:
    print(taken, flush=True)
    sys.stdin.readline()
"""

HOLD_OPERATOR = """
import pathlib, sys
from adit.cluster.embedded.locks import try_operator_lock
with try_operator_lock(pathlib.Path(sys.argv[1])) as taken:
    print(taken, flush=True)
    sys.stdin.readline()
"""


def answer(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def test_one_process_is_the_operator(tmp_path: Path, start_program: Program) -> None:
    with try_operator_lock(tmp_path) as taken:
        assert taken
        assert answer(start_program(HOLD_OPERATOR, tmp_path)) == "False"
    assert answer(start_program(HOLD_OPERATOR, tmp_path)) == "True"


def test_a_killed_operator_frees_its_place(tmp_path: Path, start_program: Program) -> None:
    program = start_program(HOLD_OPERATOR, tmp_path)
    assert answer(program) == "True"
    with try_operator_lock(tmp_path) as taken:
        assert not taken
    program.kill()
    program.wait()
    with try_operator_lock(tmp_path) as taken:
        assert taken


def test_a_lease_lives_as_long_as_it_is_held(tmp_path: Path) -> None:
    lease = FlockLease(tmp_path)
    assert lease.expired(UID, HOLDER)
    with lease.hold(UID) as taken:
        assert taken
        assert not lease.expired(UID, HOLDER)
    assert lease.expired(UID, HOLDER)


def test_without_a_holder_a_lease_is_always_expired(tmp_path: Path) -> None:
    lease = FlockLease(tmp_path)
    with lease.hold(UID):
        assert lease.expired(UID, None)


def test_a_lease_has_one_holder(tmp_path: Path) -> None:
    lease = FlockLease(tmp_path)
    with lease.hold(UID) as first, lease.hold(UID) as second:
        assert (first, second) == (True, False)
    with lease.hold(UID) as third:
        assert third


def test_another_task_set_has_another_lease(tmp_path: Path) -> None:
    lease = FlockLease(tmp_path)
    with lease.hold(UID), lease.hold("other") as taken:
        assert taken


def test_a_killed_holder_frees_its_lease(tmp_path: Path, start_program: Program) -> None:
    lease = FlockLease(tmp_path)
    program = start_program(HOLD_LEASE, tmp_path, UID)
    assert answer(program) == "True"
    assert not lease.expired(UID, HOLDER)
    program.kill()
    program.wait()
    assert lease.expired(UID, HOLDER)


def test_no_file_is_left_by_a_holder_dead_or_alive(tmp_path: Path, start_program: Program) -> None:
    lease = FlockLease(tmp_path)
    with lease.hold(UID):
        pass
    assert list((tmp_path / "leases").iterdir()) == []
    program = start_program(HOLD_LEASE, tmp_path, UID)
    assert answer(program) == "True"
    program.kill()
    program.wait()
    assert lease.expired(UID, HOLDER)
    assert list((tmp_path / "leases").iterdir()) == []


@pytest.mark.parametrize("uid", ["../x", "", "a/b", ".", "x" * 65, "a\0b"])
def test_a_uid_never_leaves_the_folder(tmp_path: Path, uid: str) -> None:
    with pytest.raises(BadInput, match="letters, digits"):
        FlockLease(tmp_path).expired(uid, HOLDER)
    with pytest.raises(BadInput, match="letters, digits"), FlockLease(tmp_path).hold(uid):
        pass


def test_looking_never_keeps_a_holder_out(tmp_path: Path) -> None:
    path, over = tmp_path / "lock", threading.Event()

    def look() -> None:
        while not over.is_set():
            is_free(path)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(200):
            with try_vanishing_lock(path) as taken:
                assert taken
                assert not is_free(path)
    finally:
        over.set()
        looker.join()


def test_there_is_never_a_second_holder(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "lock", [0], [0]

    def hold() -> None:
        for _ in range(100):
            with try_vanishing_lock(path) as taken:
                if taken:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    inside[0] -= 1

    holders = [threading.Thread(target=hold) for _ in range(4)]
    for holder in holders:
        holder.start()
    for holder in holders:
        holder.join()
    assert most[0] == 1
