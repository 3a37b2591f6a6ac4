"""What helm makes of the chart: lint, several sets of values, refusals of wrong ones, and the API server's opinion."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from adit.api import labels
from adit_operator.figures import Figures
from adit_operator.metrics import Metrics, families
from adit_operator.runner_pod import RunnerPod
from adit_operator.settings import OperatorSettings
from tests.charts.helm import CHART, Helm, HelmError
from tests.cluster.access import Kubernetes

pytestmark = pytest.mark.cluster

EVERYTHING: dict[str, Any] = {
    "watchNamespaces": ["research", "clinic"],
    "images": {"pullSecrets": ["registry"]},
    "operator": {
        "replicas": 2,
        "leaderElection": {"enabled": True},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "dicom", "operator": "Exists"}],
        "priorityClassName": "system-cluster-critical",
        "podAnnotations": {"note": "kept"},
    },
    "runner": {
        "resources": {"requests": {"cpu": 2}, "limits": {"memory": "2Gi"}},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "dicom", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "priorityClassName": "transfers",
    },
    "serviceAccounts": {"runner": {"name": "porter", "annotations": {"note": "kept"}}},
    "rbac": {"aggregate": True},
    "networkPolicy": {"enabled": True, "peers": {"cidrs": ["10.1.0.0/16"], "ports": [104, 11112]}},
    "folders": {"persistence": {"enabled": True, "storageClassName": "standard"}},
}
LITTLE: dict[str, Any] = {"crds": {"install": False}, "rbac": {"people": False}, "policies": {"enabled": False}}
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
        ({"settings": {"anonymizationSeed": "A Seed!"}}, "anonymizationSeed"),
        ({"settings": {"anonymizationSeed": "0123456789abcdef" * 4}}, "anonymizationSeed"),
        ({"operator": {"replicas": 2, "leaderElection": {"enabled": False}}}, "replicas"),
        ({"watchNamespaces": ["Upper"]}, "watchNamespaces"),
        ({"policies": {"urgentAbove": 1001}}, "urgentAbove"),
        ({"runner": {"hostNetwork": True}}, "hostNetwork"),
        ({"runner": {"resources": {"requests": {"cpu": "plenty"}}}}, "cpu"),
        ({"metrics": {"runnerPort": 70_000}}, "runnerPort"),
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


def test_kubernetes_own_roles_get_ours_only_where_that_is_asked_for(helm: Helm) -> None:
    to = "rbac.authorization.k8s.io/aggregate-to-"
    given = {
        asked: {
            (one["metadata"]["name"], label.removeprefix(to))
            for one in of_kind(helm.render("--set", f"rbac.aggregate={asked}"), "ClusterRole")
            for label in one["metadata"]["labels"]
            if label.startswith(to)
        }
        for asked in ("false", "true")
    }
    all_of_them = {("adit-viewer", "view"), ("adit-editor", "edit"), ("adit-profile-admin", "admin")}
    assert given == {"false": set(), "true": all_of_them}


def test_watched_namespaces_leave_the_operator_no_right_elsewhere(helm: Helm) -> None:
    made = helm.render("--set", "watchNamespaces={research,clinic}", "--set", "rbac.people=false")
    assert of_kind(made, "ClusterRole", "ClusterRoleBinding") == []
    writing = {"create", "update", "patch", "delete"}
    where = {
        one["metadata"]["namespace"]
        for one in of_kind(made, "Role")
        if any("adit.dev" in rule["apiGroups"] and writing & {*rule["verbs"]} for rule in one["rules"])
    }
    assert where == {"research", "clinic"}, "jobs of the release's namespace are not worked"


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
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert told["ADIT_RUNNER_NAMESPACE"] == "dicom"
    assert (told["CALLING_AE_TITLE"], told["EXCLUDE_MODALITIES"], told["MOUNT_DIR"]) == ("ADIT", "PR,SR", "/mnt")
    assert told["ADIT_RUNNER_IMAGE"].startswith("docker.io/adit/jobrunner:")


def test_a_service_monitor_is_made_where_it_is_asked_for(helm: Helm) -> None:
    [monitor] = of_kind(helm.render("--set", "metrics.serviceMonitor.enabled=true"), "ServiceMonitor")
    [service] = of_kind(helm.render(), "Service")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert json.dumps(monitor["spec"]["endpoints"][0]["port"]) == '"metrics"'


def test_the_monitors_keep_the_namespaces_that_the_metrics_name(helm: Helm) -> None:
    """Prometheus would call them exported_namespace, and count all tenants as the namespace of the release."""
    made = helm.render("--set", "metrics.serviceMonitor.enabled=true", "--set", "metrics.podMonitor.enabled=true")
    [service], [pods] = of_kind(made, "ServiceMonitor"), of_kind(made, "PodMonitor")
    assert [one["honorLabels"] for one in service["spec"]["endpoints"]] == [True]
    assert [one["honorLabels"] for one in pods["spec"]["podMetricsEndpoints"]] == [True]


def environment(helm: Helm, *arguments: str) -> dict[str, str]:
    """What the operator is told, as its settings read it."""
    [deployment] = of_kind(helm.render(*arguments), "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def test_settings_reach_the_operator_as_it_reads_them(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    given = (
        "anonymizationSeed=study-key",
        "writesPerSecond=20",
        "statusSeconds=2",
        "keepRunnersSeconds=31536000",
        "runnerStartSeconds=60",
    )
    for name, value in environment(helm, "--set", ",".join(f"settings.{one}" for one in given)).items():
        monkeypatch.setenv(name, value)
    settings = OperatorSettings()
    assert settings.key_secret == "study-key"
    told = (settings.writes_per_second, settings.status_seconds, settings.keep_runners_seconds)
    assert (*told, settings.runner_start_seconds) == (20, 2.0, 31_536_000.0, 60.0)


def test_what_runners_pods_are_to_have_reaches_the_operator_as_it_understands_it(helm: Helm, tmp_path: Path) -> None:
    pod = RunnerPod.of(json.loads(environment(helm, "--values", written(EVERYTHING, tmp_path))["ADIT_RUNNER_POD"]))
    assert pod.of_pod() == {name: value for name, value in EVERYTHING["runner"].items() if name != "resources"}
    assert pod.of_container()["resources"] == {"requests": {"cpu": "2", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}
    assert pod.metrics_port == 9091


def test_without_values_the_operator_understands_the_pod_as_well(helm: Helm) -> None:
    assert RunnerPod.of(json.loads(environment(helm)["ADIT_RUNNER_POD"])).of_pod() == {}


def test_an_operator_takes_the_lease_also_alone_and_is_always_replaced(helm: Helm) -> None:
    """Else the pods of the old and of the new kind would both decide while an upgrade is under way."""
    [alone] = of_kind(helm.render(), "Deployment")
    [several] = of_kind(helm.render("--set", "operator.replicas=2"), "Deployment")
    assert (alone["spec"]["replicas"], alone["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert (several["spec"]["replicas"], several["spec"]["strategy"]) == (2, {"type": "Recreate"})
    assert environment(helm)["ADIT_LEADER_ELECTION"] == "true"
    assert environment(helm, "--set", "operator.replicas=2")["ADIT_LEADER_ELECTION"] == "true"


def test_two_releases_in_one_namespace_do_not_wait_for_each_others_lease(helm: Helm) -> None:
    texts = (helm("template", name, str(CHART), "--namespace", "adit") for name in ("adit", "clinic"))
    pods = (of_kind([one for one in yaml.safe_load_all(text) if one], "Deployment")[0] for text in texts)
    told = [
        one["value"]
        for pod in pods
        for one in pod["spec"]["template"]["spec"]["containers"][0]["env"]
        if one["name"] == "ADIT_LEASE_NAME"
    ]
    assert told == ["adit-operator", "clinic-adit-operator"]


def test_a_pod_monitor_finds_the_runners_port(helm: Helm) -> None:
    [monitor] = of_kind(helm.render("--set", "metrics.podMonitor.enabled=true"), "PodMonitor")
    assert monitor["spec"]["selector"]["matchLabels"] == {labels.MANAGED_BY: labels.MANAGED_BY_ADIT}
    assert [one["port"] for one in monitor["spec"]["podMetricsEndpoints"]] == ["metrics"]


def test_runners_without_a_port_are_neither_watched_nor_opened(helm: Helm) -> None:
    made = helm.render(
        *("--set", "metrics.podMonitor.enabled=true", "--set", "metrics.runnerPort=0"),
        *("--set", "networkPolicy.enabled=true"),
    )
    assert of_kind(made, "PodMonitor") == []
    [runner] = [one for one in of_kind(made, "NetworkPolicy") if one["metadata"]["name"] == "adit-runner"]
    assert "ingress" not in runner["spec"]


def test_a_runner_may_be_asked_for_its_metrics_and_nothing_else(helm: Helm) -> None:
    made = of_kind(helm.render("--set", "networkPolicy.enabled=true"), "NetworkPolicy")
    [runner] = [one for one in made if one["metadata"]["name"] == "adit-runner"]
    assert runner["spec"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": "metrics"}]}]


def test_alerts_ask_for_metrics_that_the_programs_have(helm: Helm) -> None:
    [rule] = of_kind(helm.render("--set", "metrics.prometheusRule.enabled=true"), "PrometheusRule")
    [group] = rule["spec"]["groups"]
    assert [one["alert"] for one in group["rules"]] == [
        "AditOperatorStale",
        "AditServerDown",
        "AditQueueStuck",
        "AditFailureRatio",
    ]
    nothing: dict[str, int] = {}
    moment = families(Figures(0, 0, nothing, nothing, nothing, {}), 1.0)
    known = {family.name for family in (*moment, *Metrics().registry.collect())}
    asked = {name for one in group["rules"] for name in re.findall(r"adit_\w+", one["expr"])}
    assert asked
    assert asked <= known
