"""Leases that behave as the API server's do, and a clock that sleeping moves on."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from adit.cluster.cluster import Conflict, Listing, Manifest, ObjectNotFound
from adit.cluster.embedded.merge import merged, without_nulls
from adit.cluster.kinds import Ref


class FakeLeases:
    """Leases with versions; `broken` is raised by every patch."""

    def __init__(self) -> None:
        self.leases: dict[str, Manifest] = {}
        self.version = 0
        self.broken: Exception | None = None

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Listing:
        assert (kind, namespace) == ("Lease", "adit")
        wanted = (labels or {}).items()
        found = [lease for lease in self.leases.values() if wanted <= lease["metadata"]["labels"].items()]
        await asyncio.sleep(0)
        return Listing(tuple(found), str(self.version))

    async def create(self, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        if name in self.leases:
            raise Conflict("taken", reason="AlreadyExists")
        return self._write(name, manifest)

    async def patch(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        if self.broken is not None:
            raise self.broken
        lease = self.leases.get(ref.name)
        if lease is None:
            raise ObjectNotFound("gone")
        if resource_version not in {None, lease["metadata"]["resourceVersion"]}:
            raise Conflict("changed")
        return self._write(ref.name, without_nulls(merged(lease, patch)))

    def _write(self, name: str, manifest: Manifest) -> Manifest:
        self.version += 1
        self.leases[name] = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": str(self.version)}}
        return self.leases[name]


class ManualTime:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)
