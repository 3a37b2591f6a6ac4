"""Where many tasks are measured: the embedded cluster, or a Kubernetes whose Jobs of one namespace make no pods."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adit.cluster.cluster import Cluster, Lease
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.folder import DATABASE
from adit.cluster.embedded.locks import FlockLease
from adit.cluster.kubernetes import KubernetesCluster, KubernetesLease
from adit.cluster.kubernetes.credentials import KubeConfig
from tests.cluster.access import Kubernetes
from tests.end_to_end.tenant import until

MANAGER = "adit.dev/benchmark"


@dataclass(frozen=True)
class Place:
    """A cluster as a measurement sees it: how the operator reaches it, and where its runners' Jobs are."""

    name: str
    cluster: Cluster
    lease: Lease
    environment: Mapping[str, str]
    namespace: str
    runner_namespace: str
    data: Path | None = None
    kubernetes: Kubernetes | None = field(default=None, repr=False)

    def file_bytes(self) -> int:
        """What the embedded cluster's file takes, its write-ahead log included; 0 on Kubernetes."""
        return sum(path.stat().st_size for path in self.data.glob(f"{DATABASE}*")) if self.data else 0


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Place]:
    """A new data folder."""
    data = folder / "data"
    async with EmbeddedCluster.open(data) as cluster:
        lease = FlockLease(cluster.data)
        yield Place("embedded", cluster, lease, {"ADIT_DATA": str(data)}, "default", "adit", cluster.data)


@asynccontextmanager
async def on_kubernetes(kubernetes: Kubernetes, namespace: str) -> AsyncIterator[Place]:
    """A namespace of a cluster that has our CRDs; its Jobs are left to the simulated node."""
    environment = {
        "ADIT_DATA": "",
        "KUBECONFIG": str(kubernetes.kubeconfig),
        "ADIT_WATCH_NAMESPACES": namespace,
        "ADIT_RUNNER_NAMESPACE": namespace,
    }
    with no_pods(kubernetes, namespace):
        async with KubernetesCluster.open(KubeConfig(str(kubernetes.kubeconfig))) as cluster:
            yield Place(
                "Kubernetes", cluster, KubernetesLease(), environment, namespace, namespace, kubernetes=kubernetes
            )


@contextmanager
def no_pods(kubernetes: Kubernetes, namespace: str) -> Iterator[None]:
    """Every Job made in this namespace is managed by us, so that the Job controller leaves it alone."""
    name = f"{namespace}-no-pods"
    kubernetes.kubectl(
        "apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": policy(name, namespace)})
    )
    try:
        until("Jobs are managed by us", lambda: _manages(kubernetes, namespace))
        yield
    finally:
        kinds = "mutatingadmissionpolicybinding,mutatingadmissionpolicy"
        kubernetes.kubectl("delete", kinds, name, "--ignore-not-found", "--wait=false")


def policy(name: str, namespace: str) -> list[dict[str, Any]]:
    """A MutatingAdmissionPolicy (Kubernetes 1.36) that sets `spec.managedBy` of new Jobs."""
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["jobs"], "operations": ["CREATE"]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    expression = f'Object{{spec: Object.spec{{managedBy: "{MANAGER}"}}}}'
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"namespaceSelector": here, "resourceRules": [rule]},
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
    }
    return [
        {**api, "kind": "MutatingAdmissionPolicy", "spec": spec},
        {**api, "kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": name}},
    ]


def _manages(kubernetes: Kubernetes, namespace: str) -> bool:
    """Whether a Job that is only tried is given our name."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "none", "image": "none"}]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "trial"}, "spec": {"template": {"spec": pod}}}
    words = ("create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-")
    return bool(json.loads(kubernetes.kubectl(*words, input=json.dumps(job)))["spec"].get("managedBy") == MANAGER)
