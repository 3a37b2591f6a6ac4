"""Which cluster a program talks to, decided by its environment, once, at its door."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adit.cluster.cluster import Cluster, Lease
from adit.cluster.data_folder import DATA_ENV
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.errors import BadInput

if TYPE_CHECKING:
    from adit.cluster.kubernetes import KubernetesCluster


def connect(environ: Mapping[str, str]) -> "tuple[EmbeddedCluster | KubernetesCluster, Lease]":
    """The cluster that the environment names, and how to tell whether holders live. Raises BadInput where none is.

    ADIT_DATA names an embedded one; else KUBECONFIG, else a pod's own service account, one of Kubernetes. Whoever
    asks closes it.
    """
    if environ.get(DATA_ENV):
        cluster = EmbeddedCluster.open(Path(environ[DATA_ENV]))
        return cluster, FlockLease(cluster.data)
    if not (environ.get("KUBECONFIG") or environ.get("KUBERNETES_SERVICE_HOST")):
        raise BadInput(
            f"no cluster: set {DATA_ENV} to the data folder of an embedded one, as `adit run` does, "
            "or KUBECONFIG to the file that names a Kubernetes cluster"
        )
    return _kubernetes(environ)


@asynccontextmanager
async def connected(environ: Mapping[str, str]) -> AsyncIterator[tuple[Cluster, Lease]]:
    """As `connect`, closed in the end."""
    cluster, lease = connect(environ)
    async with cluster:
        yield cluster, lease


def _kubernetes(environ: Mapping[str, str]) -> "tuple[KubernetesCluster, Lease]":
    try:
        from adit.cluster.kubernetes import KubernetesCluster, KubernetesLease  # noqa: PLC0415 - heavy, and an extra
        from adit.cluster.kubernetes.credentials import credentials_of  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise BadInput(f"a Kubernetes cluster needs the extra `cluster`: no module {error.name}") from error
    credentials = credentials_of(environ)
    assert credentials is not None, "asked before"
    return KubernetesCluster.open(credentials), KubernetesLease()
