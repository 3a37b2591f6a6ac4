"""Watches: one stream after the other, each from the last position on."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.cluster.cluster import ClusterUnavailable, Expired, Forbidden
from adit.cluster.kinds import CONFIG_MAP
from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.connection import Call, Connection
from adit.cluster.kubernetes.watch import lines, watch
from tests.core.cluster.kubernetes.api_server import ApiServer, Scripted, answer, event, status


async def test_a_watch_asks_for_bookmarks_from_its_position(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(Scripted(chunks=(event("ADDED", "6"),)))
    async with cluster.watch("ConfigMap", since="5", namespace="tenant", labels={"x": "1"}) as events:
        seen = await anext(events)
    assert (seen.type, seen.resource_version) == ("ADDED", "6")
    assert (seen.object["apiVersion"], seen.object["kind"]) == ("v1", "ConfigMap")
    assert server.asked[0].path == "/api/v1/namespaces/tenant/configmaps"
    assert server.asked[0].query == {
        "labelSelector": "x=1",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "5",
        "timeoutSeconds": "300",
    }


async def test_a_stream_that_ends_is_followed_by_another(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(
        Scripted(chunks=(event("ADDED", "6"), event("BOOKMARK", "9"))), Scripted(chunks=(event("MODIFIED", "10"),))
    )
    async with cluster.watch("ConfigMap", since="5") as events:
        seen = [(await anext(events)).type for _ in range(3)]
    assert seen == ["ADDED", "BOOKMARK", "MODIFIED"]
    assert [asked.query["resourceVersion"] for asked in server.asked] == ["5", "9"]


async def test_a_silent_stream_is_followed_by_another(server: ApiServer, connection: Connection) -> None:
    server.will(Scripted(chunks=(event("ADDED", "6"),), hangs=True), Scripted(chunks=(event("DELETED", "7"),)))
    call = Call("GET", "/api/v1/configmaps", "ConfigMap")
    async with asyncio.timeout(10), watch(connection, CONFIG_MAP, call, "5", idle_seconds=0.1) as events:
        assert [(await anext(events)).type for _ in range(2)] == ["ADDED", "DELETED"]


async def test_half_an_event_is_read_again_as_a_whole(server: ApiServer, cluster: KubernetesCluster) -> None:
    torn = event("ADDED", "6") + event("MODIFIED", "7")[:20]
    server.will(Scripted(chunks=(torn,)), Scripted(chunks=(event("MODIFIED", "7"),)))
    async with cluster.watch("ConfigMap", since="5") as events:
        assert [(await anext(events)).resource_version for _ in range(2)] == ["6", "7"]
    assert server.asked[1].query["resourceVersion"] == "6"


async def test_expired_as_an_answer_is_expired(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(status(410), 410))
    with pytest.raises(Expired):
        async with cluster.watch("ConfigMap", since="5") as events:
            await anext(events)


async def test_expired_as_an_event_is_expired(server: ApiServer, cluster: KubernetesCluster) -> None:
    line = json.dumps({"type": "ERROR", "object": status(410, "too old resource version")}).encode() + b"\n"
    server.will(Scripted(chunks=(event("ADDED", "6"), line)))
    async with cluster.watch("ConfigMap", since="5") as events:
        await anext(events)
        with pytest.raises(Expired):
            await anext(events)


async def test_a_watch_that_is_forbidden_says_so(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(status(403), 403))
    async with cluster.watch("ConfigMap", since="5") as events:
        with pytest.raises(Forbidden):
            await anext(events)


async def test_a_stream_that_cannot_be_followed_by_another_ends_the_watch(
    server: ApiServer, cluster: KubernetesCluster
) -> None:
    server.will(Scripted(chunks=(event("ADDED", "6"),)), answer(status(503), 503))
    async with cluster.watch("ConfigMap", since="5") as events:
        await anext(events)
        with pytest.raises(ClusterUnavailable):
            await anext(events)


@pytest.mark.parametrize("since", ["", "0", "old", "-1"])
async def test_a_position_that_is_none_is_expired_unasked(
    server: ApiServer, cluster: KubernetesCluster, since: str
) -> None:
    with pytest.raises(Expired):
        async with cluster.watch("ConfigMap", since=since):
            pass
    assert server.asked == []


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[]",
        b"no",
        b'{"type":"ADDED","object":{}}',
        b'{"type":"NEW","object":{"metadata":{"resourceVersion":"1"}}}',
    ],
)
async def test_what_is_no_event_ends_the_watch(server: ApiServer, cluster: KubernetesCluster, line: bytes) -> None:
    server.will(Scripted(chunks=(line + b"\n",)))
    async with cluster.watch("ConfigMap", since="5") as events:
        with pytest.raises(ClusterUnavailable):
            await anext(events)


async def test_an_event_has_its_limit() -> None:
    with pytest.raises(ClusterUnavailable, match="100 bytes"):
        [line async for line in lines(parts([b"x" * 60, b"x" * 60]), limit=100)]


@given(st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line)), st.data())
def test_lines_are_the_same_however_they_are_cut(whole: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    async def read() -> list[bytes]:
        return [line async for line in lines(parts(chunks))]

    assert asyncio.run(read()) == whole


async def parts(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
