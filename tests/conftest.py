"""Fixtures that every folder of tests may use: the project, and real peers on free loopback ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import Dcmqrscp, Storescp
from adit.testing.pytest_plugin import skip_or_fail

pytest_plugins = ["tests.cluster.plugin", "tests.charts.plugin"]


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def loopback_pacs(tmp_path: Path) -> Iterator[LoopbackPacs]:
    """An empty loopback PACS with the AE title PACS."""
    with LoopbackPacs(tmp_path / "pacs") as pacs:
        yield pacs


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """An empty Orthanc with its DICOMweb plugin; it is up within 0.1 s, so that each test has its own."""
    skip_or_fail("Orthanc")
    with Orthanc(tmp_path / "orthanc") as peer:
        yield peer


@pytest.fixture
def storescp(tmp_path: Path) -> Iterator[Storescp]:
    skip_or_fail("storescp")
    with Storescp(tmp_path / "storescp") as peer:
        yield peer


@pytest.fixture
def dcmqrscp(tmp_path: Path) -> Iterator[Dcmqrscp]:
    skip_or_fail("dcmqrscp")
    with Dcmqrscp(tmp_path / "dcmqrscp") as peer:
        yield peer
