"""Two replicas of the operator, as the chart installs them: both ready, one decides, and the other one after it."""

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.charts.helm import CHART, Helm
from tests.cluster.access import KubectlError, Kubernetes
from tests.end_to_end.tenant import until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
def release(helm: Helm, namespace: str) -> Iterator[str]:
    """A name that helm forgets again, whatever the test did with it."""
    name = f"adit-{uuid.uuid4().hex[:6]}"
    try:
        yield name
    finally:
        helm("uninstall", name, "-n", namespace, "--ignore-not-found", "--wait=hookOnly")


def test_of_two_replicas_one_leads_and_the_other_one_when_its_pod_is_deleted(
    helm: Helm, kubernetes: Kubernetes, adit_images: dict[str, str], namespace: str, release: str
) -> None:
    images = [
        word
        for program, image in adit_images.items()
        for repository, _, tag in [image.rpartition(":")]
        for word in ("--set", f"images.{program}.repository={repository}", "--set", f"images.{program}.tag={tag}")
    ]
    several = ("--set", "operator.replicas=2", "--set", "operator.leaderElection.enabled=true")
    common = ("-n", namespace, "--force-conflicts", "--take-ownership", "--wait", "--timeout=80s")
    helm("install", release, str(CHART), *common, *images, *several, "--set", f"watchNamespaces={{{namespace}}}")

    def operators() -> set[str]:
        found = kubernetes.kubectl(
            "-n", namespace, "get", "pods", "-l", f"app.kubernetes.io/instance={release}", "-o", "name"
        )
        return {line.removeprefix("pod/") for line in found.split()}

    def leader() -> str:
        lease = json.loads(kubernetes.kubectl("-n", namespace, "get", "lease", f"{release}-operator", "-o", "json"))
        return str(lease["spec"].get("holderIdentity", "")).rpartition("_")[0]

    def leads(pod: str) -> bool:
        try:
            at = f"/api/v1/namespaces/{namespace}/pods/{pod}:9090/proxy/metrics"
            told = kubernetes.kubectl("get", "--raw", at, "--request-timeout=5s")
        except KubectlError:
            return False  # it starts, or is on its way out
        return "adit_operator_leader 1.0" in told

    pods = operators()
    assert len(pods) == 2
    until("one leads", lambda: leader() in pods)
    first = leader()
    until("it alone says so", lambda: [pod for pod in pods if leads(pod)] == [first])

    kubernetes.kubectl("-n", namespace, "delete", "pod", first)

    [second] = pods - {first}
    until("another one leads", lambda: leader() not in {first, ""})
    until("it says so", lambda: leads(leader()))
    assert second in operators()
