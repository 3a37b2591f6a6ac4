"""Processes that outlive who started them: started as nobody's child, recorded in a file, ended by that record."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.progress import ClusterError


@dataclass(frozen=True)
class Process:
    """A process by its number and when it started: a number alone is given again."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        after_name = text.rpartition(")")[2].split()
        return None if after_name[0] in "ZX" else cls(pid, after_name[19])

    @classmethod
    def read(cls, path: Path) -> "Process | None":
        """The process that a file names, if it still runs."""
        try:
            pid, started = path.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        process = cls.of(int(pid))
        return process if process and process.started == started else None

    def write(self, path: Path) -> None:
        path.write_text(f"{self.pid} {self.started}\n")

    def kill(self, *, within: float = 10.0) -> None:
        deadline = time.monotonic() + within
        while Process.of(self.pid) == self:
            os.kill(self.pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise ClusterError(f"Process {self.pid} of the local cluster cannot be ended.")
            time.sleep(0.02)


def launch(command: Sequence[str | Path], *, log: Path, descriptors: Sequence[int] = ()) -> None:
    """Start a process that outlives this one and is nobody's child."""
    with log.open("a") as output:
        subprocess.run(
            ["setsid", "--fork", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            check=True,
        )


def recorded(path: Path, log: Path, *, within: float = 20.0) -> Process:
    """The process that wrote its number to that file, which from now on says when it started, too."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            if process := Process.of(int(text)):
                process.write(path)
                return process
            break
        time.sleep(0.01)
    raise ClusterError(f"A program of the local cluster ended at once; see {log}.")
