"""The chart, installed once for all tests, from the images of the tree, for a pool of tenants' namespaces."""

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.charts.helm import CHART, Helm
from tests.cluster.access import KubectlError, Kubernetes
from tests.end_to_end.tenant import Tenant, listed, until

NAME = "adit"
CLAIM, SPOOL_CLAIM = "adit-folders", "adit-receiver"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
OPERATOR = "app.kubernetes.io/component=operator"
RUNNERS = "app.kubernetes.io/managed-by=adit.dev"


@dataclass
class Release:
    """An installed chart; `pool` holds the namespaces that no test has taken yet."""

    kubernetes: Kubernetes
    helm: Helm
    namespace: str
    values: Path
    pool: list[str] = field(default_factory=list)

    @property
    def cluster_name(self) -> str:
        """How the names of its ClusterRoles and policies begin."""
        return f"{self.namespace}.{NAME}"

    def kubectl(self, *arguments: str, **more: str) -> str:
        """kubectl in the release's namespace, where operator and runners are."""
        return self.kubernetes.kubectl("-n", self.namespace, *arguments, **more)

    def pods(self, selector: str = RUNNERS) -> list[Any]:
        """The pods of runners, or of the operator (OPERATOR)."""
        return list(json.loads(self.kubectl("get", "pods", "-l", selector, "-o", "json"))["items"])

    def jobs_of(self, namespace: str) -> list[Any]:
        """The runners' Jobs of one tenant."""
        selector = f"{RUNNERS},adit.dev/owner-namespace={namespace}"
        return list(json.loads(self.kubectl("get", "jobs", "-l", selector, "-o", "json"))["items"])

    def log(self) -> str:
        """What the operator said since it started."""
        try:
            return self.kubectl("logs", f"deployment/{NAME}-operator", "--tail=400")
        except KubectlError as error:
            return str(error)

    def metrics(self) -> str:
        """The operator's metrics, through the API server."""
        service = f"/api/v1/namespaces/{self.namespace}/services/{NAME}-operator-metrics:metrics/proxy/metrics"
        return self.kubernetes.kubectl("get", "--raw", service)

    def upgrade(self, *arguments: str) -> None:
        """Another `helm upgrade` with the same values, and what is asked for on top; waits for the operator."""
        self.helm("upgrade", NAME, str(CHART), "-n", self.namespace, "-f", str(self.values), *FORCED, *arguments)
        self.wait_for_operator()

    def wait_for_operator(self) -> None:
        """Wait until the operator's probe answers; AssertionError with its log where it does not."""
        try:
            self.kubectl("rollout", "status", f"deployment/{NAME}-operator", "--timeout=80s")
        except KubectlError as error:
            raise AssertionError(f"{error}\n{self.log()[-4_000:]}") from error


FORCED = ("--force-conflicts", "--take-ownership", "--wait=hookOnly")


@contextmanager
def installed(
    helm: Helm, kubernetes: Kubernetes, images: Mapping[str, str], folder: Path, tenants: int
) -> Iterator[Release]:
    """Install, and uninstall; what it made is deleted without waiting."""
    word = uuid.uuid4().hex[:6]
    pool = [f"tenant-{word}-{number}" for number in range(tenants)]
    values = folder / "values.yaml"
    values.write_text(yaml.safe_dump(values_for(images, pool)))
    release = Release(kubernetes, helm, f"adit-{word}", values, pool)
    everything = [release.namespace, *pool]
    try:
        kubernetes.kubectl("create", "-f", "-", input=json.dumps(listed(map(restricted, everything))))
        helm("install", NAME, str(CHART), "-n", release.namespace, "-f", str(values), *FORCED)
        release.wait_for_operator()
        until_policies_hold(release)
        yield release
    finally:
        helm("uninstall", NAME, "-n", release.namespace, "--ignore-not-found", "--wait=hookOnly")
        give_back(release)
        kubernetes.kubectl("delete", "namespace", *everything, "--wait=false", "--ignore-not-found")


