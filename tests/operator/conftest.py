import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.testing.cluster import embedded_cluster, server_manifest
from adit_operator.testing.desk import Desk

# The drill is shared by two tests and by the process that removes guards; however pytest was started, it is found.
ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)


@pytest_asyncio.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EmbeddedCluster]:
    """An embedded cluster with the servers pacs and research."""
    async with embedded_cluster(tmp_path) as cluster:
        await cluster.create(server_manifest("pacs"))
        await cluster.create(server_manifest("research", port=11113))
        yield cluster


@pytest_asyncio.fixture
async def desk(cluster: EmbeddedCluster) -> Desk:
    """The operator, driven by hand, on that cluster."""
    return Desk(cluster, FlockLease(cluster.data))
