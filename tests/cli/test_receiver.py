"""The receiver as a child of the host: started, kept running, ended with it; here a program that only listens."""

import asyncio
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adit.errors import BadInput
from adit_cli.receiver import KEY_FILE, Place, received, receiver_place, why_not, write_key
from adit_cli.testing.program import alive

LISTENS = """
import os, pathlib, signal, socket
door = socket.create_server(("127.0.0.1", int(os.environ["ADIT_TRANSMIT_PORT"])))
spool = pathlib.Path(os.environ["ADIT_RECEIVER_SPOOL"])
told = [os.environ.get(name, "") for name in ("RECEIVER_AE_TITLE", "ADIT_RECEIVER_SPOOL_BYTES")]
(spool / "told").write_text(" ".join(told))
(spool / "pid.new").write_text(str(os.getpid()))
(spool / "pid.new").rename(spool / "pid")
signal.pause()
"""


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, free_port(), free_port())


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.02)


def process_of(place: Place) -> int:
    path = place.data / "receiver" / "pid"
    return int(path.read_text()) if path.exists() else 0


async def test_it_is_there_while_the_host_is_and_no_longer(place: Place) -> None:
    async with received(place, "TAKER", {"ADIT_RECEIVER_SPOOL_BYTES": "7"}, program(LISTENS)):
        assert why_not("127.0.0.1", place.transmit_port) is not None
        await until(lambda: process_of(place) > 0)
        process = process_of(place)
        assert (place.data / "receiver" / "told").read_text() == "TAKER 7"
    assert not alive(process)
    assert why_not("127.0.0.1", place.transmit_port) is None


async def test_it_is_started_again_where_it_is_killed(place: Place) -> None:
    async with received(place, "TAKER", {}, program(LISTENS)):
        await until(lambda: process_of(place) > 0)
        first = process_of(place)
        os.kill(first, signal.SIGKILL)
        await until(lambda: process_of(place) != first)
        await until(lambda: why_not("127.0.0.1", place.transmit_port) is not None)


async def test_one_that_does_not_start_ends_the_host_with_its_last_words(place: Place) -> None:
    with pytest.raises(BadInput, match="the disk is full") as told:
        async with received(place, "TAKER", {}, program("raise SystemExit('the disk is full')")):
            pytest.fail("it is not there")
    assert told.value.reason == "ReceiverNotStarting"


async def test_without_a_port_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADIT_RECEIVER_PORT", raising=False)
    assert await receiver_place(tmp_path) is None


async def test_what_is_no_port_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADIT_RECEIVER_PORT", "many")
    with pytest.raises(BadInput, match="ADIT_RECEIVER_PORT"):
        await receiver_place(tmp_path)


async def test_runners_fetch_at_a_port_that_no_connection_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADIT_RECEIVER_PORT", str(free_port()))
    monkeypatch.delenv("ADIT_TRANSMIT_PORT", raising=False)
    found = await receiver_place(tmp_path)
    assert found is not None
    assert 14638 <= found.transmit_port < 14838
    with socket.create_server(("127.0.0.1", found.transmit_port)):
        other = await receiver_place(tmp_path)
        assert other is not None
        assert other.transmit_port != found.transmit_port


def test_the_key_lies_in_a_private_file_and_is_the_newest(place: Place) -> None:
    write_key(place, b"old" * 20)
    write_key(place, b"new")
    path = place.data / KEY_FILE
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
