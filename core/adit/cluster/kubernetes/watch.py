"""Watches of an API server: one stream after the other from the last position on, until the position is too old."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, cast

from adit.cluster.cluster import ClusterUnavailable, Expired, Manifest, WatchEvent
from adit.cluster.kinds import Kind
from adit.cluster.kubernetes.answers import refusal_of_event
from adit.cluster.kubernetes.connection import MAX_ANSWER_BYTES, Call, Connection

# The server ends a stream after this time; ours ends after silence. A bookmark comes about once a minute (up to 75 s).
STREAM_SECONDS = 300
IDLE_SECONDS = 100.0
_BETWEEN_STREAMS_SECONDS = 1.0


@asynccontextmanager
async def watch(
    connection: Connection, kind: Kind, call: Call, since: str, *, idle_seconds: float = IDLE_SECONDS
) -> AsyncIterator[AsyncIterator[WatchEvent]]:
    """Open a watch of what `call` lists. Raises Expired, here or while it is read."""
    if not since.isdecimal() or int(since) == 0:  # "0" would mean any state, and "" all that is there
        raise Expired(f"the watch position {since[:40]!r} is none of this cluster: list again")
    async with aclosing(_follow(connection, kind, call, since, idle_seconds)) as events:
        yield events


async def _follow(
    connection: Connection, kind: Kind, call: Call, position: str, idle_seconds: float
) -> AsyncGenerator[WatchEvent, None]:
    loop = asyncio.get_running_loop()
    while True:
        opened = loop.time()
        query = {
            **call.query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": position,
            "timeoutSeconds": str(STREAM_SECONDS),
        }
        async with connection.chunks(replace(call, query=query), idle_seconds=idle_seconds) as chunks:
            async for line in lines(chunks):
                event = read_event(line, kind, call.about)
                position = event.resource_version
                yield event
        await asyncio.sleep(max(0.0, opened + _BETWEEN_STREAMS_SECONDS - loop.time()))


async def lines(chunks: AsyncIterator[bytes], limit: int = MAX_ANSWER_BYTES) -> AsyncIterator[bytes]:
    """The lines of a stream, without the last one where the stream broke off within it."""
    pending = bytearray()
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        pending += first
        for other in others:
            if pending:
                yield bytes(pending)
            pending = bytearray(other)
        if len(pending) > limit:
            raise ClusterUnavailable(f"an event of the watch is larger than {limit} bytes")


def read_event(line: bytes, kind: Kind, about: str) -> WatchEvent:
    """One event. Raises what an ERROR event means to us, Expired for 410."""
    try:
        event: Any = json.loads(line)
        happened, manifest = event["type"], event["object"]
        if happened == "ERROR":
            raise refusal_of_event(manifest, about)
        version = str(manifest["metadata"]["resourceVersion"])
    except (ValueError, KeyError, TypeError) as error:
        raise ClusterUnavailable(f"{about}: the watch answers what is no event") from error
    if happened not in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}:
        raise ClusterUnavailable(f"{about}: the watch answers an event of an unknown type")
    described = cast("Manifest", {"apiVersion": kind.api_version, "kind": kind.name, **manifest})
    return WatchEvent(happened, described, version)
