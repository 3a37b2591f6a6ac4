"""An embedded cluster, and programs of their own that use the same data folder."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from adit.cluster.embedded import EmbeddedCluster

Program = Callable[..., subprocess.Popen[str]]


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster.open(tmp_path / "data") as cluster:
        yield cluster


@pytest.fixture
def start_program() -> Iterator[Program]:
    """Start Python programs with arguments; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
