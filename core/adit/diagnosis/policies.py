"""The admission policies of the chart: there, strict, and bound so that they deny everywhere. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adit.cluster.cluster import Manifest
from adit.diagnosis.finding import Finding, ok, problem, skipped, warning
from adit.diagnosis.upgrade import upgraded

STAMPS_FROM = (1, 36)  # MutatingAdmissionPolicy is served from here on
_POLICIES = ("requester", "runner", "transfers", "profiles", "mapping")
# What leaves out some of the requests, in a policy's matchConstraints and in a binding's matchResources.
_LEAVING_OUT = ("namespaceSelector", "objectSelector", "excludeResourceRules")


@dataclass(frozen=True, slots=True)
class Policies:
    """What was read: those that deny and those that stamp, each with its bindings; None where it may not be seen."""

    denying: Sequence[Manifest] | None
    bindings: Sequence[Manifest] | None
    stamping: Sequence[Manifest] | None = ()
    stamp_bindings: Sequence[Manifest] | None = ()


def judge_policies(found: Policies, minor: tuple[int, int]) -> list[Finding]:
    """The admission policies of the chart on a Kubernetes of this minor version."""
    if found.denying is None or found.bindings is None:
        return [skipped("PoliciesUnseen", "policies", "your account may not see the admission policies")]
    names = {one["metadata"]["name"] for one in found.denying}
    missing = [word for word in _POLICIES if not any(name.endswith(f"-{word}") for name in names)]
    if missing:
        return [
            problem(
                "PoliciesMissing",
                "policies",
                f"the admission policies {', '.join(missing)} are not installed",
                cause="the chart was installed with policies.enabled: false, or somebody deleted them: nobody checks "
                "who may use which server, or who asks",
                fix=upgraded("policies.enabled=true"),
            )
        ]
    weak = [*_not_strict(found.denying), *_not_bound(names, found.bindings)]
    if weak:
        return weak
    if minor >= STAMPS_FROM and not _stamped(found):
        return [
            warning(
                "RequesterNotStamped",
                "policies",
                "nothing stamps who asked for a job, though this Kubernetes could",
                cause="the chart was rendered for an older Kubernetes, or the policy that stamps or its binding is "
                "gone or narrowed, so people must write the annotation themselves",
                fix=f"{upgraded()}, now that the cluster is at 1.36 or newer",
            )
        ]
    return [ok("PoliciesBound", "policies", f"{len(names)} admission policies deny what they should")]


def _not_strict(policies: Sequence[Manifest]) -> Iterator[Finding]:
    """A policy that lets through what it cannot judge, or does not look at everything."""
    lenient = [one["metadata"]["name"] for one in policies if one["spec"].get("failurePolicy", "Fail") != "Fail"]
    if lenient:
        yield problem(
            "PoliciesLenient",
            "policies",
            f"{', '.join(sorted(lenient))} let through what they cannot judge (failurePolicy)",
            cause="somebody changed it to Ignore; the chart says Fail",
            fix=f"{upgraded()}, which puts it back",
        )
    narrow = [one["metadata"]["name"] for one in policies if _leaves_out(one["spec"].get("matchConstraints"))]
    if narrow:
        yield _narrowed(narrow)


def _not_bound(names: set[str], bindings: Sequence[Manifest]) -> Iterator[Finding]:
    denying = [one["spec"] for one in bindings if "Deny" in (one["spec"].get("validationActions") or [])]
    bound = {spec["policyName"] for spec in denying}
    whole = {spec["policyName"] for spec in denying if not _narrows(spec)}
    if unbound := sorted(names - bound):
        yield problem(
            "PoliciesUnbound",
            "policies",
            f"{', '.join(unbound)} deny nothing",
            cause="their binding is gone, or its validationActions lack Deny",
            fix=f"{upgraded()}, which puts them back",
        )
    if narrow := sorted((names & bound) - whole):
        yield _narrowed(narrow)


def _narrowed(names: Sequence[str]) -> Finding:
    return problem(
        "PoliciesNarrowed",
        "policies",
        f"{', '.join(sorted(names))} deny in some namespaces or for some objects only, or nowhere",
        cause="somebody gave the policy or its binding a selector, rules or exceptions; the chart has none",
        fix=f"{upgraded()}; take out of matchResources and matchConstraints what is still there afterwards",
    )


def _stamped(found: Policies) -> bool:
    stamps = {
        one["metadata"]["name"] for one in found.stamping or () if not _leaves_out(one["spec"].get("matchConstraints"))
    }
    return any(
        one["spec"].get("policyName") in stamps and not _narrows(one["spec"]) for one in found.stamp_bindings or ()
    )


def _narrows(binding: Mapping[str, Any]) -> bool:
    resources = binding.get("matchResources") or {}
    return _leaves_out(resources) or bool(resources.get("resourceRules"))


def _leaves_out(match: Mapping[str, Any] | None) -> bool:
    return any((match or {}).get(field) for field in _LEAVING_OUT)
