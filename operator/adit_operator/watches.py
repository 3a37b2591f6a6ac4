"""Watches: list and follow every kind that decides, feed the cache, name the TransferJobs that a change concerns."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from adit.api import labels
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster, Expired, Manifest
from adit.cluster.kinds import Ref
from adit.errors import RetryableError
from adit_operator.cache import Cache

log = structlog.get_logger()
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """One kind, and the labels that select what we may see of it."""

    kind: str
    labels: tuple[tuple[str, str], ...] = ()


WATCHED = (
    Watched("DicomServer"),
    Watched("DicomFolder"),
    Watched("PseudonymizationProfile"),
    Watched("Secret", ((labels.PURPOSE, "credential"),)),
    Watched("Secret", ((labels.PURPOSE, "key"),)),
    Watched("Job", ((labels.MANAGED_BY, labels.MANAGED_BY_ADIT),)),
    Watched("TaskSet"),
    Watched("TransferJob"),
)


class Watches:
    """Follows the kinds into the cache; `changed` is told which TransferJobs to look at again, maybe none."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        changed: Callable[[Iterable[Ref]], None],
        namespaces: tuple[str, ...] = (),
        runner_namespace: str = "",
    ) -> None:
        self._cluster, self._cache, self._changed = cluster, cache, changed
        self._namespaces, self._runner_namespace = namespaces, runner_namespace
        self._unread = set(WATCHED)
        self._complete = asyncio.Event()

    async def complete(self) -> None:
        """Wait until every kind has been listed once: before that, what is missing may only be unread."""
        await self._complete.wait()

    async def read(self, watched: Watched) -> None:
        """List one kind once, in every watched namespace. Raises what the API answers."""
        selection = dict(watched.labels) or None
        places = self._places(watched.kind)
        listings = [await self._cluster.list(watched.kind, namespace=at, labels=selection) for at in places]
        # of several moments the first: what is newer than it may be in a listing of a later one only
        version = str(min(int(listing.resource_version or 0) for listing in listings))
        self._take_all(watched, [item for listing in listings for item in listing.items], version)

    def _places(self, kind: str) -> tuple[str | None, ...]:
        """The watched namespaces; of Jobs that of the runners only: who may make Jobs elsewhere, could forge one."""
        if kind == "Job" and self._runner_namespace:
            return (self._runner_namespace,)
        return tuple(sorted(self._namespaces)) or (None,)

    def _looked_at(self, ref: Ref) -> bool:
        """Whether an object lies where we look."""
        places = self._places(ref.kind)
        return places == (None,) or ref.namespace in places

    async def follow(self, watched: Watched) -> None:
        """List, then follow, for ever; list again where the position is lost."""
        while True:
            try:
                await self._follow(watched)
            except Expired:
                continue
            except RetryableError as error:
                log.warning("a watch ended, and starts again", kind=watched.kind, reason=error.reason)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self, watched: Watched) -> None:
        selection = dict(watched.labels) or None
        listing = await self._cluster.list(watched.kind, labels=selection)
        near = [item for item in listing.items if self._looked_at(Ref.of(item))]
        self._take_all(watched, near, listing.resource_version)
        async with self._cluster.watch(watched.kind, since=listing.resource_version, labels=selection) as events:
            async for event in events:
                if event.type != "BOOKMARK":
                    self.take(event.object, deleted=event.type == "DELETED")

    def _take_all(self, watched: Watched, items: Iterable[Manifest], version: str) -> None:
        purpose = dict(watched.labels).get(labels.PURPOSE)
        changed = self._cache.replace(watched.kind, items, version, purpose=purpose)
        self._unread.discard(watched)
        if not self._unread:
            self._complete.set()
        for ref in changed:
            self._changed(self._concerned(ref))

    def take(self, manifest: Manifest, *, deleted: bool) -> None:
        """Take in one event, and say whom it concerns."""
        ref = Ref.of(manifest)
        if not self._looked_at(ref):
            return
        before = tuple(self._concerned(ref))
        as_it_was = self._cache.servers.get(ref)
        news = self._cache.remove(manifest) if deleted else self._cache.put(manifest)
        now = self._cache.servers.get(ref)
        if as_it_was is not None and now is not None and _same_for_jobs(as_it_was, now):
            news = False  # only its status moved, which we wrote
        if news:
            self._changed(dict.fromkeys((*before, *self._concerned(ref))))

    def _concerned(self, ref: Ref) -> Iterable[Ref]:
        cache = self._cache
        match ref.kind:
            case "TransferJob":
                return (ref,)
            case "TaskSet":
                seen = cache.sets.get(ref)
                return self._owners(seen.owner_uid if seen else None)
            case "Job":
                job = cache.jobs.get(ref)
                return self._owners(job.owner_uid if job else None)
            case "Secret":
                near = {server.namespace for server in cache.servers if server.namespace == ref.namespace}
                return tuple(
                    one.ref
                    for one in cache.transfers.values()
                    if not one.terminal
                    and (one.ref.namespace == ref.namespace or {one.source.namespace, one.destination.namespace} & near)
                )
            case "PseudonymizationProfile":
                return tuple(
                    one.ref
                    for one in cache.transfers.values()
                    if (one.ref.namespace, one.profile) == (ref.namespace, ref.name)
                )
            case _:
                return tuple(one.ref for one in cache.transfers.values() if ref in {one.source, one.destination})

    def _owners(self, uid: str | None) -> Iterable[Ref]:
        owner = self._cache.transfer_of(uid)
        return () if owner is None else (owner,)


def _same_for_jobs(before: DicomServer, after: DicomServer) -> bool:
    """Whether a job would be given the same by both."""
    return before.spec == after.spec and before.metadata.annotations == after.metadata.annotations
