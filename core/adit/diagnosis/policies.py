"""The admission policies of the chart: there, and bound so that they deny. Pure."""

from collections.abc import Sequence

from adit.cluster.cluster import Manifest
from adit.diagnosis.finding import Finding, ok, problem, skipped, warning

STAMPS_FROM = (1, 36)  # MutatingAdmissionPolicy is served from here on
_POLICIES = ("requester", "runner", "transfers")


def judge_policies(
    policies: Sequence[Manifest] | None,
    bindings: Sequence[Manifest] | None,
    stamps: Sequence[Manifest] | None,
    minor: tuple[int, int],
) -> list[Finding]:
    """The admission policies of the chart: there, and bound so that they deny."""
    if policies is None or bindings is None:
        return [skipped("PoliciesUnseen", "policies", "your account may not see the admission policies")]
    names = {one["metadata"]["name"] for one in policies}
    bound = {one["spec"]["policyName"] for one in bindings if "Deny" in (one["spec"].get("validationActions") or [])}
    missing = [word for word in _POLICIES if not any(name.endswith(f"-{word}") for name in names)]
    if missing:
        return [
            problem(
                "PoliciesMissing",
                "policies",
                f"the admission policies {', '.join(missing)} are not installed",
                cause="the chart was installed with policies.enabled: false, or somebody deleted them: nobody checks "
                "who may use which server, or who asks",
                fix="helm upgrade with policies.enabled: true",
            )
        ]
    unbound = sorted(names - bound)
    if unbound:
        return [
            problem(
                "PoliciesUnbound",
                "policies",
                f"{', '.join(unbound)} deny nothing",
                cause="their binding is gone, or its validationActions lack Deny",
                fix="helm upgrade the release, which puts them back",
            )
        ]
    if minor >= STAMPS_FROM and not stamps:
        return [
            warning(
                "RequesterNotStamped",
                "policies",
                "nothing stamps who asked for a job, though this Kubernetes could",
                cause="the chart was rendered for an older Kubernetes, so people must write the annotation themselves",
                fix="helm upgrade the release now that the cluster is at 1.36 or newer",
            )
        ]
    return [ok("PoliciesBound", "policies", f"{len(names)} admission policies deny what they should")]
