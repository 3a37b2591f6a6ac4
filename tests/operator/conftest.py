from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.testing.cluster import embedded_cluster, server_manifest
from adit_operator.testing.desk import Desk


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
