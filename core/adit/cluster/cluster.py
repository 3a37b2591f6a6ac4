"""The Cluster protocol: the few verbs of the Kubernetes API that we use, spoken by a cluster or by a SQLite file.

Objects are plain JSON manifests. Semantics are Kubernetes' own; one contract test suite holds both implementations.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from adit.cluster.kinds import Ref
from adit.errors import AditError, NotFound, PermanentError, RetryableError

Manifest = dict[str, Any]


class ObjectNotFound(NotFound):
    """No such object (404)."""


class Conflict(RetryableError):
    """The object changed since the resourceVersion given, or the name is taken on create (409)."""

    default_reason = "Conflict"


class Expired(RetryableError):
    """The watch position is too old: list again (410)."""

    default_reason = "Expired"


class Invalid(PermanentError):
    """The object breaks its schema or an immutability rule (422); the message names the field."""

    default_reason = "Invalid"


class Forbidden(PermanentError):
    """The person may not do this (403)."""

    default_reason = "Forbidden"


class ClusterUnavailable(RetryableError):
    """The API does not answer now."""

    default_reason = "ClusterUnavailable"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """What happened to one object; BOOKMARK moves the position only."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Manifest
    resource_version: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects as of one moment; a watch from `resource_version` misses nothing."""

    items: tuple[Manifest, ...]
    resource_version: str


class Cluster(Protocol):
    """The API. Every call may raise ClusterUnavailable."""

    async def get(self, ref: Ref) -> Manifest:
        """Read one object. Raises ObjectNotFound."""
        ...

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Listing:
        """Read all objects of a kind, of one namespace or all, that carry these labels with these values."""
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """Make an object. Raises Conflict where the name is taken, Invalid."""
        ...

    async def apply(self, manifest: Manifest, *, field_manager: str, force: bool = True) -> Manifest:
        """Server-side apply: create or bring our fields to what the manifest says, leave others' fields alone.

        With metadata.uid in the manifest, an object of another UID raises Conflict. A field that this manager applied
        before and leaves out now is removed. Never touches status.
        """
        ...

    async def patch(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        """Merge-patch (RFC 7386) metadata and spec. Raises ObjectNotFound, Conflict, Invalid."""
        ...

    async def patch_status(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        """Merge-patch the status subresource with `{"status": patch}`; guarded by resource_version where given."""
        ...

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        """Delete: what it owns follows; a Job stays, marked, until its pods have ended.

        A missing object is no error; another uid or resource version raises Conflict.
        """
        ...

    def watch(
        self,
        kind: str,
        *,
        since: str,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        """Follow a kind from a listing on. An object that loses the labels arrives as DELETED. Raises Expired."""
        ...

    def acting_as(self, person: str, groups: tuple[str, ...] = ()) -> "Cluster":
        """The same cluster, asked in the name of a person."""
        ...


class Lease(Protocol):
    """Whether the holder of a TaskSet is alive, as the cluster can tell; never a clock of another machine."""

    def expired(self, uid: str, holder: Manifest | None) -> bool:
        """Whether the holder of the TaskSet with this UID is gone for good.

        `holder` is TaskSet.status.holder as last read; None is always expired. Kubernetes: renewTime has not moved for
        60 s on our monotonic clock. Embedded: nobody holds the flock of that TaskSet.
        """
        ...

    def hold(self, uid: str) -> AbstractContextManager[bool]:
        """Hold the TaskSet with this UID while the context is open, as far as the cluster needs more than renewTime.

        Gives False where somebody else holds it. Kubernetes: nothing to do, True. Embedded: the flock.
        """
        ...


__all__ = [
    "AditError",
    "Cluster",
    "ClusterUnavailable",
    "Conflict",
    "Expired",
    "Forbidden",
    "Invalid",
    "Lease",
    "Listing",
    "Manifest",
    "ObjectNotFound",
    "WatchEvent",
]
