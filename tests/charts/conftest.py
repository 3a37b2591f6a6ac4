"""An installed chart and a tenant, for the tests of its policies."""

import uuid
from collections.abc import Iterator

import pytest
import yaml

from tests.charts.helm import CHART, Helm
from tests.charts.tenancy import PERSON, Tenancy, job, refused, server, until
from tests.cluster.access import Kubernetes


@pytest.fixture
def tenancy(helm: Helm, kubernetes: Kubernetes, namespace: str) -> Iterator[Tenancy]:
    """The chart without its operator: its pods never start for want of the account's image, and are not waited for."""
    tenant = f"tenant-{uuid.uuid4().hex[:8]}"
    kubernetes.kubectl("create", "namespace", tenant)
    helm("install", "adit", str(CHART), "-n", namespace, "--take-ownership", "--force-conflicts", "--wait=hookOnly",
         "--set", f"watchNamespaces={{{tenant}}}", "--set", "images.pullPolicy=Never")  # fmt: skip
    try:
        bind = ("-n", tenant, "create", "rolebinding", "tenant")
        kubernetes.kubectl(*bind, f"--clusterrole={namespace}.adit-tenant", f"--user={PERSON}")
        for name in ("source", "destination"):
            kubernetes.kubectl("-n", tenant, "apply", "-f", "-", input=yaml.safe_dump(server(name)))
        made = Tenancy(kubernetes, namespace, tenant)
        until(
            lambda: refused("use-source", lambda: made.as_person("create", "--dry-run=server", "-f", "-", input=job()))
        )
        yield made
    finally:
        helm("uninstall", "adit", "-n", namespace, "--wait=hookOnly")
        kubernetes.kubectl("delete", "namespace", tenant, "--wait=false")
