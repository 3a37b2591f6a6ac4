"""What a Job's status says and what its node does next, for every state of its pod."""

from typing import Any

import pytest

from adit.cluster.embedded.job_status import JobDecision, Pod, decide_job

Manifest = dict[str, Any]
NOW = "2026-01-02T03:04:05Z"
RUNNING = {"active": 1, "ready": 1, "terminating": 0, "startTime": "2026-01-01T00:00:00Z"}


def job(status: Manifest | None = None, *, suspend: bool = False, leaving: bool = False) -> Manifest:
    metadata: Manifest = {"name": "work"} | ({"deletionTimestamp": NOW} if leaving else {})
    return {"metadata": metadata, "spec": {"suspend": suspend}, "status": status or {}}


def conditions(decision: JobDecision) -> dict[str, str]:
    return {found["type"]: found["status"] for found in decision.status.get("conditions", ())}


def counts(decision: JobDecision) -> tuple[int, int, int]:
    status = decision.status
    return status.get("active", 0), status.get("ready", 0), status.get("terminating", 0)


def test_a_new_job_starts_a_pod() -> None:
    decision = decide_job(job(), None, NOW)
    assert decision.step == "Start"
    assert counts(decision) == (1, 0, 0)
    assert decision.status["startTime"] == NOW


def test_a_pending_pod_is_launched() -> None:
    assert decide_job(job(RUNNING), Pod("Pending"), NOW).step == "Launch"


def test_a_running_pod_is_left_alone() -> None:
    assert decide_job(job(RUNNING), Pod("Running"), NOW) == JobDecision(RUNNING)


def test_a_pod_that_succeeded_completes_the_job() -> None:
    decision = decide_job(job(RUNNING), Pod("Succeeded"), NOW)
    assert conditions(decision) == {"SuccessCriteriaMet": "True", "Complete": "True"}
    assert (decision.status["succeeded"], counts(decision), decision.step) == (1, (0, 0, 0), "Bury")


def test_a_pod_that_failed_fails_the_job() -> None:
    decision = decide_job(job(RUNNING), Pod("Failed"), NOW)
    assert conditions(decision) == {"FailureTarget": "True", "Failed": "True"}
    assert (decision.status["failed"], counts(decision), decision.step) == (1, (0, 0, 0), "Bury")


@pytest.mark.parametrize("status", [RUNNING, {"active": 1, "ready": 0}])
def test_a_pod_that_went_with_its_node_failed(status: Manifest) -> None:
    assert conditions(decide_job(job(status), None, NOW))["Failed"] == "True"


def test_a_suspended_job_starts_none() -> None:
    decision = decide_job(job(suspend=True), None, NOW)
    assert decision.step == "Bury"
    assert conditions(decision) == {"Suspended": "True"}


def test_suspension_stops_the_pod() -> None:
    decision = decide_job(job(RUNNING, suspend=True), Pod("Running"), NOW)
    assert (decision.step, counts(decision), conditions(decision)) == ("Stop", (0, 0, 1), {"Suspended": "True"})


def test_a_pod_is_asked_to_stop_once() -> None:
    assert decide_job(job(RUNNING, suspend=True), Pod("Running", terminating=True), NOW).step is None


def test_a_pod_ended_by_suspension_is_not_counted_as_failed() -> None:
    decision = decide_job(job(RUNNING, suspend=True), Pod("Failed", terminating=True), NOW)
    assert "Failed" not in conditions(decision)
    assert "failed" not in decision.status


def test_a_pod_that_ends_well_while_it_is_suspended_has_done_its_work() -> None:
    decision = decide_job(job(RUNNING, suspend=True), Pod("Succeeded", terminating=True), NOW)
    assert conditions(decision)["Complete"] == "True"


def test_a_resumed_job_waits_for_the_old_pod_to_end() -> None:
    decision = decide_job(job(RUNNING), Pod("Running", terminating=True), NOW)
    assert (decision.step, counts(decision)) == (None, (0, 0, 1))


def test_a_resumed_job_starts_anew() -> None:
    suspended = decide_job(job(suspend=True), None, NOW).status
    decision = decide_job(job(suspended), None, NOW)
    assert (decision.step, conditions(decision)) == ("Start", {"Suspended": "False"})


def test_a_suspended_pod_lost_with_its_node_is_not_counted_as_failed() -> None:
    decision = decide_job(job({"active": 0, "terminating": 1}, suspend=True), None, NOW)
    assert "Failed" not in conditions(decision)
    assert counts(decision) == (0, 0, 0)


def test_a_deleted_job_stops_its_pod() -> None:
    decision = decide_job(job(RUNNING, leaving=True), Pod("Running"), NOW)
    assert (decision.step, counts(decision)) == ("Stop", (0, 0, 1))


def test_a_deleted_job_without_pod_is_let_go() -> None:
    assert decide_job(job(leaving=True), None, NOW).step == "Bury"


@pytest.mark.parametrize("suspend", [True, False])
@pytest.mark.parametrize("end", ["Succeeded", "Failed"])
def test_a_finished_job_starts_nothing_more(end: Any, suspend: bool) -> None:  # noqa: FBT001  # a parameter of the test
    finished = decide_job(job(RUNNING), Pod(end), NOW).status
    decision = decide_job(job(finished, suspend=suspend), None, "later")
    assert decision == JobDecision(finished, "Bury")


@pytest.mark.parametrize("pod", [Pod("Pending"), Pod("Running"), Pod("Succeeded"), Pod("Failed"), None])
@pytest.mark.parametrize("suspend", [True, False])
@pytest.mark.parametrize("leaving", [True, False])
def test_a_decision_taken_again_writes_nothing_new(pod: Pod | None, suspend: bool, leaving: bool) -> None:  # noqa: FBT001  # parameters of the test
    first = decide_job(job({} if pod is None else RUNNING, suspend=suspend, leaving=leaving), pod, NOW)
    if first.step == "Start":
        pod = Pod("Pending")
    if first.step == "Bury":
        pod = None
    again = decide_job(job(first.status, suspend=suspend, leaving=leaving), pod, "later")
    if again.step != "Start":  # a pod that was deleted and buried may have a successor
        assert again.status == first.status
