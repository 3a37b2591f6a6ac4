"""A mailbox, its server and a spool, all of one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adit.testing.mailbox import FakeMailbox
from adit.transmit.server import TransmitServer

KEY = b"k" * 32


@pytest.fixture
def mailbox(tmp_path: Path) -> FakeMailbox:
    (tmp_path / "mailbox").mkdir()
    return FakeMailbox(tmp_path / "mailbox")


@pytest.fixture
def server(mailbox: FakeMailbox) -> Iterator[TransmitServer]:
    with TransmitServer(("127.0.0.1", 0), mailbox, KEY) as server:
        yield server


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"
