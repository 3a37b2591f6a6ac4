"""The implementations that the contract holds; every test of this folder runs on each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adit.cluster.cluster import Cluster
from adit.testing.cluster_contract import Backend, embedded_backend

IMPLEMENTATIONS = {"embedded": embedded_backend}


@pytest.fixture(params=IMPLEMENTATIONS)
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    async with IMPLEMENTATIONS[request.param](tmp_path) as backend:
        yield backend


@pytest.fixture
def cluster(backend: Backend) -> Cluster:
    return backend.cluster
