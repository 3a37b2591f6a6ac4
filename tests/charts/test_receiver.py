"""What the chart makes of the receiver: one that PACS reach, that runners fetch from, and that nobody else talks to."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from adit_operator.settings import OperatorSettings
from adit_receiver.layout import Folder
from adit_receiver.metrics import ReceiverMetrics
from adit_receiver.settings import ReceiverSettings
from adit_receiver.spool import Spool
from tests.charts.helm import Helm, HelmError
from tests.charts.test_rendering import environment, of_kind
from tests.cluster.access import Kubernetes

pytestmark = pytest.mark.cluster

ON = ("--set", "receiver.enabled=true")


def rendered(helm: Helm, *values: str) -> list[dict[str, Any]]:
    return helm.render(*ON, *(word for value in values for word in ("--set", value)))


def called(made: list[dict[str, Any]], kind: str, name: str = "adit-receiver") -> dict[str, Any]:
    [found] = [one for one in of_kind(made, kind) if one["metadata"]["name"] == name]
    return found


def told(made: list[dict[str, Any]]) -> dict[str, str]:
    [container] = called(made, "Deployment")["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def test_there_is_none_unless_it_is_asked_for(helm: Helm) -> None:
    made = helm.render()
    assert [one["metadata"]["name"] for one in made if "receiver" in one["metadata"]["name"]] == []
    assert "ADIT_RECEIVER_HOST" not in environment(helm)


def test_operator_and_receiver_are_told_the_same(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    made = rendered(helm, "receiver.aeTitle=TAKER", "receiver.transmitPort=4000")
    operator = called(made, "Deployment", "adit-operator")["spec"]["template"]["spec"]["containers"][0]
    for one in operator["env"]:
        if "value" in one:
            monkeypatch.setenv(one["name"], one["value"])
    settings = OperatorSettings()
    assert settings.receiver is not None
    assert settings.receiver.ae_title == told(made)["RECEIVER_AE_TITLE"] == "TAKER"
    assert str(settings.receiver.port) == told(made)["ADIT_TRANSMIT_PORT"] == "4000"
    service = called(made, "Service", "adit-receiver-transmit")
    assert settings.receiver.host == f"{service['metadata']['name']}.adit.svc"
    assert service["spec"]["clusterIP"] == "None"
    volumes = called(made, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert [one["secret"]["secretName"] for one in volumes if "secret" in one] == [settings.receiver_key_secret]


def test_sizes_are_told_as_bytes(helm: Helm) -> None:
    made = rendered(helm, "receiver.spool.limit=1Gi", "receiver.quarantine.limit=512Mi", "receiver.spool.size=2Ti")
    assert (told(made)["ADIT_RECEIVER_SPOOL_BYTES"], told(made)["ADIT_RECEIVER_QUARANTINE_BYTES"]) == (
        str(1 << 30),
        str(512 << 20),
    )
    assert told(made)["ADIT_RECEIVER_QUARANTINE_SECONDS"] == "604800"


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort", "ClusterIP"])
def test_a_pacs_keeps_its_own_address_on_the_way_in(helm: Helm, kind: str) -> None:
    spec = called(rendered(helm, f"receiver.service.type={kind}"), "Service")["spec"]
    assert spec["type"] == kind
    assert spec.get("externalTrafficPolicy") == (None if kind == "ClusterIP" else "Local")
    assert [(one["port"], one["targetPort"]) for one in spec["ports"]] == [(11112, "dicom")]


def test_only_runners_fetch_and_only_allowed_networks_send(helm: Helm) -> None:
    made = rendered(helm, "networkPolicy.enabled=true", "receiver.allowed.networks={10.1.0.0/16}")
    policy = called(made, "NetworkPolicy")["spec"]
    by_port = {rule["ports"][0]["port"]: rule.get("from") for rule in policy["ingress"]}
    assert by_port["dicom"] == [{"ipBlock": {"cidr": "10.1.0.0/16"}}]
    assert by_port["transmit"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/managed-by": "adit.dev"}}}]
    assert "Egress" in policy["policyTypes"]
    assert "egress" not in policy
    runner = called(made, "NetworkPolicy", "adit-runner")["spec"]["egress"]
    labels = called(made, "Deployment")["spec"]["template"]["metadata"]["labels"]
    ways = [rule for rule in runner if rule.get("ports") == [{"protocol": "TCP", "port": "transmit"}]]
    assert [set(rule["to"][0]["podSelector"]["matchLabels"].items()) <= set(labels.items()) for rule in ways] == [True]
    assert called(made, "Service")["spec"]["loadBalancerSourceRanges"] == ["10.1.0.0/16"]


def test_its_pod_has_no_right_no_token_and_nothing_that_is_not_restricted(helm: Helm) -> None:
    made = rendered(helm)
    pod = called(made, "Deployment")["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("adit-receiver", False)
    bound = json.dumps(of_kind(made, "RoleBinding", "ClusterRoleBinding"))
    assert "adit-receiver" not in bound
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_claim_that_is_there_is_used_and_none_is_made(helm: Helm) -> None:
    made = rendered(helm, "receiver.spool.existingClaim=mine", "receiver.replicas=2")
    assert of_kind(made, "PersistentVolumeClaim") == []
    volumes = called(made, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "spool", "persistentVolumeClaim": {"claimName": "mine"}} in volumes


def test_an_uninstall_leaves_what_was_not_delivered_yet(helm: Helm) -> None:
    claim = called(rendered(helm), "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert called(rendered(helm), "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("receiver.replicas=2", "ReadWriteMany"),
        ("receiver.dicomPort=14638", "three ports"),
        ("receiver.spool.limit=49Gi", "no room"),
        ("receiver.keySecret=adit-project-key", "two keys"),
        ("serviceAccounts.receiver.name=adit-runner", "account of its own"),
        ("receiver.aeTitle=SEVENTEEN-LETTERS", "aeTitle"),
        ("receiver.spool.limit=40G", "limit"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(helm: Helm, value: str, words: str) -> None:
    with pytest.raises(HelmError, match=words):
        rendered(helm, value)


def test_several_share_a_claim_that_all_of_them_may_write(helm: Helm) -> None:
    made = rendered(helm, "receiver.replicas=2", "receiver.spool.accessModes={ReadWriteMany}")
    assert called(made, "Deployment")["spec"]["replicas"] == 2


def test_the_api_server_takes_the_receiver_and_its_pod_is_restricted(
    helm: Helm, kubernetes: Kubernetes, namespace: str
) -> None:
    made = helm.render(*ON, "--set", "networkPolicy.enabled=true,receiver.service.type=NodePort", namespace=namespace)
    mine = [one for one in made if one["metadata"]["name"].startswith("adit-receiver")]
    answer = kubernetes.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"),
        input=yaml.safe_dump_all(mine),
    )
    assert "deployment.apps/adit-receiver serverside-applied" in answer


def test_replicas_that_share_a_claim_are_told_so(helm: Helm) -> None:
    assert told(rendered(helm))["ADIT_RECEIVER_SPOOL_SHARED"] == "false"
    several = rendered(helm, "receiver.replicas=2", "receiver.spool.accessModes={ReadWriteMany}")
    assert told(several)["ADIT_RECEIVER_SPOOL_SHARED"] == "true"


def test_the_receiver_reads_what_the_chart_tells_it(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    values = ("receiver.allowed.aeTitles={PACS,OTHER}", "receiver.allowed.networks={10.1.0.0/16}")
    for name, value in told(rendered(helm, *values)).items():
        monkeypatch.setenv(name, value)
    settings = ReceiverSettings()
    assert settings.allowed_ae_titles == ("PACS", "OTHER")
    assert [str(one) for one in settings.allowed_networks] == ["10.1.0.0/16"]
    assert (settings.port, settings.transmit_port, settings.metrics_port) == (11112, 14638, 9092)
    assert set(told(rendered(helm))) <= {str(field.alias) for field in ReceiverSettings.model_fields.values()}


def test_alerts_of_the_receiver_ask_for_metrics_that_it_has(helm: Helm, tmp_path: Path) -> None:
    [rule] = of_kind(rendered(helm, "metrics.prometheusRule.enabled=true"), "PrometheusRule")
    asked = {
        name for one in rule["spec"]["groups"][0]["rules"] for name in re.findall(r"adit_receiver_\w+", one["expr"])
    }
    spool = Spool(Folder(tmp_path / "spool"), ReceiverSettings().limits)
    known = {family.name for family in ReceiverMetrics(spool, lambda: 0).registry.collect()}
    assert len(asked) > 5
    assert asked <= known | {f"{name}_total" for name in known}
