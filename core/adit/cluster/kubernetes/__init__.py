"""The Cluster protocol on a Kubernetes API server, with Leases for interactive slots. Heavy: import it when needed."""

from adit.cluster.kubernetes.cluster import KubernetesCluster
from adit.cluster.kubernetes.lease import KubernetesLease
from adit.cluster.kubernetes.slots import KubernetesSlots

__all__ = ["KubernetesCluster", "KubernetesLease", "KubernetesSlots"]
