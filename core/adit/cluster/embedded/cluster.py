"""EmbeddedCluster: the Cluster protocol on one SQLite file, shared by any number of processes of one machine."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Self, TypeVar

from adit.cluster.cluster import Listing, Manifest, WatchEvent
from adit.cluster.embedded import requests
from adit.cluster.embedded.admission import kind_of
from adit.cluster.embedded.folder import DATABASE, now, prepare_data_folder
from adit.cluster.embedded.requests import Request
from adit.cluster.embedded.slots import EmbeddedSlots
from adit.cluster.embedded.store import LogLimits, Store, prepare_database
from adit.cluster.embedded.watch import Changes, Selection, watch
from adit.cluster.embedded.worker import Worker
from adit.cluster.kinds import Ref

T = TypeVar("T")


class EmbeddedCluster:
    """One file, two connections: requests that write wait for each other, those that read never wait."""

    def __init__(self, data: Path, reader: Worker, writer: Worker, changes: Changes, person: str | None) -> None:
        self.data = data
        self._reader = reader
        self._writer = writer
        self._changes = changes
        self._person = person

    @classmethod
    def open(cls, data: Path, *, limits: LogLimits | None = None) -> Self:
        """Open, or make, the cluster in this data folder. Raises BadInput where the folder cannot be used."""
        folder = prepare_data_folder(data)
        path, limits = folder / DATABASE, limits or LogLimits()
        prepare_database(folder, limits)
        reader = Worker(path, limits, "reader")
        return cls(folder, reader, Worker(path, limits, "writer"), Changes(reader), None)

    async def close(self) -> None:
        """Finish the requests under way, then close the file. For the cluster that was opened, not for its persons."""
        await self._writer.close()
        await self._reader.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def interactive_slots(self) -> EmbeddedSlots:
        """The interactive slots of every endpoint, shared by all processes that open this data folder."""
        return EmbeddedSlots(self.data)

    def acting_as(self, person: str, groups: tuple[str, ...] = ()) -> "EmbeddedCluster":
        """The same cluster in the name of a person; groups have no meaning without a policy file."""
        del groups
        return EmbeddedCluster(self.data, self._reader, self._writer, self._changes, person)

    async def get(self, ref: Ref) -> Manifest:
        return await self._reader.read(lambda store: requests.get(store, ref))

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Listing:
        kind_of(kind)
        return await self._reader.read(
            lambda store: Listing(tuple(store.select(kind, namespace, labels or {})), str(store.version()))
        )

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._write(lambda store, request: requests.create(store, manifest, request))

    async def apply(self, manifest: Manifest, *, field_manager: str, force: bool = True) -> Manifest:
        return await self._write(
            lambda store, request: requests.apply(store, manifest, request, manager=field_manager, force=force)
        )

    async def patch(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        return await self._write(lambda store, request: requests.patch(store, ref, patch, resource_version, request))

    async def patch_status(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        return await self._write(
            lambda store, request: requests.patch_status(store, ref, patch, resource_version, request)
        )

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        await self._write(lambda store, request: requests.delete(store, ref, uid, resource_version, request))

    def watch(
        self,
        kind: str,
        *,
        since: str,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        kind_of(kind)
        return watch(self._reader, self._changes, Selection(kind, namespace, labels or {}), since)

    async def _write(self, change: Callable[[Store, Request], T]) -> T:
        request = Request(self._person, now(), str(uuid.uuid4()))
        try:
            return await self._writer.write(lambda store: change(store, request))
        finally:
            self._changes.notify()
