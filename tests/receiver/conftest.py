"""A receiver as users have it: the program, its spool, its ports."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adit.testing.programs import HOST, free_port
from adit.transmit.access import KEY_BYTES, ReceiverAccess

KEY = bytes(range(KEY_BYTES))


@dataclass
class Running:
    """The program as a process; the same ports after a restart."""

    folder: Path
    replica: str = "receiver"
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    transmit_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.replica}.log"

    @property
    def access(self) -> ReceiverAccess:
        return ReceiverAccess("ADIT", HOST, self.transmit_port, KEY)

    def start(self) -> None:
        (self.folder / "key").write_bytes(KEY)
        environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("ADIT_", "RECEIVER_", "POD_"))
            },
            "ADIT_RECEIVER_PORT": str(self.port),
            "ADIT_TRANSMIT_PORT": str(self.transmit_port),
            "ADIT_RECEIVER_SPOOL": str(self.spool),
            "ADIT_RECEIVER_KEY_FILE": str(self.folder / "key"),
            "ADIT_RECEIVER_RESERVE_BYTES": "0",
            "POD_NAME": self.replica,
            **self.environment,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "adit_receiver"], env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 20
        while not self.said("receiving"):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def said(self, event: str) -> bool:
        """Whether the process of this start has said so."""
        assert self.process is not None
        lines = self.log.read_text().splitlines()
        return any(json.loads(line)["event"] == event for line in lines[self._before :] if line.startswith("{"))

    _before: int = 0

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._before = len(self.log.read_text().splitlines())

    def end(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def files(self, part: str) -> list[Path]:
        return sorted(one for one in (self.spool / self.replica / part).rglob("*") if one.is_file())


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Running]:
    receiver = Running(folder, environment=settings)
    receiver.start()
    try:
        yield receiver
    finally:
        if receiver.process is not None and receiver.process.poll() is None:
            receiver.kill()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as started:
        yield started
