"""A scripted API server, and a cluster that talks to it."""

from collections.abc import AsyncIterator

import pytest

from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.connection import Connection
from tests.core.cluster.kubernetes.api_server import ApiServer


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer().running() as server:
        yield server


@pytest.fixture
async def connection(server: ApiServer) -> AsyncIterator[Connection]:
    connection = Connection(server)
    yield connection
    await connection.close()


@pytest.fixture
def cluster(connection: Connection) -> KubernetesCluster:
    return KubernetesCluster(connection)
