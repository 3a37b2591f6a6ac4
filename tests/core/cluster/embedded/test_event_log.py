"""The log of events is bounded, in number and in bytes, and says so to whoever comes too late."""

import sqlite3
from pathlib import Path

import pytest

from adit.cluster.cluster import Expired
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.store import LogLimits
from adit.testing.cluster import config_map_manifest


async def write(cluster: EmbeddedCluster, times: int, size: int = 1) -> None:
    for number in range(times):
        await cluster.apply(config_map_manifest("clock", {"tick": f"{number:0{size}}"}), field_manager="clock")


async def first_event(cluster: EmbeddedCluster, since: str) -> str:
    async with cluster.watch("ConfigMap", since=since) as events:
        return (await anext(events)).resource_version


def logged(data: Path) -> int:
    connection = sqlite3.connect(data / "cluster.db")
    try:
        return int(connection.execute("SELECT COUNT(*) FROM events").fetchone()[0])
    finally:
        connection.close()


async def test_the_oldest_events_are_forgotten(tmp_path: Path) -> None:
    async with EmbeddedCluster.open(tmp_path, limits=LogLimits(events=10)) as cluster:
        await write(cluster, 50)
        assert logged(tmp_path) == 10
        newest = int((await cluster.list("ConfigMap")).resource_version)
        assert await first_event(cluster, str(newest - 10)) == str(newest - 9)
        with pytest.raises(Expired, match="list again"):
            await first_event(cluster, str(newest - 11))


async def test_large_events_are_forgotten_sooner(tmp_path: Path) -> None:
    async with EmbeddedCluster.open(tmp_path, limits=LogLimits(events=1000, bytes=10_000)) as cluster:
        await write(cluster, 50, size=3000)
        assert 1 <= logged(tmp_path) <= 4


async def test_one_event_larger_than_the_limit_is_still_told(tmp_path: Path) -> None:
    async with EmbeddedCluster.open(tmp_path, limits=LogLimits(events=1000, bytes=10)) as cluster:
        since = (await cluster.list("ConfigMap")).resource_version
        await write(cluster, 1)
        assert int(await first_event(cluster, since)) == int(since) + 1


async def test_a_watch_that_falls_behind_is_expired(tmp_path: Path) -> None:
    async with EmbeddedCluster.open(tmp_path, limits=LogLimits(events=10)) as cluster:
        since = (await cluster.list("ConfigMap")).resource_version
        async with cluster.watch("ConfigMap", since=since) as events:
            await write(cluster, 1)
            await anext(events)
            await write(cluster, 30)
            with pytest.raises(Expired):
                await anext(events)


@pytest.mark.parametrize("position", ["", "0", "999999", "abc", "-1"])
async def test_a_position_of_another_cluster_is_expired(tmp_path: Path, position: str) -> None:
    async with EmbeddedCluster.open(tmp_path) as cluster:
        with pytest.raises(Expired):
            await first_event(cluster, position)


async def test_a_fresh_cluster_can_be_watched_from_its_listing(tmp_path: Path) -> None:
    async with EmbeddedCluster.open(tmp_path) as cluster:
        since = (await cluster.list("ConfigMap")).resource_version
        await write(cluster, 1)
        assert await first_event(cluster, since)
