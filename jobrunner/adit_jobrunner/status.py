"""The only way this runner writes: guarded by the version last seen, given up when somebody else holds the set."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from adit.api.task_set import Stop
from adit.cluster.cluster import Cluster, Conflict, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import AditError

MAX_CONFLICTS = 20


class HolderLost(AditError):
    """The TaskSet is gone or somebody else's: this runner must stop and may write nothing any more."""

    default_reason = "HolderLost"


def timestamp(moment: datetime) -> str:
    """As Kubernetes writes it: RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def holder_uid(manifest: Manifest) -> str | None:
    """The pod that holds a TaskSet, None where nobody does."""
    holder = (manifest.get("status") or {}).get("holder") or {}
    uid = holder.get("podUid")
    return str(uid) if uid else None


def judged_attempt(manifest: Manifest) -> int:
    """The attempt whose end the operator counted last, -1 where none."""
    verdict = (manifest.get("status") or {}).get("verdict") or {}
    return int(verdict.get("judgedAttempt", -1))


class Writer(Protocol):
    """Merges a patch into the status as the holder of the set."""

    async def write(self, patch: Manifest) -> None:
        """Raises HolderLost or RetryableError."""
        ...


class StatusWriter:
    """Writes status of one TaskSet as its holder; tells `on_stop` what `spec.stop` says in every answer."""

    def __init__(
        self, cluster: Cluster, ref: Ref, pod_uid: str, claimed: Manifest, on_stop: Callable[[Stop], None]
    ) -> None:
        self._cluster = cluster
        self._ref = ref
        self._pod_uid = pod_uid
        self._attempt = int(((claimed.get("status") or {}).get("runner") or {}).get("attempt", 0))
        self._on_stop = on_stop
        self._one_at_a_time = asyncio.Lock()
        self._version = ""
        self._take(claimed)

    async def write(self, patch: Manifest) -> None:
        """Merge the patch into the status. Raises HolderLost, and ClusterUnavailable where the API does not answer."""
        async with self._one_at_a_time:
            for _ in range(MAX_CONFLICTS):
                try:
                    self._take(await self._cluster.patch_status(self._ref, patch, resource_version=self._version))
                except Conflict:
                    await self._read_again()
                except ObjectNotFound as gone:
                    raise HolderLost("the TaskSet was deleted") from gone
                else:
                    return
            raise Conflict(f"the TaskSet changed {MAX_CONFLICTS} times while its status was to be written")

    async def _read_again(self) -> None:
        try:
            fresh = await self._cluster.get(self._ref)
        except ObjectNotFound as gone:
            raise HolderLost("the TaskSet was deleted") from gone
        # One that was deleted and made anew has no holder, or another.
        if holder_uid(fresh) != self._pod_uid:  # guard: conflict-checks-holder
            raise HolderLost("another runner holds the TaskSet")
        if judged_attempt(fresh) >= self._attempt:  # guard: conflict-checks-verdict
            raise HolderLost("the operator took this runner for dead and has judged its attempt")
        self._take(fresh)

    def _take(self, manifest: Manifest) -> None:
        self._version = manifest["metadata"]["resourceVersion"]
        stop = manifest.get("spec", {}).get("stop")
        if stop is not None:
            self._on_stop(stop)
