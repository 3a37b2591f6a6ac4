"""A tenant's forbidden acts, and a runner's, refused by the installed chart: kubectl speaks as them."""

import json
import uuid
from typing import Any

import pytest
import yaml

from tests.charts.tenancy import PERSON, Tenancy, job, refused, server, until
from tests.cluster.access import KubectlError, Kubernetes

pytestmark = pytest.mark.cluster

TASK_SET = "tj-night-0a1b2c3d-0-0"
POD = f"{TASK_SET}-a1-abcde"
KEY = "adit.dev/requested-by"


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
    other = (*patch, '{"status":{"runner":{"attempt":2}}}')
    until(lambda: refused("its pod is named after", lambda: tenancy.as_runner(TASK_SET, *other, "--dry-run=server")))
    for stranger in (f"{TASK_SET}1-a1-abcde", f"{TASK_SET}-a1-r1-abcde", "adit-operator-abcde", TASK_SET):
        with pytest.raises(KubectlError, match="its pod is named after"):
            tenancy.as_runner(stranger, *other)
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
    until(lambda: refused("named after its TaskSet", lambda: make(f"stranger-{uuid.uuid4().hex[:6]}")))
    with pytest.raises(KubectlError, match="named after its TaskSet"):
        make("another")
    with pytest.raises(KubectlError, match="named after its TaskSet"):
        make(f"{TASK_SET}-results-1", "Opaque")
    with pytest.raises(KubectlError, match="cannot get resource"):
        tenancy.as_runner(POD, "get", "secret", f"{TASK_SET}-results-0")


def _before_stamps(kubernetes: Kubernetes) -> bool:
    version = json.loads(kubernetes.kubectl("version", "-o", "json"))["serverVersion"]
    return int(version["minor"].rstrip("+")) < 36
