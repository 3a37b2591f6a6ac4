"""A Kubernetes that knows our kinds, for the tests of the Cluster protocol."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.access import Kubernetes


@dataclass(frozen=True, slots=True)
class PreparedKubernetes:
    """Where the cluster is, and an image there that has Python."""

    kubeconfig: Path
    image: str


@pytest.fixture(scope="session")
def prepared_kubernetes(kubernetes: Kubernetes, adit_images: dict[str, str], project: Path) -> PreparedKubernetes:
    """The cluster of the session with our CustomResourceDefinitions, which stay: others may use them as well."""
    definitions = str(project / "crds")
    kubernetes.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=adit-tests", "-f", definitions)
    kubernetes.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", definitions)
    return PreparedKubernetes(kubernetes.kubeconfig, adit_images["jobrunner"])
