"""The command line in this process on a data folder of its own, and a PACS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adit.testing.pacs import LoopbackPacs
from adit_cli.testing.command_line import CommandLine


@pytest.fixture
def adit(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data")


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[LoopbackPacs]:
    """An empty PACS with the AE title PACS."""
    with LoopbackPacs(tmp_path / "pacs") as running:
        yield running