def values_for(images: Mapping[str, str], tenants: Sequence[str]) -> dict[str, Any]:
    """Everything short, so that no test waits for what people would not notice."""
    named = {program: image.rpartition(":") for program, image in images.items()}
    return {
        "watchNamespaces": list(tenants),
        "images": {program: {"repository": name, "tag": tag} for program, (name, _, tag) in named.items()},
        "settings": {"retrySeconds": 1, "probeSeconds": 1, "spoolSize": "1Gi"},
        "receiver": {
            "enabled": True,
            "service": {"type": "NodePort"},
            "spool": {"size": "1Gi", "limit": "512Mi"},
            "quarantine": {"limit": "256Mi"},
        },
        "folders": {"persistence": {"enabled": True, "claimName": CLAIM, "size": "1Gi"}},
    }


def restricted(name: str) -> dict[str, Any]:
    """A namespace where only pods of the PodSecurity level `restricted` are let in."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}


def until_policies_hold(release: Release) -> None:
    """Policies come into force a moment after they are made."""
    job = {
        "apiVersion": "adit.dev/v1alpha1",
        "kind": "TransferJob",
        "metadata": {"name": "probe", "annotations": {"adit.dev/requested-by": "somebody else"}},
        "spec": {
            "source": {"name": "source"},
            "destination": {"name": "destination"},
            "pseudonymization": {"identified": True, "reason": "a look at the policies"},
            "tasks": [{"patientId": "SYN-1", "studyInstanceUid": "1.2.3"}],
        },
    }

    def refused() -> bool:
        try:
            words = ("create", "-n", release.pool[0], "--dry-run=server", "-f", "-")
            release.kubernetes.kubectl(*words, input=json.dumps(job))
        except KubectlError as error:
            return "who asks" in str(error)
        return False

    until("the policies are in force", refused)


def give_back(release: Release) -> None:
    """Empty the volumes that the chart's claims took, where they were used, and make them free for the next release."""
    if release.kubernetes.node is None:
        return
    release.kubectl("delete", "pods", "-l", RUNNERS, "--grace-period=1")  # a claim stays while a pod names it
    for claim in (CLAIM, SPOOL_CLAIM):
        claimed = release.kubectl("get", "pvc", claim, "--ignore-not-found", "-o", "jsonpath={.spec.volumeName}")
        if not claimed:
            continue
        folder = volume_of(release, claim)
        release.kubectl("delete", "pvc", claim, "--timeout=60s")
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        release.kubernetes.kubectl("patch", "pv", claimed, "--type=merge", "-p", '{"spec":{"claimRef":null}}')


def volume_of(release: Release, claim: str) -> Path:
    """Where the node keeps the volume that a claim is bound to, as this machine sees it."""
    name = release.kubectl("get", "pvc", claim, "-o", "jsonpath={.spec.volumeName}")
    return Path(release.kubernetes.kubectl("get", "pv", name, "-o", "jsonpath={.spec.local.path}"))


@dataclass
class Resident(Tenant):
    """A tenant of an installed release."""

    release: Release

    def log(self) -> str:
        return self.release.log()

    def person(self, name: str, role: str = "tenant", servers: Sequence[str] = ()) -> "Person":
        """A user with one of the chart's ClusterRoles here, and with these verbs on every DicomServer here."""
        binding = ("create", "rolebinding", f"{name}-{role}")
        self.kubectl(*binding, f"--clusterrole={self.release.cluster_name}-{role}", f"--user={name}")
        person = Person(self, name)
        if servers:
            person.allow("dicomservers.adit.dev", *servers)
        return person


@dataclass(frozen=True)
class Person:
    """A user, as kubectl speaks for them in their tenant's namespace."""

    tenant: Resident
    name: str

    def kubectl(self, *arguments: str, **more: str) -> str:
        return self.tenant.kubectl("--as", self.name, *arguments, **more)

    def allow(self, resource: str, *verbs: str) -> None:
        """A role with these verbs on a resource, in force when this returns."""
        role = f"may-{uuid.uuid4().hex[:6]}"
        self.tenant.kubectl("create", "role", role, f"--verb={','.join(verbs)}", f"--resource={resource}")
        self.tenant.kubectl("create", "rolebinding", role, f"--role={role}", f"--user={self.name}")
        until(f"{self.name} may {verbs[-1]} {resource}", lambda: self.may(verbs[-1], resource))

    def may(self, verb: str, resource: str) -> bool:
        try:
            return self.kubectl("auth", "can-i", verb, resource).startswith("yes")
        except KubectlError:
            return False
