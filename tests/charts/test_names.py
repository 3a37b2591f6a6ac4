"""Names that a release or its values bring: what looks like a number stays a name, and two are never mixed up."""

import re
from typing import Any

import pytest
import yaml

from adit.api.fields import AE_TITLE_PATTERN
from tests.charts.helm import CHART, Helm, HelmError
from tests.charts.test_chart import SCHEMA

pytestmark = pytest.mark.cluster

CLUSTER_WIDE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
}


def release(helm: Helm, name: str, *arguments: str, namespace: str = "adit") -> list[dict[str, Any]]:
    text = helm("template", name, str(CHART), "-n", namespace, "--kube-version", "1.37.2", *arguments)
    return [one for one in yaml.safe_load_all(text) if one]


def named(made: list[dict[str, Any]], kind: str) -> list[str]:
    return [one["metadata"]["name"] for one in made if one["kind"] == kind]


def strings(value: Any, at: str = "") -> dict[str, Any]:
    """Everything below `value` that should be a text by its place: names, namespaces and labels."""
    if isinstance(value, list):
        return {key: found for one in value for key, found in strings(one, at).items()}
    if not isinstance(value, dict):
        return {at: value} if re.search(r"(name|Name|namespace|matchLabels\.\S+|labels\.\S+)$", at) else {}
    return {key: found for name, one in value.items() for key, found in strings(one, f"{at}.{name}").items()}


def test_the_operator_and_its_runners_never_share_an_account(helm: Helm) -> None:
    """Whoever writes through a runner's pod would have the operator's rights."""
    with pytest.raises(HelmError, match=r"serviceAccounts.*two accounts"):
        helm.render("--set", "serviceAccounts.operator.name=one,serviceAccounts.runner.name=one")
    with pytest.raises(HelmError, match=r"serviceAccounts.*two accounts"):
        helm.render("--set", "serviceAccounts.runner.name=adit-operator")


@pytest.mark.parametrize("name", ["123", "true", "my.rel", "1e5"])
def test_a_release_may_be_called_what_helm_lets_it_be_called(helm: Helm, name: str) -> None:
    made = release(helm, name, namespace="123")
    [service] = named(made, "Service")
    assert re.fullmatch(r"[a-z][-a-z0-9]*", service)

    assert [one for manifest in made for one in strings(manifest).items() if not isinstance(one[1], str)] == []


def test_what_looks_like_a_number_stays_the_name_that_was_given(helm: Helm) -> None:
    given = {
        "folders.persistence.storageClassName": "007",
        "folders.persistence.claimName": "1e5",
        "operator.priorityClassName": "123",
        "serviceAccounts.runner.name": "12",
        "serviceAccounts.operator.name": "13",
    }
    words = [word for path, name in given.items() for word in ("--set-string", f"{path}={name}")]
    more = ("--set", "folders.persistence.enabled=true", "--set-json", 'watchNamespaces=["123"]')
    made = release(helm, "adit", *words, *more, "--set-json", 'images.pullSecrets=["42"]')
    assert [one for manifest in made for one in strings(manifest).items() if not isinstance(one[1], str)] == []
    [claim] = [one for one in made if one["kind"] == "PersistentVolumeClaim"]
    assert (claim["spec"]["storageClassName"], claim["metadata"]["name"]) == ("007", "1e5")
    account = next(one for one in made if one["kind"] == "ServiceAccount")
    assert account["imagePullSecrets"] == [{"name": "42"}]


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a-adit", "adit"), ("a", "adit-adit")), (("a" * 60 + "x", "adit"), ("a" * 60 + "y", "adit"))],
)
def test_two_releases_share_no_name_that_belongs_to_no_namespace(
    helm: Helm, one: tuple[str, str], other: tuple[str, str]
) -> None:
    """Each a namespace and a release in it."""
    both = [release(helm, name, "--set", "crds.install=false", namespace=space) for space, name in (one, other)]
    first, second = (
        {(two["kind"], two["metadata"]["name"]) for two in made if two["kind"] in CLUSTER_WIDE} for made in both
    )
    assert first
    assert first & second == set()


def test_an_image_may_be_pinned_by_its_digest(helm: Helm) -> None:
    pinned = "registry.example/adit/operator@sha256:" + "0" * 64
    [operator] = [
        one for one in helm.render("--set", f"images.operator.repository={pinned}") if one["kind"] == "Deployment"
    ]
    assert operator["spec"]["template"]["spec"]["containers"][0]["image"] == pinned
    with pytest.raises(HelmError, match="takes no tag"):
        helm.render("--set", f"images.operator.repository={pinned},images.operator.tag=v1")


def test_health_and_metrics_do_not_share_a_port(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"metrics\.port"):
        helm.render("--set", "operator.healthPort=9090")


def test_our_ae_title_is_one_that_dicom_and_the_programs_know(helm: Helm) -> None:
    assert SCHEMA["properties"]["settings"]["properties"]["callingAETitle"]["pattern"] == AE_TITLE_PATTERN
    with pytest.raises(HelmError, match="callingAETitle"):
        helm.render("--set", "settings.callingAETitle=ÄÖ")
