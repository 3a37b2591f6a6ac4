"""What a Job's status must say, and what its node must do, given the Job and its one pod. Pure; Kubernetes' words.

backoffLimit is 0 and podReplacementPolicy Failed (job_schema.py sees to it): the first failure is the last, and a new
pod starts only when the old one is gone.
"""

from dataclasses import dataclass
from typing import Any, Literal

Manifest = dict[str, Any]

# Keeps a Job with its deletionTimestamp until its process is gone, so that admission still counts it.
FINALIZER = "adit.dev/process"
# The pod that the Job has or had last; its log has this name.
POD_NAME = "adit.dev/pod-name"

# Reason and message of a condition, as Kubernetes' Job controller gives them.
_REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
_EXCEEDED = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")

Phase = Literal["Pending", "Running", "Succeeded", "Failed"]


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod as the node sees it; `terminating`: it was deleted, because of a suspension or with its Job."""

    phase: Phase
    terminating: bool = False

    @property
    def ended(self) -> bool:
        return self.phase in {"Succeeded", "Failed"}


@dataclass(frozen=True, slots=True)
class JobDecision:
    """The status to write, then one step."""

    status: Manifest
    step: Literal["Start", "Launch", "Stop", "Bury"] | None = None


def is_finished(job: Manifest) -> bool:
    """Whether the Job is Complete or Failed, for good."""
    return any(_condition(job.get("status", {}), kind) == "True" for kind in ("Complete", "Failed"))


def claims_pod(job: Manifest) -> bool:
    """Whether the status speaks of a pod that has not ended."""
    status = job.get("status", {})
    return bool(status.get("active") or status.get("terminating"))


def decide_job(job: Manifest, pod: Pod | None, now: str) -> JobDecision:
    """The next step of a Job. A pod that the status claims and nobody has was lost with its node: it failed."""
    status = job.get("status", {})
    if is_finished(job):
        return JobDecision(status, _farewell(pod))
    leaving = "deletionTimestamp" in job["metadata"]
    suspended = bool(job["spec"].get("suspend"))
    if pod is None and claims_pod(job):
        pod = Pod("Failed", terminating=bool(status.get("terminating")))
    if pod is None:
        return _without_pod(status, now, leaving=leaving, suspended=suspended)
    if pod.ended:
        return JobDecision(_after(pod, status, now), "Bury")
    if suspended:
        status = _suspended(status, now)
    if leaving or suspended or pod.terminating:
        status = {**status, "active": 0, "ready": 0, "terminating": 1}
        return JobDecision(status, None if pod.terminating else "Stop")
    running = pod.phase == "Running"
    return JobDecision({**status, "active": 1, "ready": int(running), "terminating": 0}, None if running else "Launch")


def _farewell(pod: Pod | None) -> Literal["Stop", "Bury"] | None:
    if pod is None or pod.ended:
        return "Bury"
    return None if pod.terminating else "Stop"


def _without_pod(status: Manifest, now: str, *, leaving: bool, suspended: bool) -> JobDecision:
    if leaving:
        return JobDecision(status, "Bury")
    if suspended:
        return JobDecision({**_suspended(status, now), "active": 0, "ready": 0, "terminating": 0}, "Bury")
    if _condition(status, "Suspended") == "True":
        status = _with_condition(status, now, "Suspended", ("JobResumed", "Job resumed"), "False")
    return JobDecision({**status, "active": 1, "ready": 0, "terminating": 0, "startTime": now}, "Start")


def _after(pod: Pod, status: Manifest, now: str) -> Manifest:
    """The status once the pod has ended; one that was deleted and did not succeed is not counted."""
    status = {**status, "active": 0, "ready": 0, "terminating": 0}
    if pod.phase == "Succeeded":
        status |= {"succeeded": status.get("succeeded", 0) + 1, "completionTime": now}
        return _with_condition(_with_condition(status, now, "SuccessCriteriaMet", _REACHED), now, "Complete", _REACHED)
    if pod.terminating:
        return status
    status |= {"failed": status.get("failed", 0) + 1}
    return _with_condition(_with_condition(status, now, "FailureTarget", _EXCEEDED), now, "Failed", _EXCEEDED)


def _suspended(status: Manifest, now: str) -> Manifest:
    if _condition(status, "Suspended") == "True":
        return status
    return _with_condition(status, now, "Suspended", ("JobSuspended", "Job suspended"))


def _condition(status: Manifest, kind: str) -> str | None:
    return next((str(found["status"]) for found in status.get("conditions", ()) if found["type"] == kind), None)


def _with_condition(status: Manifest, now: str, kind: str, why: tuple[str, str], value: str = "True") -> Manifest:
    condition = {
        "type": kind,
        "status": value,
        "reason": why[0],
        "message": why[1],
        "lastProbeTime": now,
        "lastTransitionTime": now,
    }
    others = [found for found in status.get("conditions", ()) if found["type"] != kind]
    return {**status, "conditions": [*others, condition]}
