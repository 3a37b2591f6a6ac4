"""A runner in this process: the shipped run between two fake peers, on an embedded cluster of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adit.cluster.cluster import Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.connectors.connector import Connector
from adit.connectors.target import Target
from adit.testing.cluster import embedded_cluster
from adit.testing.task_sets import runner_environment, write_runner_config
from adit_jobrunner.control import Control
from adit_jobrunner.exit_codes import ExitCode
from adit_jobrunner.meter import UNMETERED, Meter
from adit_jobrunner.run import Runner, run
from adit_jobrunner.settings import Settings

Run = Callable[..., Awaitable[ExitCode]]


@pytest.fixture(name="cluster")
async def _cluster(tmp_path: Path) -> AsyncIterator[EmbeddedCluster]:
    async with embedded_cluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture(name="run_runner")
def _run_runner(cluster: EmbeddedCluster, tmp_path: Path) -> Run:
    """Run one attempt at a TaskSet (as read) from `source` to `destination`; further settings by their variables."""

    async def attempt(
        task_set: Manifest,
        source: Connector,
        destination: Connector,
        *,
        attempt: int = 0,
        config: Path | None = None,
        control: Control | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        meter: Meter = UNMETERED,
        **variables: str,
    ) -> ExitCode:
        peers = {"pacs": source, "research": destination}

        def opener(target: Target) -> Connector:
            return peers[target.name]

        config = config or write_runner_config(tmp_path / "config")
        environment = runner_environment(task_set, config, tmp_path / "spool", attempt=attempt)
        settings = Settings.model_validate({**environment, "ADIT_DATA": str(cluster.data), **variables})
        runner = Runner(settings, opener, control or Control(), now, meter)
        return await run(runner, cluster, FlockLease(cluster.data))

    return attempt
