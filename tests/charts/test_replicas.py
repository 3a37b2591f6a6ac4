"""Replicas of the operator, as the chart installs them: all ready, one decides, and the other one after it."""

import json
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.charts.helm import CHART, Helm
from tests.cluster.access import KubectlError, Kubernetes
from tests.end_to_end.tenant import until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@dataclass
class Installation:
    """A release under a name of its own, and what its pods say."""

    kubernetes: Kubernetes
    helm: Helm
    namespace: str
    name: str
    images: Sequence[str]

    def put(self, verb: str, *given: str) -> None:
        """Install or upgrade, and wait until all are ready."""
        common = ("-n", self.namespace, "--force-conflicts", "--take-ownership", "--wait", "--timeout=80s")
        watched = ("--set", f"watchNamespaces={{{self.namespace}}}")
        self.helm(verb, self.name, str(CHART), *common, *self.images, *watched, *given)

    def operators(self) -> set[str]:
        """The names of the pods, also of those that end."""
        label = f"app.kubernetes.io/instance={self.name}"
        found = self.kubernetes.kubectl("-n", self.namespace, "get", "pods", "-l", label, "-o", "name")
        return {line.removeprefix("pod/") for line in found.split()}

    def holder(self) -> str:
        lease = self.kubernetes.kubectl("-n", self.namespace, "get", "lease", f"{self.name}-operator", "-o", "json")
        return str(json.loads(lease)["spec"].get("holderIdentity", "")).rpartition("_")[0]

    def leads(self, pod: str) -> bool:
        """Whether it says so itself."""
        try:
            at = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:9090/proxy/metrics"
            told = self.kubernetes.kubectl("get", "--raw", at, "--request-timeout=5s")
        except KubectlError:
            return False  # it starts, or is on its way out
        return "adit_operator_leader 1.0" in told


@pytest.fixture
def release(helm: Helm, kubernetes: Kubernetes, adit_images: dict[str, str], namespace: str) -> Iterator[Installation]:
    """One that is still to be installed; helm forgets it again, whatever the test did with it."""
    name = f"adit-{uuid.uuid4().hex[:6]}"
    images = [
        word
        for program, image in adit_images.items()
        for repository, _, tag in [image.rpartition(":")]
        for word in ("--set", f"images.{program}.repository={repository}", "--set", f"images.{program}.tag={tag}")
    ]
    try:
        yield Installation(kubernetes, helm, namespace, name, images)
    finally:
        helm("uninstall", name, "-n", namespace, "--ignore-not-found", "--wait=hookOnly")


def test_of_two_replicas_one_leads_and_the_other_one_when_its_pod_is_deleted(release: Installation) -> None:
    release.put("install", "--set", "operator.replicas=2")
    pods = release.operators()
    assert len(pods) == 2
    until("one leads", lambda: release.holder() in pods)
    first = release.holder()
    until("it alone says so", lambda: [pod for pod in pods if release.leads(pod)] == [first])

    release.kubernetes.kubectl("-n", release.namespace, "delete", "pod", first)

    [second] = pods - {first}
    until("another one leads", lambda: release.holder() not in {first, ""})
    until("it says so", lambda: release.leads(release.holder()))
    assert second in release.operators()


def test_while_a_second_operator_is_added_never_two_of_them_lead(release: Installation) -> None:
    """Also where the first one was installed without the Lease."""
    release.put("install", "--set", "operator.leaderElection.enabled=false")
    until("it leads", lambda: [release.leads(pod) for pod in release.operators()] == [True])
    seen: list[list[str]] = []
    with ThreadPoolExecutor(1) as pool:
        upgrade = pool.submit(
            release.put, "upgrade", "--set", "operator.replicas=2,operator.leaderElection.enabled=true"
        )
        while not upgrade.done():
            seen.append([pod for pod in release.operators() if release.leads(pod)])
        upgrade.result()
    until("one leads", lambda: release.holder() in release.operators())
    assert seen
    assert [leaders for leaders in seen if len(leaders) > 1] == []
