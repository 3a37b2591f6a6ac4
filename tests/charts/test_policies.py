"""A tenant's forbidden acts, and a runner's, refused by the installed chart: kubectl speaks as them."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.charts.helm import CHART, Helm
from tests.cluster.access import KubectlError, Kubernetes

pytestmark = pytest.mark.cluster

PERSON = "tina"
SECONDS = 20.0
TASK_SET = "tj-night-0a1b2c3d-0-0"
POD = f"{TASK_SET}-a1-abcde"
KEY = "adit.dev/requested-by"


@dataclass(frozen=True)
class Tenancy:
    """A release with nothing running, and a namespace of a person who may ask for transfers there."""

    kubernetes: Kubernetes
    release: str
    tenant: str

    def as_person(self, *arguments: str, **input_: str) -> str:
        return self.kubernetes.kubectl("-n", self.tenant, "--as", PERSON, *arguments, **input_)

    def as_runner(self, pod: str, *arguments: str, **input_: str) -> str:
        who = ["--as", f"system:serviceaccount:{self.release}:adit-runner"]
        extra = ["--as-user-extra", f"authentication.kubernetes.io/pod-name={pod}"]
        return self.kubernetes.kubectl("-n", self.tenant, *who, *extra, *arguments, **input_)

    def allow(self, who: str, resource: str, *verbs: str) -> None:
        """A role with these verbs for a user, in force once the API server has seen it."""
        name = f"may-{uuid.uuid4().hex[:6]}"
        make = ("-n", self.tenant, "create")
        self.kubernetes.kubectl(*make, "role", name, f"--verb={','.join(verbs)}", f"--resource={resource}")
        self.kubernetes.kubectl(*make, "rolebinding", name, f"--role={name}", f"--user={who}")
        plain = resource.partition("/")[0]
        part = [f"--subresource={resource.partition('/')[2]}"] if "/" in resource else []
        ask = ("-n", self.tenant, "--as", who, "auth", "can-i", verbs[-1], plain, *part)
        until(lambda: self.kubernetes.kubectl(*ask).startswith("yes"))


def until(holds: Any) -> None:
    """Wait for what holds; KubectlErrors are a no."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            if holds():
                return
        except KubectlError:
            pass
        time.sleep(0.1)
    pytest.fail("it did not come about in time")


def server(name: str) -> dict[str, Any]:
    spec = {"aeTitle": name.upper(), "dimse": {"host": "127.0.0.1", "port": 10104}}
    return {"apiVersion": "adit.dev/v1alpha1", "kind": "DicomServer", "metadata": {"name": name}, "spec": spec}


def job(name: str = "night", *, annotations: dict[str, str] | None = None, **spec: Any) -> str:
    whole = {
        "source": {"name": "source"},
        "destination": {"name": "destination"},
        "pseudonymization": {"profile": "adit-compatible"},
        "tasks": [{"patientId": "SYN-1", "studyInstanceUid": "1.2.3", "pseudonym": "P-1"}],
    }
    metadata = {"name": name, "annotations": annotations or {}}
    return yaml.safe_dump(
        {"apiVersion": "adit.dev/v1alpha1", "kind": "TransferJob", "metadata": metadata, "spec": whole | spec}
    )


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
        # Policies come into force a moment after they are made.
        until(lambda: _refused(lambda: made.as_person("create", "--dry-run=server", "-f", "-", input=job())))
        yield made
    finally:
        helm("uninstall", "adit", "-n", namespace, "--wait=hookOnly")
        kubernetes.kubectl("delete", "namespace", tenant, "--wait=false")


def _refused(act: Any) -> bool:
    try:
        act()
    except KubectlError as error:
        return "use-source" in str(error)
    return False


def test_a_tenant_is_refused_what_the_verbs_do_not_allow(tenancy: Tenancy) -> None:
    """One after the other each verb is given, and the next is missed; so every refusal is its own verb's."""
    identified: dict[str, Any] = {"pseudonymization": {"identified": True, "reason": "Care"}}
    wish = job(**identified, priority=900)
    steps = [
        (("use-source",), "use-destination"),
        (("use-destination",), "transfer-identifiable"),
        (("transfer-identifiable",), "set-urgent"),
    ]
    with pytest.raises(KubectlError, match="lacks the verb use-source on DicomServer source"):
        tenancy.as_person("create", "-f", "-", input=wish)
    for verbs, missed in steps:
        tenancy.allow(PERSON, "dicomservers.adit.dev", *verbs)
        with pytest.raises(KubectlError, match=f"lacks the verb {missed}"):
            tenancy.as_person("create", "-f", "-", input=wish)
    tenancy.allow(PERSON, "dicomservers.adit.dev", "set-urgent")
    tenancy.as_person("create", "-f", "-", input=wish)


