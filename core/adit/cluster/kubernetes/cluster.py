"""KubernetesCluster: the Cluster protocol on an API server, for every kind of our table, as plain JSON."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Self

from adit.cluster.cluster import Listing, Manifest, ObjectNotFound, WatchEvent
from adit.cluster.embedded.admission import with_encoded_data
from adit.cluster.embedded.merge import without_nulls
from adit.cluster.kinds import SECRET, Ref
from adit.cluster.kubernetes.connection import Call, Connection
from adit.cluster.kubernetes.credentials import Credentials
from adit.cluster.kubernetes.listing import list_all
from adit.cluster.kubernetes.paths import collection_path, kind_of, object_path, selector
from adit.cluster.kubernetes.person import Person, person
from adit.cluster.kubernetes.slots import KubernetesSlots
from adit.cluster.kubernetes.watch import watch
from adit.errors import BadInput

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
# of what is created and patched; an apply names its own
FIELD_MANAGER = "adit"
# a field that the schema does not know is an error, not dropped in silence
_WRITE = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}


class KubernetesCluster:
    """One connection pool, for one event loop; close it, or leave it as a context."""

    def __init__(self, connection: Connection, somebody: Person | None = None) -> None:
        self._connection = connection
        self._headers = tuple(somebody.headers()) if somebody is not None else ()

    @classmethod
    def open(cls, credentials: Credentials) -> Self:
        """The cluster that these credentials lead to; nothing is sent before the first request."""
        return cls(Connection(credentials))

    @property
    def connection(self) -> Connection:
        """The way to what is no object of ours: versions, access reviews, the Deployment of the operator."""
        return self._connection

    async def close(self) -> None:
        """End the connections, also those of the persons. For the cluster that was opened, not for its persons."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def interactive_slots(self, namespace: str) -> KubernetesSlots:
        """The interactive slots of every endpoint, shared by all who name the same namespace."""
        return KubernetesSlots(self, namespace)

    def acting_as(self, person_name: str, groups: tuple[str, ...] = ()) -> "KubernetesCluster":
        """The same cluster, asked in a person's name by impersonation. Raises Forbidden for the cluster's own names."""
        return KubernetesCluster(self._connection, person(person_name, groups))

    async def get(self, ref: Ref) -> Manifest:
        return await self._connection.call(self._call("GET", ref))

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Listing:
        return await list_all(self._connection, kind_of(kind), self._selection(kind, namespace, labels))

    async def create(self, manifest: Manifest) -> Manifest:
        ref, wanted = _read(manifest)
        path = collection_path(kind_of(ref.kind), ref.namespace)
        call = Call("POST", path, str(ref), query=_WRITE, body=wanted, headers=self._headers)
        return await self._connection.call(call)

    async def apply(self, manifest: Manifest, *, field_manager: str, force: bool = True) -> Manifest:
        ref, wanted = _read(manifest)
        # owned as `data`: keys of stringData would stay when they are left out
        wanted = with_encoded_data(wanted) if ref.kind == SECRET.name else wanted
        query = {**_WRITE, "fieldManager": field_manager, "force": "true" if force else "false"}
        return await self._connection.call(self._call("PATCH", ref, body=wanted, query=query, kind=APPLY_PATCH))

    async def patch(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        body = {key: value for key, value in patch.items() if key != "status"}
        if resource_version is not None:
            body["metadata"] = {**(body.get("metadata") or {}), "resourceVersion": resource_version}
        return await self._connection.call(self._call("PATCH", ref, body=body, query=_WRITE, kind=MERGE_PATCH))

    async def patch_status(self, ref: Ref, patch: Manifest, *, resource_version: str | None = None) -> Manifest:
        body: Manifest = {"status": patch}
        if resource_version is not None:
            body["metadata"] = {"resourceVersion": resource_version}
        call = self._call("PATCH", ref, body=body, query=_WRITE, kind=MERGE_PATCH, subresource="status")
        return await self._connection.call(call)

    async def delete(self, ref: Ref, *, uid: str | None = None, resource_version: str | None = None) -> None:
        # a Job that is gone before its pods are could no longer say that one of them still uses its slots
        policy = "Foreground" if ref.kind == "Job" else "Background"
        body: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        same = {"uid": uid, "resourceVersion": resource_version}
        if same := {key: value for key, value in same.items() if value is not None}:
            body["preconditions"] = same
        try:
            await self._connection.call(self._call("DELETE", ref, body=body))
        except ObjectNotFound:
            return

    def watch(
        self,
        kind: str,
        *,
        since: str,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        return watch(self._connection, kind_of(kind), self._selection(kind, namespace, labels), since)

    def _call(
        self,
        method: str,
        ref: Ref,
        *,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
        kind: str = "application/json",
        subresource: str = "",
    ) -> Call:
        path = object_path(ref, subresource)
        return Call(method, path, str(ref), query or {}, body, content_type=kind, headers=self._headers)

    def _selection(self, kind: str, namespace: str | None, labels: Mapping[str, str] | None) -> Call:
        query = {"labelSelector": selector(labels)} if labels else {}
        return Call("GET", collection_path(kind_of(kind), namespace), kind, query, headers=self._headers)


def _read(manifest: Manifest) -> tuple[Ref, Manifest]:
    """The name of a manifest, and the manifest with its namespace and without nulls. Raises Invalid, BadInput."""
    try:
        ref = Ref.of(manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput("the manifest has no kind or no metadata.name") from error
    kind_of(ref.kind)
    wanted = without_nulls(manifest)
    return ref, {**wanted, "metadata": {**wanted["metadata"], "namespace": ref.namespace}}
