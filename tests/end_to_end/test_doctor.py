"""adit doctor on a real cluster: from outside with many rights, few and none, and from the operator's pod."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from adit.testing.programs import free_port
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine
from adit_cli.testing.program import Result
from tests.end_to_end.release import Resident

pytestmark = [pytest.mark.cluster]

Finding = dict[str, Any]


def found(result: Result) -> list[Finding]:
    return [json.loads(line) for line in result.out.splitlines()]


def codes(findings: list[Finding], about: str = "") -> set[str]:
    return {one["code"] for one in findings if one["about"].startswith(about)}


def doctor(tenant: Resident, kubeconfig: Path, *words: str) -> Result:
    """As typed by somebody with this kubeconfig, for programs."""
    adit = CommandLine(tenant.folder / "unused")
    return adit("doctor", "--kubeconfig", kubeconfig, "-n", tenant.namespace, "-o", "json", *words)


def kubeconfig_of(tenant: Resident, account: str, folder: Path) -> Path:
    """The kubeconfig of a service account in the tenant's namespace."""
    config = yaml.safe_load(tenant.kubernetes.kubeconfig.read_text("utf-8"))
    token = tenant.kubectl("create", "token", account).strip()
    context = next(one for one in config["contexts"] if one["name"] == config["current-context"])
    context["context"]["user"] = account
    config["users"] = [{"name": account, "user": {"token": token}}]
    path = folder / f"{account}.yaml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path


def account(tenant: Resident) -> str:
    name = f"somebody-{uuid.uuid4().hex[:6]}"
    tenant.kubectl("create", "serviceaccount", name)
    return name


def test_an_administrator_sees_that_the_chart_is_well(tenant: Resident) -> None:
    tenant.apply(manifests.server_at("down", free_port()))
    result = doctor(tenant, tenant.kubernetes.kubeconfig)
    findings = found(result)
    assert result.code == 1
    expected = {"KubernetesVersion", "Definitions", "OperatorReady", "PoliciesBound", "ClocksAgree", "RightsComplete"}
    assert expected <= codes(findings)
    assert "PortClosed" in codes(findings, f"{tenant.namespace}/down")
    inside = next(one for one in findings if one["code"] == "SeenFromHere")
    assert f"kubectl exec -n {tenant.release.namespace} deploy/adit-operator -- python -m" in inside["fix"]


def test_an_account_without_rights_is_told_what_it_lacks_and_what_it_may_not_see(
    tenant: Resident, tmp_path: Path
) -> None:
    findings = found(result := doctor(tenant, kubeconfig_of(tenant, account(tenant), tmp_path)))
    assert result.code == 1
    assert [one["code"] for one in findings if one["verdict"] == "problem"] == ["RightMissing"]
    unseen = {"OperatorUnseen", "PoliciesUnseen", "DefinitionsUnseen", "JobsUnseen", "ServersUnseen"}
    assert unseen == {one["code"] for one in findings if one["verdict"] == "skipped"}


def test_a_member_of_a_tenant_has_rights_and_no_slot(tenant: Resident, tmp_path: Path) -> None:
    name = account(tenant)
    role = f"--clusterrole={tenant.release.cluster_name}-tenant"
    tenant.kubectl("create", "rolebinding", name, role, f"--serviceaccount={tenant.namespace}:{name}")
    # by the loopback address, which a doctor outside of the pods reaches
    tenant.apply(manifests.server("source", tenant.source))
    kubeconfig = kubeconfig_of(tenant, name, tmp_path)
    findings = found(doctor(tenant, kubeconfig))
    about = f"{tenant.namespace}/source"
    assert {"RightsComplete", "NoServerGranted"} <= codes(findings)
    assert "SlotForbidden" in codes(findings, about)
    assert "Associated" not in codes(findings, about)
    assert doctor(tenant, kubeconfig, "source").code == 1, "who was named and not asked is not well"
    asked = doctor(tenant, kubeconfig, "--without-slot", "source")
    assert (asked.code, "Echoed" in codes(found(asked), about)) == (0, True)


def test_the_operators_pod_sees_what_runners_see(tenant: Resident) -> None:
    tenant.apply(tenant.server("source", tenant.source))
    told = tenant.release.kubectl(
        "exec", "deploy/adit-operator", "--", "python", "-m", "adit.diagnosis", "-n", tenant.namespace, "-o", "json"
    )
    findings = [json.loads(line) for line in told.splitlines()]
    assert [one for one in findings if one["verdict"] == "problem"] == []
    assert {"InsideThePod", "OperatorHealthy", "OperatorRightsComplete"} <= codes(findings)
    assert {"Associated", "Echoed", "Searched"} <= codes(findings, f"{tenant.namespace}/source")
