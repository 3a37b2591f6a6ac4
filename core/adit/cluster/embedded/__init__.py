"""The Cluster protocol in one SQLite file, with processes where Kubernetes starts pods: one machine, no cluster."""

from adit.cluster.embedded.cluster import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease, try_operator_lock
from adit.cluster.embedded.node import EmbeddedNode
from adit.cluster.embedded.slots import EmbeddedSlots

__all__ = ["EmbeddedCluster", "EmbeddedNode", "EmbeddedSlots", "FlockLease", "try_operator_lock"]
