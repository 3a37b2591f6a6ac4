"""What helm makes of the chart: lint, several sets of values, refusals of wrong ones, and the API server's opinion."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.helm import CHART, Helm, HelmError
from tests.cluster.access import Kubernetes

pytestmark = pytest.mark.cluster

EVERYTHING = {
    "watchNamespaces": ["research", "clinic"],
    "images": {"pullSecrets": ["registry"]},
    "operator": {
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "dicom", "operator": "Exists"}],
        "priorityClassName": "system-cluster-critical",
        "podAnnotations": {"note": "kept"},
    },
    "serviceAccounts": {"runner": {"name": "porter", "annotations": {"note": "kept"}}},
    "rbac": {"aggregate": True},
    "networkPolicy": {"enabled": True, "peers": {"cidrs": ["10.1.0.0/16"], "ports": [104, 11112]}},
    "folders": {"persistence": {"enabled": True, "storageClassName": "standard"}},
}
LITTLE = {"crds": {"install": False}, "rbac": {"people": False}, "policies": {"enabled": False}}
WAYS: dict[str, dict[str, Any]] = {"defaults": {}, "everything": EVERYTHING, "little": LITTLE}


def written(values: dict[str, Any], folder: Path) -> str:
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(values))
    return str(path)


def of_kind(manifests: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [one for one in manifests if one["kind"] in kinds]


def test_helm_finds_nothing_to_blame(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))


@pytest.mark.parametrize("way", WAYS)
def test_the_api_server_takes_what_the_chart_makes(
    helm: Helm, kubernetes: Kubernetes, namespace: str, way: str, tmp_path: Path
) -> None:
    """Strict about unknown fields; policies are compiled. Objects of namespaces that are not there are left out."""
    manifests = helm.render("--values", written(WAYS[way], tmp_path), namespace=namespace)
    here = [one for one in manifests if one["metadata"].get("namespace", namespace) == namespace]
    assert here
    kubernetes.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"),
        input=yaml.safe_dump_all(here),
    )


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"settings": {"callingAeTitle": "X"}}, "callingAeTitle"),
        ({"settings": {"callingAETitle": "SEVENTEEN-LETTERS"}}, "callingAETitle"),
        ({"operator": {"replicas": 2}}, "replicas"),
        ({"watchNamespaces": ["Upper"]}, "watchNamespaces"),
        ({"policies": {"urgentAbove": 1001}}, "urgentAbove"),
    ],
)
def test_a_value_that_the_schema_does_not_know_is_refused(
    helm: Helm, values: dict[str, Any], named: str, tmp_path: Path
) -> None:
    with pytest.raises(HelmError, match=named):
        helm.render("--values", written(values, tmp_path))


def test_the_crds_are_installed_as_they_are_with_the_keep_policy(helm: Helm, project: Path) -> None:
    made = {one["metadata"]["name"]: one for one in of_kind(helm.render(), "CustomResourceDefinition")}
    for one in made.values():
        assert one["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    written_ones = [yaml.safe_load(path.read_text()) for path in (project / "crds").iterdir()]
    assert made == {one["metadata"]["name"]: one for one in written_ones}


def test_the_crds_go_with_the_release_where_that_is_asked_for(helm: Helm) -> None:
    made = of_kind(helm.render("--set", "crds.keep=false"), "CustomResourceDefinition")
    assert made
    assert all("annotations" not in one["metadata"] for one in made)


def test_watched_namespaces_leave_the_operator_no_right_elsewhere(helm: Helm) -> None:
    made = helm.render("--set", "watchNamespaces={research,clinic}", "--set", "rbac.people=false")
    assert of_kind(made, "ClusterRole", "ClusterRoleBinding") == []
    where = {
        one["metadata"]["namespace"]
        for one in of_kind(made, "Role")
        if any("secrets" in rule["resources"] and "list" in rule["verbs"] for rule in one["rules"])
    }
    assert where == {"research", "clinic", "adit"}


def test_without_a_stamp_of_its_own_an_old_kubernetes_still_checks_the_requester(helm: Helm) -> None:
    """MutatingAdmissionPolicy is stable from 1.36 on."""
    old, new = (
        {one["metadata"]["name"] for one in of_kind(helm.render(version=version), kind)}
        for version, kind in (("1.34.0", "MutatingAdmissionPolicy"), ("1.36.0", "MutatingAdmissionPolicy"))
    )
    assert (old, new) == (set(), {"adit-requester"})
    checks = {one["metadata"]["name"] for one in of_kind(helm.render(version="1.34.0"), "ValidatingAdmissionPolicy")}
    assert "adit-requester" in checks


def test_an_older_kubernetes_than_is_supported_is_refused(helm: Helm) -> None:
    with pytest.raises(HelmError, match="kubeVersion"):
        helm.render(version="1.33.0")


def test_the_operator_is_told_the_release(helm: Helm) -> None:
    [deployment] = of_kind(helm.render(namespace="dicom"), "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one["value"] for one in container["env"]}
    assert told["ADIT_RUNNER_NAMESPACE"] == "dicom"
    assert (told["CALLING_AE_TITLE"], told["EXCLUDE_MODALITIES"], told["MOUNT_DIR"]) == ("ADIT", "PR,SR", "/mnt")
    assert told["ADIT_RUNNER_IMAGE"].startswith("docker.io/adit/jobrunner:")


def test_a_service_monitor_is_made_where_it_is_asked_for(helm: Helm) -> None:
    [monitor] = of_kind(helm.render("--set", "metrics.serviceMonitor.enabled=true"), "ServiceMonitor")
    [service] = of_kind(helm.render(), "Service")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert json.dumps(monitor["spec"]["endpoints"][0]["port"]) == '"metrics"'
