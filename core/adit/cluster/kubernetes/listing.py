"""Lists in pages, so that no answer is larger than we can hold at once."""

from dataclasses import replace
from typing import Any

from adit.cluster.cluster import ClusterUnavailable, Expired, Listing, Manifest
from adit.cluster.kinds import Kind
from adit.cluster.kubernetes.connection import Call, Connection, TooLarge

PAGE_OBJECTS = 200
PAGE_BYTES = 32 * 1024 * 1024
PAGE_SECONDS = 60.0
_TRIES = 3


async def list_all(connection: Connection, kind: Kind, call: Call) -> Listing:
    """All objects as of one moment. Where its pages ran out of time the list is begun anew, three times in all."""
    for _ in range(_TRIES - 1):
        try:
            return await _pages(connection, kind, call)
        except Expired:
            continue
    return await _pages(connection, kind, call)


async def _pages(connection: Connection, kind: Kind, call: Call) -> Listing:
    items: list[Manifest] = []
    objects, token, version = PAGE_OBJECTS, "", ""
    while True:
        query = {**call.query, "limit": str(objects), **({"continue": token} if token else {})}
        try:
            page = await connection.call(replace(call, query=query, seconds=PAGE_SECONDS, max_bytes=PAGE_BYTES))
        except TooLarge:
            if objects == 1:
                raise
            objects = max(1, objects // 8)  # the same place again, in smaller steps
            continue
        found, metadata = page.get("items", []), page.get("metadata")
        found = [] if found is None else found  # as Go writes an empty list
        if not isinstance(found, list) or not isinstance(metadata, dict):
            raise ClusterUnavailable(f"{call.about}: the answer is no list")
        items.extend(_described(item, kind) for item in found)
        version = version or str(metadata.get("resourceVersion", ""))
        token = str(metadata.get("continue") or "")
        if not token:
            return Listing(tuple(items), version)


def _described(item: Any, kind: Kind) -> Manifest:
    """A list says once what its items are; each of ours says it itself."""
    return {**item, "apiVersion": kind.api_version, "kind": kind.name}
