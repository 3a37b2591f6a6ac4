"""A Kubernetes as the contract tests of the Cluster protocol need it: a namespace per test, and the words of pods."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adit.cluster.cluster import Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes.cluster import KubernetesCluster
from adit.cluster.kubernetes.connection import Call, Connection
from adit.cluster.kubernetes.credentials import KubeConfig
from adit.testing.cluster_contract import Backend, eventually

_NAMESPACES = "/api/v1/namespaces"


@asynccontextmanager
async def kubernetes_backend(kubeconfig: Path, image: str) -> AsyncIterator[Backend]:
    """A cluster that has our CustomResourceDefinitions, and an image that has Python as `python`."""
    async with administrator(kubeconfig) as connection, fresh_namespace(connection) as namespace:
        cluster = KubernetesCluster(connection)

        async def pod_log(job: Ref) -> str:
            return await newest_pod_log(connection, job)

        async def expired_position() -> tuple[str, str]:
            # the server remembers a kind of ours since its definition was made, which is after its own first version;
            # what it remembers of its own kinds cannot be filled up within less than 75 s
            return "DicomServer", "1"

        yield Backend(cluster, namespace, image, pod_log, expired_position)


@asynccontextmanager
async def administrator(kubeconfig: Path) -> AsyncIterator[Connection]:
    """A connection with the rights of a kubeconfig."""
    connection = Connection(KubeConfig(str(kubeconfig)))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def fresh_namespace(connection: Connection) -> AsyncIterator[str]:
    """A namespace of one test, in which pods can start; its end is not waited for."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    body: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await connection.call(Call("POST", _NAMESPACES, name, body=body))

    async def has_account() -> bool:
        try:
            await connection.call(Call("GET", f"{_NAMESPACES}/{name}/serviceaccounts/default", name))
        except ObjectNotFound:
            return False
        return True

    try:
        await eventually(has_account)
        yield name
    finally:
        await asyncio.shield(connection.call(Call("DELETE", f"{_NAMESPACES}/{name}", name)))


async def newest_pod_log(connection: Connection, job: Ref) -> str:
    """What the newest pod of a Job has printed so far."""
    path = f"{_NAMESPACES}/{job.namespace}/pods"
    query = {"labelSelector": f"batch.kubernetes.io/job-name={job.name}"}
    pods = (await connection.call(Call("GET", path, str(job), query)))["items"]
    newest = max(pods, key=lambda pod: int(pod["metadata"]["resourceVersion"]))
    log = Call("GET", f"{path}/{newest['metadata']['name']}/log", str(job))
    async with connection.chunks(log, idle_seconds=10.0) as chunks:
        return b"".join([chunk async for chunk in chunks]).decode()
