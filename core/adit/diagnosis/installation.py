"""The operator as the API shows it: its Deployment, and whether jobs are looked at. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from adit.cluster.cluster import Manifest
from adit.diagnosis.finding import Finding, note, ok, problem, skipped, warning
from adit.diagnosis.upgrade import upgraded

LAG_SECONDS, LEADERLESS_SECONDS = 120, 60


def judge_operator(deployments: Sequence[Manifest] | None, version: str) -> list[Finding]:
    """The operator's Deployments, as far as this account sees them; None where it may not look."""
    if deployments is None:
        return [
            skipped(
                "OperatorUnseen",
                "operator",
                "your account may not see the operator's Deployment",
                fix="what follows tells whether it works; else ask whoever installed ADIT",
            )
        ]
    if not deployments:
        return [
            problem(
                "OperatorMissing",
                "operator",
                "no operator is installed",
                cause="there is no Deployment with the labels of the chart (part-of=adit, component=operator)",
                fix="helm install adit charts/adit -n adit --create-namespace",
            )
        ]
    findings = [_deployment(one, version) for one in deployments]
    if len(deployments) > 1:
        names = ", ".join(_name(one) for one in deployments)
        findings.append(
            warning(
                "OperatorsSeveral",
                "operator",
                f"{len(deployments)} operators are installed: {names}",
                cause="two that watch the same namespaces both make runners, and PACS limits hold for each alone",
                fix="uninstall all but one, or give them watchNamespaces that do not overlap",
            )
        )
    return findings


def _deployment(deployment: Manifest, version: str) -> Finding:
    name, status = _name(deployment), deployment.get("status") or {}
    wanted = (deployment.get("spec") or {}).get("replicas", 1)
    if wanted == 0:
        return problem(
            "OperatorOff",
            "operator",
            f"{name} has 0 replicas",
            cause="somebody scaled it down; runners at work go on, and nothing new starts",
            fix=f"kubectl scale -n {_namespace(deployment)} deploy/{deployment['metadata']['name']} --replicas=1",
        )
    if not status.get("availableReplicas"):
        return problem(
            "OperatorDown",
            "operator",
            f"{name} has no pod that is ready",
            cause="its pod cannot be started or scheduled, ends, or its last full look at the cluster is too old",
            fix=f"kubectl get pods -n {_namespace(deployment)} -l app.kubernetes.io/component=operator, then describe "
            "and logs of that pod",
        )
    theirs = (deployment["metadata"].get("labels") or {}).get("app.kubernetes.io/version", "")
    if theirs and theirs != version:
        return warning(
            "OperatorOtherVersion",
            "operator",
            f"{name} is of version {theirs}, this program of {version}",
            cause="chart and program were not upgraded together",
            fix=f"use the program of the operator's version, or {upgraded()}",
        )
    return ok("OperatorReady", "operator", f"{name} is ready (version {theirs or 'unknown'})")


def environment_of(deployment: Manifest) -> dict[str, str]:
    """The settings of an operator, by their names."""
    containers = deployment["spec"]["template"]["spec"].get("containers") or [{}]
    return {one["name"]: one["value"] for one in containers[0].get("env") or [] if "value" in one}


def judge_health(status: int, body: Mapping[str, object], error: str = "") -> Finding:
    """What the probe of the operator in this pod answers: HTTP status, and how long ago it looked at everything."""
    seconds = body.get("secondsSinceResync")
    if status == HTTPStatus.OK:
        age = f"; it last looked at everything {seconds:.0f} s ago" if isinstance(seconds, int | float) else ""
        return ok("OperatorHealthy", "operator", f"its probe answers{age}")
    return problem(
        "OperatorStale",
        "operator",
        f"its probe answers HTTP {status}" if status else f"its probe does not answer ({error})",
        cause="it has not looked at everything for three minutes: the API server is out of its reach, or it hangs",
        fix="look into its log; Kubernetes restarts it by itself",
    )


def judge_lease(leases: Sequence[Manifest] | None, now: datetime) -> Finding:
    """Of several operators, whether one leads; `now` by the API server's clock. None where Leases may not be seen."""
    if leases is None:
        return skipped("LeaseUnseen", "operator", "your account may not see the Lease that says which operator leads")
    spec = leases[0].get("spec") or {} if leases else {}
    holder = str(spec.get("holderIdentity") or "").partition("_")[0]
    renewed = spec.get("renewTime")
    silent = (now - datetime.fromisoformat(renewed).astimezone(UTC)).total_seconds() if renewed else 0.0
    if holder and silent <= LEADERLESS_SECONDS:
        return ok("OperatorLeads", "operator", f"{holder} leads")
    return problem(
        "OperatorLeaderless",
        "operator",
        f"none leads: {holder} has not renewed its Lease for {silent:.0f} s" if holder else "none leads",
        cause="with leader election nobody decides before one has taken the Lease: no pod runs, or none may write it",
        fix="look at the pods of the operator and their logs; they need list, create and patch on leases",
    )


def lagging(jobs: Iterable[Manifest], now: datetime) -> list[tuple[str, str]]:
    """Namespaces and names of jobs that the operator should long have looked at, by the API server's clock."""
    found = []
    for job in jobs:
        metadata = job["metadata"]
        seen = (job.get("status") or {}).get("observedGeneration")
        created = datetime.fromisoformat(metadata["creationTimestamp"]).astimezone(UTC)
        old = (now - created).total_seconds() > LAG_SECONDS
        if old and not metadata.get("deletionTimestamp") and seen != metadata.get("generation"):
            found.append((metadata["namespace"], metadata["name"]))
    return found


@dataclass(frozen=True, slots=True)
class Lag:
    """Which jobs lag, of how many that were seen; `more` says that there are jobs that were not asked for."""

    behind: tuple[tuple[str, str], ...]
    seen: int
    more: bool = False


def judge_lag(lag: Lag) -> Finding:
    """Whether jobs are looked at, which is the surest sign of an operator that works."""
    if not lag.seen:
        return note("NoJobs", "operator", "there is no job yet to tell by whether it works")
    if not lag.behind:
        all_of_them = f"has looked at every job ({lag.seen} seen)"
        some = f"has looked at each of the first {lag.seen} jobs; there are more, which were not asked for"
        return ok("OperatorFollows", "operator", some if lag.more else all_of_them)
    names = ", ".join(f"{space}/{name}" for space, name in lag.behind[:5])
    return problem(
        "OperatorLags",
        "operator",
        f"has not looked at {len(lag.behind)} jobs as they now stand: {names}",
        cause="it does not run, does not watch that namespace (watchNamespaces), or lacks a right",
        fix="look at its Deployment and its log; run adit doctor in its pod, which lists the rights that it lacks",
    )


def _name(deployment: Manifest) -> str:
    return f"Deployment {_namespace(deployment)}/{deployment['metadata']['name']}"


def _namespace(deployment: Manifest) -> str:
    return str(deployment["metadata"].get("namespace", "default"))
