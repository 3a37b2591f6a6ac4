"""The Cluster protocol in one SQLite file, with processes where Kubernetes starts pods: one machine, no cluster."""

from adit.cluster.embedded.cluster import EmbeddedCluster

__all__ = ["EmbeddedCluster"]
