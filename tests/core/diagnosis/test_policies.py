"""The chart's admission policies: there, strict, and bound to everything; and how they are put back."""

import re
from pathlib import Path
from typing import Any

import pytest

from adit.diagnosis.policies import Policies, judge_policies
from adit.diagnosis.upgrade import COMMAND

WORDS = ("requester", "runner", "profiles", "mapping", "transfers")
# As the API server answers: it adds the empty selectors.
EVERYTHING: dict[str, Any] = {"namespaceSelector": {}, "objectSelector": {}, "matchPolicy": "Equivalent"}
NOWHERE: dict[str, Any] = {"namespaceSelector": {"matchLabels": {"adit": "never"}}}
RULES = [{"apiGroups": ["adit.dev"], "resources": ["transferjobs"], "operations": ["CREATE"]}]


def policy(word: str, **spec: Any) -> dict[str, Any]:
    constraints = {**EVERYTHING, "resourceRules": RULES}
    return {
        "metadata": {"name": f"adit-{word}"},
        "spec": {"failurePolicy": "Fail", "matchConstraints": constraints, **spec},
    }


def binding(word: str, action: str = "Deny", **resources: Any) -> dict[str, Any]:
    matched = {"matchResources": {**EVERYTHING, **resources}} if resources else {}
    return {"metadata": {}, "spec": {"policyName": f"adit-{word}", "validationActions": [action], **matched}}


def stamp(word: str = "requester", **resources: Any) -> dict[str, Any]:
    matched = {"matchResources": {**EVERYTHING, **resources}} if resources else {}
    return {"metadata": {}, "spec": {"policyName": f"adit-{word}", **matched}}


ALL, BOUND = [*map(policy, WORDS)], [*map(binding, WORDS)]
STAMPS, STAMPED = [policy("requester")], [stamp()]


def codes(found: Policies, minor: tuple[int, int] = (1, 36)) -> list[str]:
    return [one.code for one in judge_policies(found, minor)]


def test_policies_that_are_as_the_chart_makes_them_deny() -> None:
    assert codes(Policies(ALL, BOUND, STAMPS, STAMPED)) == ["PoliciesBound"]


def test_before_1_36_nothing_stamps() -> None:
    assert codes(Policies(ALL, BOUND, None, None), (1, 35)) == ["PoliciesBound"]


def test_policies_that_may_not_be_seen_are_no_problem() -> None:
    assert judge_policies(Policies(None, None), (1, 36))[0].verdict == "skipped"


def test_a_policy_that_is_gone_is_named() -> None:
    (finding,) = judge_policies(Policies(ALL[:-1], BOUND, STAMPS, STAMPED), (1, 36))
    assert finding.code == "PoliciesMissing"
    assert "transfers" in finding.what


def test_a_binding_that_is_gone_or_only_warns_denies_nothing() -> None:
    assert codes(Policies(ALL, BOUND[:-1], STAMPS, STAMPED)) == ["PoliciesUnbound"]
    assert codes(Policies(ALL, [*BOUND[:-1], binding("transfers", "Warn")], STAMPS, STAMPED)) == ["PoliciesUnbound"]


def test_a_policy_that_ignores_its_errors_is_a_problem() -> None:
    lenient = [*ALL[:-1], policy("transfers", failurePolicy="Ignore")]
    (finding,) = judge_policies(Policies(lenient, BOUND, STAMPS, STAMPED), (1, 36))
    assert (finding.code, finding.verdict) == ("PoliciesLenient", "problem")
    assert "adit-transfers" in finding.what


@pytest.mark.parametrize(
    "resources",
    [
        NOWHERE,
        {"objectSelector": {"matchLabels": {"a": "b"}}},
        {"excludeResourceRules": RULES},
        {"resourceRules": RULES},
    ],
)
def test_a_binding_that_leaves_something_out_is_a_problem(resources: dict[str, Any]) -> None:
    bindings = [*BOUND[:-1], binding("transfers", **resources)]
    (finding,) = judge_policies(Policies(ALL, bindings, STAMPS, STAMPED), (1, 36))
    assert (finding.code, finding.verdict) == ("PoliciesNarrowed", "problem")
    assert "adit-transfers" in finding.what


def test_another_binding_of_the_same_policy_does_no_harm() -> None:
    assert codes(Policies(ALL, [*BOUND, binding("transfers", **NOWHERE)], STAMPS, STAMPED)) == ["PoliciesBound"]


def test_a_policy_that_leaves_something_out_is_a_problem() -> None:
    constraints = {"resourceRules": RULES, **NOWHERE}
    narrow = [*ALL[:-1], policy("transfers", matchConstraints=constraints)]
    assert codes(Policies(narrow, BOUND, STAMPS, STAMPED)) == ["PoliciesNarrowed"]


@pytest.mark.parametrize(
    ("stamps", "bindings"),
    [
        ([], []),
        (STAMPS, []),
        (STAMPS, [stamp("other")]),
        (STAMPS, [stamp(**NOWHERE)]),
        ([policy("requester", matchConstraints=NOWHERE)], STAMPED),
    ],
)
def test_a_stamp_that_is_not_bound_to_everything_stamps_nobody(stamps: list[Any], bindings: list[Any]) -> None:
    (finding,) = judge_policies(Policies(ALL, BOUND, stamps, bindings), (1, 36))
    assert (finding.verdict, finding.code) == ("warning", "RequesterNotStamped")


def test_what_puts_them_back_keeps_the_values_of_before() -> None:
    (finding,) = judge_policies(Policies([], []), (1, 36))
    assert finding.fix.startswith(f"{COMMAND} --set policies.enabled=true (or with -f YOUR-VALUES")


def upgrades(text: str) -> list[str]:
    return re.findall(r"helm upgrade[^`\n]*", text)


def test_every_upgrade_that_is_told_says_how_the_values_are_kept(project: Path) -> None:
    """Else Helm takes the chart's defaults: every namespace, by ClusterRoles, without election."""
    folders = [project / "docs", project / "core/adit", project / "cli", project / "charts"]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in {".md", ".py", ".txt", ".yaml"}]
    told = [one for path in (*files, project / "README.md") for one in upgrades(path.read_text("utf-8"))]
    assert len(told) >= 3
    assert [one for one in told if "--reset-then-reuse-values" not in one and " -f " not in one] == []
