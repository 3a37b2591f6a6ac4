"""Watches: everything since a listing, in order, as the selection sees it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adit.cluster.cluster import Cluster, Expired, WatchEvent
from adit.testing.cluster import config_map_manifest, secret_manifest
from adit.testing.cluster_contract import PATIENCE_SECONDS, Backend

LABELS = {"adit.dev/x": "1"}


async def following(events: AsyncIterator[WatchEvent], count: int) -> list[tuple[str, str]]:
    """Type and name of the next events."""
    seen: list[tuple[str, str]] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(seen) < count:
            event = await anext(events)
            if event.type != "BOOKMARK":
                seen.append((event.type, event.object["metadata"]["name"]))
    return seen


async def position(backend: Backend) -> str:
    return (await backend.cluster.list("ConfigMap", namespace=backend.namespace)).resource_version


async def test_a_watch_tells_the_life_of_an_object_in_order(backend: Backend, cluster: Cluster) -> None:
    settings = backend.ref("ConfigMap", "settings")
    async with cluster.watch("ConfigMap", since=await position(backend), namespace=backend.namespace) as events:
        await cluster.create(backend.place(config_map_manifest()))
        await cluster.patch(settings, {"data": {"a": "1"}})
        await cluster.delete(settings)
        assert await following(events, 3) == [
            ("ADDED", "settings"),
            ("MODIFIED", "settings"),
            ("DELETED", "settings"),
        ]


async def test_a_watch_misses_nothing_since_its_listing(backend: Backend, cluster: Cluster) -> None:
    since = await position(backend)
    for name in ("a", "b", "c"):
        await cluster.create(backend.place(config_map_manifest(name)))
    async with cluster.watch("ConfigMap", since=since, namespace=backend.namespace) as events:
        assert await following(events, 3) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


async def test_a_watch_does_not_repeat_what_the_listing_held(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(config_map_manifest("old")))
    async with cluster.watch("ConfigMap", since=await position(backend), namespace=backend.namespace) as events:
        await cluster.create(backend.place(config_map_manifest("new")))
        assert await following(events, 1) == [("ADDED", "new")]


async def test_an_event_carries_the_object_as_it_then_was(backend: Backend, cluster: Cluster) -> None:
    since = await position(backend)
    await cluster.create(backend.place(config_map_manifest("settings", {"a": "1"})))
    await cluster.patch(backend.ref("ConfigMap", "settings"), {"data": {"a": "2"}})
    async with cluster.watch("ConfigMap", since=since, namespace=backend.namespace) as events:
        first, second = await anext(events), await anext(events)
    assert [first.object["data"], second.object["data"]] == [{"a": "1"}, {"a": "2"}]
    assert first.resource_version == first.object["metadata"]["resourceVersion"]


async def test_an_event_is_a_position_to_go_on_from(backend: Backend, cluster: Cluster) -> None:
    since = await position(backend)
    await cluster.create(backend.place(config_map_manifest("a")))
    await cluster.create(backend.place(config_map_manifest("b")))
    async with cluster.watch("ConfigMap", since=since, namespace=backend.namespace) as events:
        first = await anext(events)
    async with cluster.watch("ConfigMap", since=first.resource_version, namespace=backend.namespace) as events:
        assert await following(events, 1) == [("ADDED", "b")]


async def test_other_kinds_are_not_told(backend: Backend, cluster: Cluster) -> None:
    async with cluster.watch("ConfigMap", since=await position(backend), namespace=backend.namespace) as events:
        await cluster.create(backend.place(secret_manifest("token")))
        await cluster.create(backend.place(config_map_manifest("settings")))
        assert await following(events, 1) == [("ADDED", "settings")]


async def test_an_object_that_loses_the_labels_is_told_as_deleted(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(config_map_manifest("settings", labels=LABELS)))
    since = await position(backend)
    async with cluster.watch("ConfigMap", since=since, namespace=backend.namespace, labels=LABELS) as events:
        await cluster.patch(backend.ref("ConfigMap", "settings"), {"metadata": {"labels": {"adit.dev/x": "2"}}})
        assert await following(events, 1) == [("DELETED", "settings")]


async def test_an_object_that_gains_the_labels_is_told_as_added(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(config_map_manifest("settings")))
    since = await position(backend)
    async with cluster.watch("ConfigMap", since=since, namespace=backend.namespace, labels=LABELS) as events:
        await cluster.patch(backend.ref("ConfigMap", "settings"), {"metadata": {"labels": LABELS}})
        assert await following(events, 1) == [("ADDED", "settings")]


async def test_objects_without_the_labels_are_not_told(backend: Backend, cluster: Cluster) -> None:
    since = await position(backend)
    async with cluster.watch("ConfigMap", since=since, namespace=backend.namespace, labels=LABELS) as events:
        await cluster.create(backend.place(config_map_manifest("other")))
        await cluster.delete(backend.ref("ConfigMap", "other"))
        await cluster.create(backend.place(config_map_manifest("settings", labels=LABELS)))
        assert await following(events, 1) == [("ADDED", "settings")]


async def test_two_watches_are_told_the_same(backend: Backend, cluster: Cluster) -> None:
    since = await position(backend)
    async with (
        cluster.watch("ConfigMap", since=since, namespace=backend.namespace) as one,
        cluster.watch("ConfigMap", since=since, namespace=backend.namespace) as two,
    ):
        await cluster.create(backend.place(config_map_manifest()))
        assert await following(one, 1) == await following(two, 1) == [("ADDED", "settings")]


async def test_a_position_too_old_is_expired(backend: Backend, cluster: Cluster) -> None:
    kind, since = await backend.expired_position()
    with pytest.raises(Expired):
        async with asyncio.timeout(PATIENCE_SECONDS), cluster.watch(kind, since=since) as events:
            await anext(events)
