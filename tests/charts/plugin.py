"""The fixture `helm`, for the chart's own tests and for those that run on an installed chart.

Loaded by tests/conftest.py, after the plugin that brings the cluster.
"""

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
    return Helm(path, kubernetes)
