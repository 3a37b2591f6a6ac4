"""Two loopback PACS and the program, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital
from adit_cli.testing.program import Adit


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """Three studies of four instances at the source, nothing at the destination."""
    studies = tuple(ct_study(patients.PLAIN, instances=4, rows=16, label=label) for label in ("a", "b", "c"))
    with (
        LoopbackPacs(tmp_path / "source", "SOURCE") as source,
        LoopbackPacs(tmp_path / "destination", "DESTINATION") as destination,
    ):
        for study in studies:
            source.load(study.write(tmp_path / "files" / study.label))
        servers = [manifests.server("source", source), manifests.server("destination", destination)]
        yield Hospital(source, destination, studies, Adit(tmp_path / "data"), tmp_path, servers=servers)
