"""The implementations that the contract holds; every test of this folder runs on each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from adit.cluster.cluster import Cluster
from adit.testing.cluster_contract import Backend, embedded_backend
from adit.testing.kubernetes_contract import kubernetes_backend

Opener = Callable[[], AbstractAsyncContextManager[Backend]]


@pytest.fixture(params=["embedded", pytest.param("kubernetes", marks=pytest.mark.cluster)])
def implementation(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    if request.param == "embedded":
        return lambda: embedded_backend(tmp_path)
    prepared = request.getfixturevalue("prepared_kubernetes")
    return lambda: kubernetes_backend(prepared.kubeconfig, prepared.image)


@pytest.fixture
async def backend(implementation: Opener) -> AsyncIterator[Backend]:
    async with implementation() as backend:
        yield backend


@pytest.fixture
def cluster(backend: Backend) -> Cluster:
    return backend.cluster