def test_a_tenant_may_stop_a_job_without_a_right_on_its_servers(tenancy: Tenancy) -> None:
    tenancy.kubernetes.kubectl("-n", tenancy.tenant, "create", "-f", "-", input=job())
    patch = ("patch", "transferjob", "night", "--type=merge", "-p")
    tenancy.as_person(*patch, '{"spec":{"suspend":true}}')
    for again in ({"suspend": False}, {"retry": {"token": "a", "scope": "All"}}):
        with pytest.raises(KubectlError, match="lacks the verb use-source"):
            tenancy.as_person(*patch, json.dumps({"spec": again}))
    with pytest.raises(KubectlError, match="lacks the verb set-urgent"):
        tenancy.as_person(*patch, '{"spec":{"priority":501}}')
    tenancy.as_person(*patch, '{"spec":{"priority":500}}')


def test_a_tenant_makes_no_server_and_speaks_for_nobody_else(tenancy: Tenancy) -> None:
    tenancy.allow(PERSON, "dicomservers.adit.dev", "use-source", "use-destination")
    with pytest.raises(KubectlError, match="cannot create resource"):
        tenancy.as_person("create", "-f", "-", input=yaml.safe_dump(server("mine")))
    with pytest.raises(KubectlError, match=r"must be tina"):
        tenancy.as_person("create", "-f", "-", input=job(annotations={KEY: "bob"}))
    claims = {KEY: PERSON} if _before_stamps(tenancy.kubernetes) else {}
    tenancy.as_person("create", "-f", "-", input=job(annotations=claims))
    stamped = json.loads(tenancy.as_person("get", "transferjob", "night", "-o", "json"))
    assert stamped["metadata"]["annotations"][KEY] == PERSON
    for change in (f"{KEY}=bob", f"{KEY}-"):
        with pytest.raises(KubectlError, match="may never change"):
            tenancy.as_person("annotate", "--overwrite", "transferjob", "night", change)


def test_a_runner_writes_its_own_set_only(tenancy: Tenancy) -> None:
    spec = {
        "owner": {"kind": "TransferJob", "name": "night", "uid": "0a1b2c3d-1111-1111-1111-111111111111"},
        "round": 0,
        "index": 0,
        "work": "Transfer",
        "source": {"name": "source"},
        "destination": {"name": "destination"},
        "tasks": [{"id": "t0", "patientId": "SYN-1", "studyInstanceUid": "1.2.3"}],
    }
    made = {"apiVersion": "adit.dev/v1alpha1", "kind": "TaskSet", "metadata": {"name": TASK_SET}, "spec": spec}
    tenancy.kubernetes.kubectl("-n", tenancy.tenant, "create", "-f", "-", input=yaml.safe_dump(made))
    # kubectl reads a status before it patches it, which the programs do not
    tenancy.allow(f"system:serviceaccount:{tenancy.release}:adit-runner", "tasksets.adit.dev/status", "get")
    patch = ("patch", "taskset", TASK_SET, "--subresource=status", "--type=merge", "-p")
    progress = '{"status":{"runner":{"attempt":1}}}'
    tenancy.as_runner(POD, *patch, progress)
    for stranger in (f"{TASK_SET}1-a1-abcde", f"{TASK_SET}-a1-r1-abcde", "adit-operator-abcde", TASK_SET):
        with pytest.raises(KubectlError, match="its pod is named after"):
            tenancy.as_runner(stranger, *patch, '{"status":{"runner":{"attempt":2}}}')
    with pytest.raises(KubectlError, match="is the operator's"):
        tenancy.as_runner(POD, *patch, '{"status":{"verdict":{"crashes":1}}}')
    with pytest.raises(KubectlError, match="cannot patch resource"):
        tenancy.as_runner(POD, "patch", "taskset", TASK_SET, "--type=merge", "-p", '{"spec":{"stop":"Now"}}')


def test_a_runner_would_make_its_own_results_only_and_reads_no_secret(tenancy: Tenancy) -> None:
    def make(name: str, kind: str = "adit.dev/results") -> None:
        metadata = {"name": name, "labels": {"adit.dev/task-set": TASK_SET}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind}
        tenancy.as_runner(POD, "create", "-f", "-", input=yaml.safe_dump(secret))

    with pytest.raises(KubectlError, match="cannot create resource"):
        make(f"{TASK_SET}-results-0")
    # a right that no runner is given yet; the policy would narrow it
    tenancy.allow(f"system:serviceaccount:{tenancy.release}:adit-runner", "secrets", "create")
    make(f"{TASK_SET}-results-0")
    with pytest.raises(KubectlError, match="named after its TaskSet"):
        make("another")
    with pytest.raises(KubectlError, match="named after its TaskSet"):
        make(f"{TASK_SET}-results-1", "Opaque")
    with pytest.raises(KubectlError, match="cannot get resource"):
        tenancy.as_runner(POD, "get", "secret", f"{TASK_SET}-results-0")


def _before_stamps(kubernetes: Kubernetes) -> bool:
    version = json.loads(kubernetes.kubectl("version", "-o", "json"))["serverVersion"]
    return int(version["minor"].rstrip("+")) < 36
