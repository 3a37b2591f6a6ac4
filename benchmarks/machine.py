"""Where and with what was measured: two lines above the tables."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from adit.testing.programs import require_program


def machine_line(folder: Path) -> str:
    """Cores, memory, kernel and load, and what kind of place the files lie in."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    return (
        f"machine: {cores} cores, {memory:.0f} GiB, Linux {platform.release()} {platform.machine()}, "
        f"loopback, files in {'memory (tmpfs)' if folder.is_relative_to('/dev/shm') else 'a disk folder'}; load {load}"
    )


def versions_line() -> str:
    """Ours, and the peers'."""
    ours = ", ".join(f"{name} {version(name)}" for name in ("adit-kubernetes", "pydicom", "pynetdicom"))
    return f"versions: {ours}, Python {platform.python_version()}, {_said('Orthanc')}, {_said('dcmsend')}"


def _said(program: str) -> str:
    """What a program says of its version, without its path: `Orthanc 1.10.1`, `dcmtk: dcmsend v3.6.7 2022-04-22`."""
    answer = subprocess.run(
        [require_program(program), "--version"], capture_output=True, text=True, timeout=10, check=False
    )
    said = answer.stdout.strip().splitlines()
    return said[0].strip("$ ").rpartition("/")[2] if said else program
