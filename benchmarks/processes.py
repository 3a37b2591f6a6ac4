"""Run one program to its end and say what it cost: wall time, CPU of all its processes, peak memory of each kind.

Peaks are VmHWM, read from /proc while the program runs: `ru_maxrss` would start from the memory of whoever forked it.
"""

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SAMPLE_SECONDS: Final = 0.02
RUNNER: Final = "runner"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended: seconds, seconds of CPU of it and of its children, and peak RSS in bytes by role."""

    returncode: int
    wall: float
    cpu: float
    peaks: Mapping[str, int]
    stdout: str
    stderr: str

    @property
    def peak(self) -> int:
        """The largest single process."""
        return max(self.peaks.values(), default=0)


class _Watch(threading.Thread):
    """Samples the peak memory of a process tree; kills the tree's session when its time is over."""

    def __init__(self, pid: int, limit_seconds: float) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[str, int] = {}
        self.killed = False
        self._pid = pid
        self._deadline = time.monotonic() + limit_seconds
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            for pid in _tree(self._pid):
                role, peak = _role(pid), peak_bytes(pid)
                self.peaks[role] = max(peak, self.peaks.get(role, 0))
            if time.monotonic() > self._deadline and not self.killed:
                self.killed = True
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._pid, signal.SIGKILL)

    def end(self) -> None:
        self._over.set()
        self.join()


def run(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, limit_seconds: float, text: str = ""
) -> Finished:
    """Run `command` in `folder` with `text` as its standard input; killed after `limit_seconds`."""
    given, out, err = folder / "stdin", folder / "stdout", folder / "stderr"
    given.write_text(text, "utf-8")
    with given.open("rb") as stdin, out.open("wb") as stdout, err.open("wb") as stderr:
        start = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )
        watch = _Watch(process.pid, limit_seconds)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        watch.end()
    process.returncode = os.waitstatus_to_exitcode(status)  # we waited for it ourselves
    errors = err.read_text("utf-8", "replace")
    if watch.killed:
        errors += f"\nended after {limit_seconds:.0f} s, its limit"
    cpu = usage.ru_utime + usage.ru_stime
    return Finished(process.returncode, wall, cpu, watch.peaks, out.read_text("utf-8", "replace"), errors)


def inherited(*, tcp_nodelay: bool = False) -> dict[str, str]:
    """This process's environment; TCP_NODELAY is how dcmtk and Orthanc are told to switch Nagle's algorithm off."""
    kept = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}
    return {**kept, "TCP_NODELAY": "1"} if tcp_nodelay else kept


def said(program: str, finished: Finished) -> str:
    """How a program ended, and the end of what it wrote."""
    text = (finished.stderr.strip() or finished.stdout.strip()).splitlines()
    return f"{program} ended with {finished.returncode}: {' / '.join(text[-3:])[-300:]}"


def own_cpu_seconds() -> float:
    """CPU of this process and of the children it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used so far, its threads included."""
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def busy_seconds() -> float:
    """CPU that the whole machine has used since it started."""
    fields = [int(value) for value in (_PROC / "stat").read_text().splitlines()[0].split()[1:9]]
    idle, waiting = fields[3], fields[4]
    return (sum(fields) - idle - waiting) / _TICKS


def peak_bytes(pid: int | str) -> int:
    """The largest resident size that a process has had (VmHWM); 0 once it has ended."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):
                for child in (task / "children").read_text().split():
                    yield from _tree(int(child))


def _role(pid: int) -> str:
    """`runner` for a runner process of ours, else the name of the program."""
    with contextlib.suppress(OSError):
        arguments = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        if any(b"adit_jobrunner" in argument for argument in arguments):
            return RUNNER
        return Path(arguments[0].decode("utf-8", "replace")).name
    return ""
