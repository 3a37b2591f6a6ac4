"""The fixture `helm`, for the chart's own tests and for those that run on an installed chart.

Loaded by tests/conftest.py, after the plugin that brings the cluster.
"""

import json

import pytest

from tests.charts import helm as helms
from tests.charts.helm import Helm
from tests.cluster.access import Kubernetes
from tests.cluster.plugin import needs_cluster, way

NO_HELM = pytest.StashKey[str]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build helm here, where no test's time-out runs; a failure is told by the tests that need it."""
    wanted = any(needs_cluster(item) and "helm" in getattr(item, "fixturenames", ()) for item in session.items)
    if way(session.config) and wanted and not session.config.option.collectonly and helms.find() is None:
        try:
            helms.build()
        except helms.NoHelm as reason:
            session.config.stash[NO_HELM] = str(reason)


@pytest.fixture(scope="session")
def helm(request: pytest.FixtureRequest, kubernetes: Kubernetes) -> Helm:
    """The real helm 4; where the local cluster was asked for its absence is a failure."""
    path = helms.find()
    if path is None:
        reason = request.config.stash.get(NO_HELM, "helm 4 is not installed")
        (pytest.fail if way(request.config) == "local" else pytest.skip)(reason)
    if way(request.config) == "current" and (owner := owner_of_definitions(kubernetes)):
        pytest.fail(
            f"the definitions of adit.dev belong to the release {owner}, which is installed on this cluster: the tests "
            "would replace them by those of this tree, and with them what its jobs and servers may say. Take another "
            "cluster, or --cluster=local."
        )
    return Helm(path, kubernetes)


def owner_of_definitions(kubernetes: Kubernetes) -> str:
    """NAMESPACE/NAME of the installed release that our definitions belong to; "" where there is none."""
    found = kubernetes.kubectl("get", "crd", "transferjobs.adit.dev", "--ignore-not-found", "-o", "json")
    if not found.strip():
        return ""
    notes = json.loads(found)["metadata"].get("annotations") or {}
    name, space = notes.get("meta.helm.sh/release-name", ""), notes.get("meta.helm.sh/release-namespace", "")
    if not (name and space):
        return ""
    kept = kubernetes.kubectl("-n", space, "get", "secrets", "-l", f"owner=helm,name={name}", "-o", "name")
    return f"{space}/{name}" if kept.strip() else ""
