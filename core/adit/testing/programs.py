"""Real DICOM programs as started processes on free loopback ports: each is a context manager that ends what it started.

`Orthanc` is in orthanc.py; here are what all of them share, and dcmtk's storescp and dcmqrscp.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from adit.errors import PermanentError

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
PORTS: Final = range(16_000, 30_000)
TRIED_PORTS: Final = 200
_given: set[int] = set()
PACKAGES: Final = {
    "Orthanc": "orthanc",
    "storescp": "dcmtk",
    "dcmqrscp": "dcmtk",
    "storescu": "dcmtk",
    "dcmsend": "dcmtk",
    "getscu": "dcmtk",
    "findscu": "dcmtk",
    "movescu": "dcmtk",
    "echoscu": "dcmtk",
    "dcmdump": "dcmtk",
}
"""Program → Debian package"""


class MissingProgram(PermanentError):
    """A program that a test or benchmark needs is not installed; the message names its Debian package."""

    default_reason = "MissingProgram"


class ProgramFailed(PermanentError):
    """A started program ended or did not answer; the message carries the end of its output."""

    default_reason = "ProgramFailed"


def require_program(name: str) -> Path:
    """The path of an installed program; raises MissingProgram."""
    found = shutil.which(
        name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    )
    if found is None:
        package = PACKAGES.get(name, name)
        raise MissingProgram(f"{name} is not installed; on Debian: apt-get install {package}")
    return Path(found)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at this moment, and that was not given out before.

    Below those that systems give to connections (32768 on Linux): none of them takes it before it is listened on.
    """
    for port in random.sample(PORTS, TRIED_PORTS):
        if port not in _given:
            with socket.socket() as sock, suppress(OSError):
                sock.bind((HOST, port))
                _given.add(port)
                return port
    raise ProgramFailed(f"of {TRIED_PORTS} ports between {PORTS.start} and {PORTS.stop} none is free")


class Program:
    """A started process that listens; subclasses say how it is started and when it is ready."""

    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGKILL)

    def __init__(self, directory: Path, *, tcp_nodelay: bool) -> None:
        self.directory = directory
        self.host = HOST
        self._tcp_nodelay = tcp_nodelay
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the program has not been started")
        return self._process.pid

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        command = list(self.command())
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program of ours with arguments of ours
                command,
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(Path(command[0]).name)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def output(self) -> str:
        """The end of what the program has written."""
        return self._log.read_text("utf-8", "replace")[-2000:]

    @property
    def _log(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.log")

    def _environment(self) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}
        return {**inherited, "TCP_NODELAY": "1"} if self._tcp_nodelay else inherited

    def _wait(self, name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self._process is not None and self._process.poll() is not None:
                raise ProgramFailed(f"{name} ended with {self._process.returncode}: {self.output()}")
            if time.monotonic() > deadline:
                raise ProgramFailed(f"{name} did not answer within {START_SECONDS:.0f} s: {self.output()}")
            time.sleep(0.02)

    def _end(self) -> None:
        """End the process and the children that it forked (they are its own session)."""
        if self._process is None:
            return
        for number in self.stop_signals:
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(STOP_SECONDS)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()
        self._process = None


def answers(port: int) -> bool:
    """Whether something accepts connections at this loopback port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


class Storescp(Program):
    """dcmtk's storescp: stores any instance, bit by bit as received, into `directory`; one association at a time."""

    def __init__(
        self, directory: Path, *, tcp_nodelay: bool = True, ae_title: str = "STORESCP", options: Sequence[str] = ()
    ) -> None:
        super().__init__(directory, tcp_nodelay=tcp_nodelay)
        self.ae_title = ae_title
        self.port = free_port()
        self._options = options

    def command(self) -> Sequence[str]:
        kept = ("--bit-preserving", "--promiscuous", "+xa", "--output-directory", str(self.directory))
        program = str(require_program("storescp"))
        return [program, *kept, "--max-pdu", "131072", "--aetitle", self.ae_title, *self._options, str(self.port)]

    def ready(self) -> bool:
        return answers(self.port)

    def files(self) -> list[Path]:
        return sorted(path for path in self.directory.iterdir() if path.is_file())


class Dcmqrscp(Program):
    """dcmtk's dcmqrscp: a small archive with C-ECHO, C-FIND, C-GET, C-MOVE and C-STORE.

    `destinations` maps the AE titles that C-MOVE may send to onto (host, port).
    """

    def __init__(
        self,
        directory: Path,
        *,
        tcp_nodelay: bool = True,
        ae_title: str = "QRSCP",
        destinations: Mapping[str, tuple[str, int]] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(directory, tcp_nodelay=tcp_nodelay)
        self._options = options
        self.ae_title = ae_title
        self.port = free_port()
        self._destinations = dict(destinations or {})

    def command(self) -> Sequence[str]:
        archive = self.directory / "archive"
        archive.mkdir(exist_ok=True)
        config = self.directory / "dcmqrscp.cfg"
        config.write_text(self._configuration(archive), "utf-8")
        return [str(require_program("dcmqrscp")), "--config", str(config), *self._options, str(self.port)]

    def ready(self) -> bool:
        return answers(self.port)

    def _configuration(self, archive: Path) -> str:
        hosts = [
            f"peer{i} = ({aet}, {host}, {port})" for i, (aet, (host, port)) in enumerate(self._destinations.items())
        ]
        lines = (
            "MaxPDUSize = 131072",
            "MaxAssociations = 16",
            "HostTable BEGIN",
            *hosts,
            "HostTable END",
            "VendorTable BEGIN",
            "VendorTable END",
            "AETable BEGIN",
            f'{self.ae_title} "{archive}" RW (200, 4096mb) ANY',
            "AETable END",
        )
        return "\n".join(lines) + "\n"
