"""A cluster that remembers every write as a watch event, and can die or be interrupted before or after one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from adit.cluster.cluster import Cluster, ClusterUnavailable, Listing, Manifest, ObjectNotFound, WatchEvent
from adit.cluster.kinds import Ref


class Tap:
    """Passes on to the real cluster; one for all who write, so that the history is complete."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        # (deleted, object) of every write, in order; the garbage collector's deletions are not among them
        self.history: list[tuple[bool, Manifest]] = []
        self.fuse: int | None = None
        self.answered = False
        self.interruption: tuple[int, Callable[[], Awaitable[None]]] | None = None

    async def get(self, ref: Ref) -> Manifest:
        return await self._cluster.get(ref)

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Listing:
        return await self._cluster.list(kind, namespace=namespace, labels=labels)

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._write(lambda: self._cluster.create(manifest))

    async def apply(self, manifest: Manifest, *, field_manager: str, force: bool = True) -> Manifest:
        return await self._write(lambda: self._cluster.apply(manifest, field_manager=field_manager, force=force))

    async def patch(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        return await self._write(lambda: self._cluster.patch(ref, patch, resource_version=resource_version))

    async def patch_status(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        return await self._write(lambda: self._cluster.patch_status(ref, patch, resource_version=resource_version))

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        try:
            before = await self._cluster.get(ref)
        except ObjectNotFound:
            return
        await self._interrupt()
        await self._cluster.delete(ref, uid=uid, resource_version=resource_version)
        self.history.append((True, before))

    def watch(
        self, kind: str, *, since: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        return self._cluster.watch(kind, since=since, namespace=namespace, labels=labels)

    def acting_as(self, person: str, groups: tuple[str, ...] = ()) -> Cluster:
        return self._cluster.acting_as(person, groups)

    async def _write(self, write: Callable[[], Awaitable[Manifest]]) -> Manifest:
        await self._interrupt()
        self._burn(answered=False)
        written = await write()
        self.history.append((False, written))
        self._burn(answered=True)
        return written

    async def _interrupt(self) -> None:
        if self.interruption is None:
            return
        count, action = self.interruption
        if count:
            self.interruption = (count - 1, action)
            return
        self.interruption = None
        fuse, self.fuse = self.fuse, None
        await action()
        self.fuse = fuse

    def _burn(self, *, answered: bool) -> None:
        """Die at the write that the fuse counts down to: before it, or after it with the answer lost."""
        if self.fuse is None or self.answered != answered:
            return
        if self.fuse == 0:
            self.fuse = None
            raise ClusterUnavailable("the operator died here")
        self.fuse -= 1
