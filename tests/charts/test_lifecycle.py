"""Install, upgrade, uninstall on a real cluster: the operator becomes ready, and what people made stays."""

import json
import uuid
from collections.abc import Iterator

import pytest
import yaml

from tests.charts.helm import CHART, Helm
from tests.cluster.access import KubectlError, Kubernetes

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SERVER = {
    "apiVersion": "adit.dev/v1alpha1",
    "kind": "DicomServer",
    "metadata": {"name": "kept"},
    "spec": {"aeTitle": "KEPT", "dimse": {"host": "127.0.0.1", "port": 10104}},
}


@pytest.fixture
def release(helm: Helm, namespace: str) -> Iterator[str]:
    """A name that helm forgets again, whatever the test did with it."""
    name = f"adit-{uuid.uuid4().hex[:6]}"
    try:
        yield name
    finally:
        helm("uninstall", name, "-n", namespace, "--ignore-not-found", "--wait=hookOnly")


def test_a_release_is_installed_upgraded_and_uninstalled_and_leaves_what_people_made(
    helm: Helm, kubernetes: Kubernetes, adit_images: dict[str, str], namespace: str, release: str
) -> None:
    """In a namespace of the level `restricted`; helm waits until the operator's probe answers."""
    images = [
        word
        for program, image in adit_images.items()
        for repository, _, tag in [image.rpartition(":")]
        for word in ("--set", f"images.{program}.repository={repository}", "--set", f"images.{program}.tag={tag}")
    ]
    common = (release, str(CHART), "-n", namespace, "--force-conflicts", "--take-ownership", "--wait", "--timeout=80s")
    deployment = f"deployment/{release}-operator"

    said = helm("install", *common, *images)
    assert "encryption at rest" in " ".join(said.split())
    kubernetes.kubectl("-n", namespace, "apply", "-f", "-", input=yaml.safe_dump(SERVER))
    uid = kubernetes.kubectl("-n", namespace, "get", "dicomserver", "kept", "-o", "jsonpath={.metadata.uid}")

    helm("upgrade", *common, *images, "--set", "settings.callingAETitle=OTHER")
    found = json.loads(kubernetes.kubectl("-n", namespace, "get", deployment, "-o", "json"))
    [container] = found["spec"]["template"]["spec"]["containers"]
    assert {"name": "CALLING_AE_TITLE", "value": "OTHER"} in container["env"]
    assert found["status"]["readyReplicas"] == 1

    helm("uninstall", release, "-n", namespace, "--wait=hookOnly")
    with pytest.raises(KubectlError, match="not found"):
        kubernetes.kubectl("-n", namespace, "get", deployment)
    again = kubernetes.kubectl("-n", namespace, "get", "dicomserver", "kept", "-o", "jsonpath={.metadata.uid}")
    assert again == uid
    left = kubernetes.kubectl(
        *(
            "get",
            "clusterroles,clusterrolebindings,validatingadmissionpolicies,mutatingadmissionpolicies",
            "-o",
            "name",
        ),
        *("-l", f"app.kubernetes.io/instance={release}"),
    )
    assert left == ""
