"""What is judged of an API server's answers, without one: versions, definitions, policies, operator, rights, clocks."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from adit.api.crd import definition
from adit.api.resource import RESOURCES
from adit.cluster.kinds import KINDS
from adit.diagnosis.api_server import Right
from adit.diagnosis.clock import compared
from adit.diagnosis.installation import (
    Lag,
    environment_of,
    judge_health,
    judge_lag,
    judge_lease,
    judge_operator,
    lagging,
)
from adit.diagnosis.rights import (
    OPERATOR_RULES,
    RUNNER_NAMESPACE_RULES,
    judge_server_verbs,
    judge_user,
    of_a_user,
    of_the_operator,
)
from adit.diagnosis.rights import (
    judge_operator as judge_operator_rights,
)
from adit.diagnosis.versions import judge_definitions, judge_kubernetes
from tests.end_to_end.rights import RUNNERS, WATCHED, rights_of_page

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
Crd = dict[str, Any]


@pytest.mark.parametrize(
    ("version", "verdict", "code"),
    [
        ("v1.33.9", "problem", "KubernetesTooOld"),
        ("v1.34.0", "ok", "KubernetesVersion"),
        ("v1.37.2+k3s1", "ok", "KubernetesVersion"),
        ("v1.38.0", "warning", "KubernetesNewer"),
        ("", "problem", "KubernetesTooOld"),
    ],
)
def test_kubernetes_is_one_that_is_supported(version: str, verdict: str, code: str) -> None:
    finding = judge_kubernetes({"gitVersion": version})
    assert (finding.verdict, finding.code) == (verdict, code)


def installed() -> dict[str, Crd | None]:
    """Our definitions as an API server keeps them."""
    told = {"conditions": [{"type": "Established", "status": "True"}]}
    return {kind: {**deepcopy(definition(KINDS[kind])), "status": told} for kind in RESOURCES}


def test_the_definitions_of_this_program_are_recognised() -> None:
    assert [one.code for one in judge_definitions(installed())] == ["Definitions"]


def test_missing_definitions_are_named() -> None:
    (finding,) = judge_definitions({**installed(), "TaskSet": None})
    assert finding.code == "DefinitionsMissing"
    assert "TaskSet" in finding.what
    assert "helm upgrade" in finding.fix


def test_definitions_that_are_not_established_are_not_served() -> None:
    found = installed()
    found["TaskSet"] = {**definition(KINDS["TaskSet"]), "status": {}}
    assert judge_definitions(found)[0].code == "VersionNotServed"


def test_a_changed_schema_is_drift_and_an_empty_value_is_none() -> None:
    found = installed()
    schema = found["DicomServer"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]  # type: ignore[index]  # is there
    schema["x-kubernetes-list-type"] = ""
    assert judge_definitions(found)[0].code == "Definitions"
    del schema["properties"]["spec"]["properties"]["paused"]
    (finding,) = judge_definitions(found)
    assert (finding.verdict, finding.code) == ("warning", "DefinitionsDiffer")
    assert "DicomServer" in finding.what


def deployment(
    name: str = "adit-operator", *, version: str = "1.0", replicas: int = 1, ready: int = 1
) -> dict[str, Any]:
    env = [{"name": "CALLING_AE_TITLE", "value": "HOUSE"}, {"name": "SECRET", "valueFrom": {}}]
    return {
        "metadata": {"name": name, "namespace": "adit", "labels": {"app.kubernetes.io/version": version}},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "operator", "env": env}]}}},
        "status": {"availableReplicas": ready},
    }


@pytest.mark.parametrize(
    ("deployments", "codes"),
    [
        (None, ["OperatorUnseen"]),
        ([], ["OperatorMissing"]),
        ([deployment()], ["OperatorReady"]),
        ([deployment(ready=0)], ["OperatorDown"]),
        ([deployment(replicas=0, ready=0)], ["OperatorOff"]),
        ([deployment(version="0.9")], ["OperatorOtherVersion"]),
        ([deployment(), deployment("b-operator")], ["OperatorReady", "OperatorReady", "OperatorsSeveral"]),
    ],
)
def test_the_operator_is_there_once_and_ready(deployments: list[Any] | None, codes: list[str]) -> None:
    assert [one.code for one in judge_operator(deployments, "1.0")] == codes


def test_the_settings_of_an_operator_are_read_from_its_deployment() -> None:
    assert environment_of(deployment()) == {"CALLING_AE_TITLE": "HOUSE"}


def job(name: str, *, age: int, observed: int | None, generation: int = 1) -> dict[str, Any]:
    created = (NOW - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = {"name": name, "namespace": "radiology", "creationTimestamp": created, "generation": generation}
    return {"metadata": metadata, "status": {} if observed is None else {"observedGeneration": observed}}


def test_only_old_jobs_that_nobody_looked_at_lag() -> None:
    jobs = [
        job("seen", age=900, observed=1),
        job("young", age=5, observed=None),
        job("forgotten", age=900, observed=None),
        job("changed", age=900, observed=1, generation=2),
    ]
    behind = lagging(jobs, NOW)
    assert behind == [("radiology", "forgotten"), ("radiology", "changed")]
    finding = judge_lag(Lag(tuple(behind), 4))
    assert finding.code == "OperatorLags"
    assert "radiology/forgotten" in finding.what
    assert (judge_lag(Lag((), 4)).code, judge_lag(Lag((), 0)).code) == ("OperatorFollows", "NoJobs")


@pytest.mark.parametrize(
    ("leases", "code"),
    [
        (None, "LeaseUnseen"),
        ([], "OperatorLeaderless"),
        ([{"spec": {"holderIdentity": None}}], "OperatorLeaderless"),
        ([{"spec": {"holderIdentity": "pod-1_abc", "renewTime": "2026-01-01T11:59:55.000000Z"}}], "OperatorLeads"),
        ([{"spec": {"holderIdentity": "pod-1_abc", "renewTime": "2026-01-01T11:50:00.000000Z"}}], "OperatorLeaderless"),
    ],
)
def test_of_several_operators_one_leads(leases: list[Any] | None, code: str) -> None:
    finding = judge_lease(leases, NOW)
    assert finding.code == code
    assert "_abc" not in finding.what


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, {"secondsSinceResync": 12.4}, "OperatorHealthy", "12 s ago"),
        (200, {}, "OperatorHealthy", "its probe answers"),
        (500, {}, "OperatorStale", "HTTP 500"),
        (0, {}, "OperatorStale", "does not answer"),
    ],
)
def test_the_operators_own_probe_is_told(status: int, body: dict[str, object], code: str, said: str) -> None:
    finding = judge_health(status, body)
    assert finding.code == code
    assert said in finding.what


def test_a_folder_that_may_be_written_to_is_a_destination() -> None:
    asked = of_a_user("radiology", [("radiology", "pacs")], [("radiology", "archive")])
    answers = {right: right.verb != "use-destination" or right.resource == "dicomfolders" for right in asked}
    assert judge_server_verbs("ann", "radiology", answers) == []


def test_the_operators_rights_are_those_that_its_page_lists() -> None:
    listed = {
        where: {(one.group, one.resource, one.verb) for one in rights_of_page() if one.where == where}
        for where in (WATCHED, RUNNERS)
    }
    asked = {
        where: {(group, resource, verb) for group, resource, verbs in rules for verb in verbs}
        for where, rules in ((WATCHED, OPERATOR_RULES), (RUNNERS, RUNNER_NAMESPACE_RULES))
    }
    assert asked == listed, "adit.diagnosis.rights and docs/operator-rights.md name different rights"


def test_the_operators_rights_are_asked_in_its_namespaces() -> None:
    assert {right.namespace for right in of_the_operator((), "adit")} == {"", "adit"}
    assert {right.namespace for right in of_the_operator(("a", "b"), "adit")} == {"a", "b", "adit"}


def test_a_right_that_the_operator_lacks_is_named() -> None:
    asked = of_the_operator((), "adit")
    lost = Right("patch", "adit.dev", "tasksets/status", "")
    finding = judge_operator_rights("operator", {right: right != lost for right in asked})
    assert finding.code == "OperatorRightMissing"
    assert finding.rows == (("patch tasksets/status in all namespaces",),)
    assert judge_operator_rights("operator", dict.fromkeys(asked, True)).verdict == "ok"


def test_a_subresource_is_asked_as_one() -> None:
    asked = Right("patch", "adit.dev", "tasksets/status", "x").attributes
    assert (asked["resource"], asked["subresource"], "name" in asked) == ("tasksets", "status", False)


@pytest.mark.parametrize(
    ("denied", "code", "verdict"),
    [
        (set(), "RightsComplete", "ok"),
        ({"delete"}, "RightMissing", "warning"),
        ({"list", "create"}, "RightMissing", "problem"),
    ],
)
def test_a_users_rights_are_a_table_and_a_verdict(denied: set[str], code: str, verdict: str) -> None:
    asked = of_a_user("radiology", [("radiology", "pacs")])
    answers = {right: right.name != "" or right.verb not in denied for right in asked}
    table, finding = judge_user("ann", "radiology", answers)
    assert (finding.code, finding.verdict) == (code, verdict)
    assert table.rows[-1][0] == "dicomservers radiology/pacs"
    assert "use-source: yes" in table.rows[-1]


def test_who_may_use_no_server_is_told_whom_to_ask() -> None:
    asked = of_a_user("radiology", [("radiology", "pacs")])
    (finding,) = judge_server_verbs("ann", "radiology", {right: right.verb != "use-destination" for right in asked})
    assert finding.code == "NoServerGranted"
    assert "as destination" in finding.what
    assert judge_server_verbs("ann", "radiology", dict.fromkeys(asked, True)) == []
    assert judge_server_verbs("ann", "radiology", dict.fromkeys(of_a_user("radiology", []), False)) == []


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (0, "ClocksAgree"),
        (4, "ClocksAgree"),
        (-4, "ClocksAgree"),
        (30, "ClocksDiffer"),
        (-30, "ClocksDiffer"),
        (90, "ClocksApart"),
        (-3600, "ClocksApart"),
    ],
)
def test_clocks_are_compared_to_the_second(seconds: int, code: str) -> None:
    finding = compared("cluster", "its clock", format_datetime(NOW - timedelta(seconds=seconds), usegmt=True), NOW)
    assert finding.code == code
    if code != "ClocksAgree":
        assert ("behind" if seconds > 0 else "ahead of") in finding.what


def test_a_missing_date_is_no_verdict() -> None:
    assert compared("cluster", "its clock", "", NOW).verdict == "skipped"


def test_the_labels_that_are_looked_for_are_those_of_the_chart(project: Path) -> None:
    chart = yaml.safe_load((project / "charts/adit/Chart.yaml").read_text())
    assert chart["kubeVersion"].startswith(">=1.34")
    helpers = (project / "charts/adit/templates/_helpers.tpl").read_text()
    assert "app.kubernetes.io/part-of: adit" in helpers
    assert "app.kubernetes.io/component: operator" in helpers
