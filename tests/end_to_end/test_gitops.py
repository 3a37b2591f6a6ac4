"""What docs/gitops.md says, on a real API server: applied as Flux and Argo CD do, by an account of its own."""

import json

import pytest

from adit_cli.testing import manifests
from tests.cluster.access import KubectlError
from tests.end_to_end.release import Resident
from tests.gitops.kstatus import kstatus
from tests.gitops.lua import acted, actions, health
from tests.gitops.test_flux import verdict

pytestmark = [pytest.mark.cluster]

FLUX = ("apply", "--server-side", "--field-manager=kustomize-controller", "-f", "-")


def account(tenant: Resident) -> str:
    """A service account that may ask for transfers and use every server, as the page makes it."""
    name, space = "transfers", tenant.namespace
    tenant.kubectl("create", "serviceaccount", name)
    bound = f"--serviceaccount={space}:{name}"
    tenant.kubectl("create", "rolebinding", name, f"--clusterrole={tenant.release.cluster_name}-tenant", bound)
    tenant.kubectl(
        "create",
        "role",
        "pacs",
        "--verb=use-source,use-destination,transfer-identifiable",
        "--resource=dicomservers.adit.dev",
    )
    tenant.kubectl("create", "rolebinding", "pacs", "--role=pacs", bound)
    return f"system:serviceaccount:{space}:{name}"


def test_a_job_is_applied_again_and_again_by_a_tool_that_lets_people_use_the_verbs(tenant: Resident) -> None:
    tool = account(tenant)
    tenant.apply(*tenant.servers())
    studies = tenant.load("one")
    job = json.dumps(manifests.job("night", studies))

    def applied() -> str:
        return tenant.kubectl("--as", tool, *FLUX, input=job)

    applied()
    tenant.wait_for_phase("night", "Success")
    done = tenant.read("transferjob", "night")
    assert done["metadata"]["annotations"]["adit.dev/requested-by"] == tool
    assert (kstatus(done), health(done)[0], verdict("transfers.yaml", done)) == ("Current", "Healthy", "current")
    tenant.kubectl("patch", "transferjob", "night", "--type=merge", "-p", '{"spec":{"priority":7}}')
    changed = tenant.read("transferjob", "night")
    applied()
    again = tenant.read("transferjob", "night")
    assert again["spec"]["priority"] == 7
    assert again["metadata"]["generation"] == changed["metadata"]["generation"]
    assert again["metadata"]["annotations"]["adit.dev/requested-by"] == tool
    other = json.dumps(manifests.job("night", tenant.load("two")))
    with pytest.raises(KubectlError, match="immutable"):
        tenant.kubectl("--as", tool, *FLUX, input=other)


def test_a_failed_job_is_degraded_and_repeated_by_argo_cds_action(tenant: Resident) -> None:
    tenant.apply(*tenant.servers())
    (study,) = tenant.load("late")
    stranger = manifests.job("night", [study])
    stranger["spec"]["tasks"][0]["studyInstanceUid"] = "1.2.3.4"
    tenant.apply(stranger)
    tenant.wait_for_phase("night", "Failure")
    failed = tenant.read("transferjob", "night")
    assert (health(failed)[0], verdict("transfers.yaml", failed), actions(failed)) == ("Degraded", "failed", {"retry"})
    spec = acted("retry", failed)["spec"]
    tenant.kubectl(
        "patch", "transferjob", "night", "--type=merge", "-p", json.dumps({"spec": {"retry": spec["retry"]}})
    )
    token = spec["retry"]["token"]
    tenant.until("night", "a round was opened", lambda: tenant.status("night").get("observedRetryToken") == token)
    tenant.wait_for_phase("night", "Failure")
    assert tenant.status("night")["plan"]["round"] == 1
