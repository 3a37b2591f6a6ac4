"""What the checks read of an API server beside our own objects, each answer as plain JSON, a refusal as None."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adit.cluster.cluster import Forbidden, Manifest, ObjectNotFound
from adit.cluster.kubernetes.connection import Call, Connection

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
OURS = {"labelSelector": "app.kubernetes.io/part-of=adit"}
OPERATOR = {"labelSelector": "app.kubernetes.io/part-of=adit,app.kubernetes.io/component=operator"}
MOST = 200
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that may be allowed: a verb on a resource, of one name or all; namespace "" is all of them."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    @property
    def attributes(self) -> Manifest:
        """As SelfSubjectAccessReview asks it."""
        resource, _, subresource = self.resource.partition("/")
        values = {
            "verb": self.verb,
            "group": self.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": self.namespace,
            "name": self.name,
        }
        return {key: value for key, value in values.items() if value}

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else " in all namespaces"
        which = f"{self.resource}/{self.name}" if self.name else self.resource
        return f"{self.verb} {which}{where}"


class ApiServer:
    """Asks with the account of the connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> Manifest | None:
        """What lies there; None where it may not be read. Raises ObjectNotFound, ClusterUnavailable."""
        try:
            return await self._connection.call(Call("GET", path, path, query or {}))
        except Forbidden:
            return None

    async def items(self, path: str, query: Mapping[str, str], most: int = MOST) -> list[Manifest] | None:
        """What a list holds, its first ones; None where it may not be read, or there is no such list."""
        try:
            found = await self.read(path, {**query, "limit": str(most)})
        except ObjectNotFound:
            return None
        return None if found is None else [one for one in found.get("items") or [] if isinstance(one, dict)]

    async def page(self, path: str, most: int, token: str = "") -> tuple[list[Manifest], str]:
        """The next ones of a list and where it goes on; "" where it ends. Raises Forbidden, Expired, ObjectNotFound."""
        query = {"limit": str(most), **({"continue": token} if token else {})}
        found = await self._connection.call(Call("GET", path, path, query))
        token = str((found.get("metadata") or {}).get("continue") or "")
        return [one for one in found.get("items") or [] if isinstance(one, dict)], token

    async def date(self) -> str:
        """The Date header of an answer."""
        return (await self._connection.headers(Call("GET", "/version", "/version"))).get("Date", "")

    async def who(self) -> str:
        """The name of the account that asks."""
        kind = "SelfSubjectReview"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": kind}
        answer = await self._connection.call(
            Call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", kind, body=body)
        )
        user: Any = (answer.get("status") or {}).get("userInfo") or {}
        return str(user.get("username") or "unknown")

    async def allowed(self, rights: tuple[Right, ...]) -> dict[Right, bool]:
        """Which of these the account has."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def ask(right: Right) -> bool:
            async with free:
                return await self._may(right)

        answers = await asyncio.gather(*map(ask, rights))
        return dict(zip(rights, answers, strict=True))

    async def _may(self, right: Right) -> bool:
        kind = "SelfSubjectAccessReview"
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": kind,
            "spec": {"resourceAttributes": right.attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = await self._connection.call(Call("POST", path, kind, body=body))
        return bool((answer.get("status") or {}).get("allowed"))
