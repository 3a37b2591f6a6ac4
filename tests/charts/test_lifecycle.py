"""Install, upgrade, uninstall on a real cluster, for every namespace: jobs run, and what people made stays."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from adit_cli.testing import manifests
from tests.charts.helm import CHART, Helm
from tests.cluster.access import KubectlError, Kubernetes
from tests.cluster.plugin import way
from tests.end_to_end.conftest import resident
from tests.end_to_end.release import NAME, Release, Resident, restricted, until_policies_hold, values_for
from tests.end_to_end.tenant import counts

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.usefixtures("own_cluster")]

PROFILE = {"pseudonymSource": "Derived", "mappingTable": True}
KEY = "adit-project-key"
CLUSTER_WIDE = "clusterroles,clusterrolebindings,validatingadmissionpolicies,mutatingadmissionpolicies"


@pytest.fixture
def own_cluster(request: pytest.FixtureRequest) -> None:
    """An operator for every namespace would also work the jobs that somebody else's cluster holds."""
    if way(request.config) == "current":
        pytest.skip("not on a cluster that others use: this operator works the TransferJobs of every namespace")


@pytest.fixture
def release(
    helm: Helm, kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str], tmp_path: Path
) -> Iterator[Release]:
    """One that is still to be installed; helm forgets it again, whatever the test did with it."""
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({**values_for(adit_images, ()), "folders": {}}))
    try:
        yield Release(kubernetes, helm, namespace, values)
    finally:
        helm("uninstall", NAME, "-n", namespace, "--ignore-not-found", "--wait=hookOnly")


@pytest.fixture
def tenant(release: Release, tmp_path: Path) -> Iterator[Resident]:
    """A namespace that the release is not told of."""
    name = f"tenant-{uuid.uuid4().hex[:8]}"
    release.kubernetes.kubectl("create", "-f", "-", input=json.dumps(restricted(name)))
    release.pool.append(name)
    try:
        with ExitStack() as opened:
            yield resident(release, tmp_path / "tenant", opened)
    finally:
        release.kubernetes.kubectl("delete", "namespace", name, "--wait=false")


def as_documented(release: Release, verb: str, project: Path, *more: str) -> str:
    """The documented command, on this namespace; an install with the images of the tree, which an upgrade must keep."""
    keeps = ["--reset-then-reuse-values"] if verb == "upgrade" else []
    command = " ".join(["helm", verb, NAME, "charts/adit", "-n", "adit", *keeps, "--wait"])
    assert command in (project / "docs" / "install.md").read_text().splitlines()
    given = keeps or ["-f", str(release.values)]
    words = (verb, NAME, str(CHART), "-n", release.namespace, "--wait", *given, *more)
    return release.helm(*words, "--force-conflicts", "--take-ownership", "--timeout=80s")


def test_a_release_is_installed_upgraded_and_uninstalled_and_leaves_what_people_made(
    release: Release, tenant: Resident, project: Path
) -> None:
    """In a namespace of the level `restricted`; helm waits until the operator's probe answers."""
    said = as_documented(release, "install", project)
    assert "encryption at rest" in " ".join(said.split())
    release.pool.append(tenant.namespace)
    until_policies_hold(release)
    studies = tenant.load("a")
    tenant.job("night", studies)
    tenant.wait_for_phase("night", "Success")
    assert tenant.arrived == tenant.expected

    as_documented(release, "upgrade", project, "--set", "settings.callingAETitle=OTHER")
    found = json.loads(release.kubectl("get", f"deployment/{NAME}-operator", "-o", "json"))
    [container] = found["spec"]["template"]["spec"]["containers"]
    assert {"name": "CALLING_AE_TITLE", "value": "OTHER"} in container["env"]
    assert found["status"]["readyReplicas"] == 1
    tenant.apply(manifests.resource("PseudonymizationProfile", "study-7", PROFILE))
    tenant.job("again", studies, pseudonymization={"profile": "study-7"})
    tenant.wait_for_phase("again", "Success")
    kinds = ("tj/night", "tj/again", "dicomserver/source", "dicomserver/destination", "psp/study-7", "secret/" + KEY)
    before = {kind: tenant.read(kind)["metadata"]["uid"] for kind in kinds}
    tables = release.kubectl("get", "secrets", "-l", "adit.dev/purpose=mapping", "-o", "name")
    assert tables.startswith("secret/adit-mapping-")

    release.helm("uninstall", NAME, "-n", release.namespace, "--wait=hookOnly")
    with pytest.raises(KubectlError, match="not found"):
        release.kubectl("get", f"deployment/{NAME}-operator")
    assert {kind: tenant.read(kind)["metadata"]["uid"] for kind in kinds} == before
    assert release.kubectl("get", "secrets", "-l", "adit.dev/purpose=mapping", "-o", "name") == tables
    assert [tenant.status(name)["instances"] for name in ("night", "again")] == [counts(4)] * 2
    left = release.kubernetes.kubectl("get", CLUSTER_WIDE, "-o", "name", "-l", "helm.sh/chart")
    assert [one for one in left.splitlines() if release.cluster_name in one] == []
