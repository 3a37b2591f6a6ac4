from typing import Any

import pytest

from adit.api.conditions import condition_of, is_true
from adit.api.transfer_job import MAX_EARLIER_PLANS, TransferJobStatus
from adit_operator.decide import decide
from adit_operator.observed import KeySeen, Observed, Waiting
from adit_operator.testing.builders import (
    after,
    changed,
    ended_set,
    observed,
    planned,
    seen_job,
    seen_set,
    tasks,
    transfer_job,
)


def reason(status: TransferJobStatus, kind: str) -> str:
    condition = condition_of(status.conditions, kind)
    assert condition is not None
    return condition.reason


def finished(states: str = "SF", **spec: Any) -> Observed:
    """A job whose only round is over, as the operator itself left it."""
    job = planned(len(states), **{"parallelism": 1, **spec})
    sets = tuple(
        ended_set(state, "Done", index=i, ids=[f"t{i}"], finished=True, active=False) for i, state in enumerate(states)
    )
    return observed(after(job, decide(observed(job, sets=sets))), sets=sets)


def test_the_first_write_of_a_round_is_its_plan() -> None:
    decision = decide(observed())
    assert decision.status.plan is not None
    assert decision.again
    assert decision.create == ()


def test_the_planned_sets_are_made_next() -> None:
    decision = decide(observed(planned(2)))
    assert [one["spec"]["index"] for one in decision.create] == [0, 1]
    assert decision.again


def test_a_plan_is_followed_even_where_another_would_be_made_now() -> None:
    job = changed(planned(8), parallelism=100)
    assert job.status.plan is not None
    assert len(decide(observed(job)).create) == job.status.plan.sets


def test_changed_tasks_stall_the_job() -> None:
    job = changed(planned(2), tasks=tasks(3)[1:])
    decision = decide(observed(job))
    assert decision.create == ()
    assert reason(decision.status, "Stalled") == "InputChanged"


def test_a_name_that_somebody_else_took_stalls_the_job() -> None:
    decision = decide(observed(planned(2), foreign=frozenset({"tj-night-0a1b2c3d-0-0"})))
    assert decision.create == ()
    assert reason(decision.status, "Stalled") == "NameTaken"


def test_a_refused_job_is_stalled_and_not_planned() -> None:
    decision = decide(observed(servers={}))
    assert decision.status.plan is None
    assert is_true(decision.status.conditions, "Stalled")
    assert reason(decision.status, "Ready") == "ServerMissing"
    assert decision.status.phase == "Pending"


def test_a_stall_ends_when_its_cause_does() -> None:
    stalled = after(transfer_job(), decide(observed(servers={})))
    assert not is_true(decide(observed(stalled)).status.conditions, "Stalled")


def test_a_job_that_pseudonymizes_makes_the_first_key_before_its_plan() -> None:
    named = [{**task, "pseudonym": f"A{i}"} for i, task in enumerate(tasks(2))]
    job = transfer_job(spec={"tasks": named, "pseudonymization": {"profile": "adit-compatible"}})
    decision = decide(observed(job))
    assert decision.make_key
    assert decision.status.plan is None


def test_an_identified_job_makes_no_key() -> None:
    assert not decide(observed(key=KeySeen())).make_key


def test_a_job_waits_with_admissions_reason() -> None:
    seen = observed(planned(2), sets=(seen_set("P"), seen_set("P", index=1, ids=["t1"])))
    status = decide(observed(seen.job, sets=seen.sets, waiting=Waiting("ServerPaused", "pacs is paused"))).status
    assert reason(status, "Admitted") == "ServerPaused"
    assert "pacs is paused" in status.message
    assert status.phase == "Pending"


def test_a_job_is_in_progress_from_the_first_claim_on() -> None:
    first = seen_set("P", claimed=True, attempt=0)
    seen = observed(planned(2), sets=(first, seen_set("P", index=1, ids=["t1"])), jobs=(seen_job(first),))
    status = decide(seen).status
    assert status.phase == "InProgress"
    assert status.start_time == "2026-01-01T00:00:00Z"
    assert reason(status, "Admitted") == "Running"


@pytest.mark.parametrize(
    ("states", "phase", "kind", "why"),
    [
        ("SS", "Success", "Complete", "Succeeded"),
        ("SW", "Warning", "Complete", "SucceededWithWarnings"),
        ("SF", "Failure", "Failed", "TasksFailed"),
    ],
)
def test_a_round_that_is_over_says_how_it_went(states: str, phase: str, kind: str, why: str) -> None:
    status = finished(states).job.status
    assert status.phase == phase
    assert reason(status, kind) == why
    assert [is_true(status.conditions, one) for one in ("Complete", "Failed")].count(True) == 1
    assert status.completion_time is not None


def test_a_finished_round_is_terminal() -> None:
    over = finished("SF")
    meddled = observed(over.job, sets=(seen_set("P"), seen_set("P", index=1, ids=["t1"])), servers={})
    decision = decide(meddled)
    assert decision.status == over.job.status
    assert (decision.create, decision.verdicts, decision.stops) == ((), (), ())


@pytest.mark.parametrize("verbs", [{"suspend": True}, {"retry": {"token": "again", "scope": "Canceled"}}])
def test_a_finished_job_says_of_every_generation_that_it_is_finished(verbs: dict[str, Any]) -> None:
    """As `kubectl wait` demands, which takes no condition of an earlier one."""
    over = finished("SS")
    job = changed(over.job, **verbs)
    job = job.model_copy(update={"metadata": job.metadata.model_copy(update={"generation": 7})})
    status = decide(observed(job, sets=over.sets)).status
    assert is_true(status.conditions, "Complete")
    assert {one.observed_generation for one in status.conditions} == {7}


def test_a_finished_job_whose_sets_are_gone_is_not_planned_again() -> None:
    over = finished("SF")
    assert decide(observed(over.job)).create == ()


def test_a_retry_token_opens_a_round_of_what_failed() -> None:
    over = finished("SF")
    job = changed(over.job, retry={"token": "again", "scope": "Failed"})
    status = decide(observed(job, sets=over.sets)).status
    assert status.plan is not None
    assert (status.plan.round, status.plan.tasks) == (1, 1)
    assert status.observed_retry_token == "again"
    assert [reason(status, kind) for kind in ("Complete", "Failed")] == ["RetryRequested"] * 2
    assert len(status.earlier_plans) == 1
    following = decide(observed(job.model_copy(update={"status": status}), sets=over.sets))
    assert [task["id"] for task in following.create[0]["spec"]["tasks"]] == ["t1"]


def test_an_observed_token_opens_no_second_round() -> None:
    over = finished("SF")
    job = changed(over.job, retry={"token": "again", "scope": "Failed"})
    opened = after(job, decide(observed(job, sets=over.sets)))
    repeated = ended_set("F", "Done", round_=1, ids=["t1"], finished=True, active=False)
    sets = (*over.sets, repeated)
    ended = after(opened, decide(observed(opened, sets=sets)))
    assert ended.status.phase == "Failure"
    again = decide(observed(ended, sets=sets)).status
    assert again.plan is not None
    assert again.plan.round == 1


def test_a_retry_that_succeeds_makes_the_job_a_success() -> None:
    over = finished("SF")
    job = changed(over.job, retry={"token": "again", "scope": "Failed"})
    opened = after(job, decide(observed(job, sets=over.sets)))
    repeated = ended_set("S", "Done", round_=1, ids=["t1"], finished=True, active=False)
    status = decide(observed(opened, sets=(*over.sets, repeated))).status
    assert status.phase == "Success"
    assert status.tasks.succeeded == 2


def test_a_retry_outside_its_scope_is_refused_and_opens_nothing() -> None:
    over = finished("SF")
    job = changed(over.job, retry={"token": "again", "scope": "Failed", "tasks": ["t0"]})
    status = decide(observed(job, sets=over.sets)).status
    assert status.plan == over.job.status.plan
    assert status.observed_retry_token == "again"
    assert reason(status, "Ready") == "RetryRefused"
    assert "t0" in status.message
    assert status.phase == "Failure"


def test_after_as_many_rounds_as_a_job_may_have_a_retry_is_refused() -> None:
    over = finished("SF")
    plan = over.job.status.plan
    assert plan is not None
    worn = over.job.status.model_copy(update={"earlier_plans": (plan,) * MAX_EARLIER_PLANS})
    job = changed(over.job.model_copy(update={"status": worn}), retry={"token": "again", "scope": "Failed"})
    status = decide(observed(job, sets=over.sets)).status
    assert reason(status, "Ready") == "TooManyRounds"
    assert status.observed_retry_token == "again"
    assert TransferJobStatus.of(status.manifest()) == status


def test_a_retry_of_a_canceled_job_needs_the_shutdown_unset() -> None:
    over = finished("SF")
    job = changed(over.job, shutdown="Graceful", retry={"token": "again", "scope": "Failed"})
    status = decide(observed(job, sets=over.sets)).status
    assert reason(status, "Ready") == "RetryRefused"


def test_a_retry_waits_for_the_running_round_and_says_so() -> None:
    job = changed(planned(2), retry={"token": "early", "scope": "Failed"})
    sets = (seen_set("P"), seen_set("P", index=1, ids=["t1"]))
    status = decide(observed(job, sets=sets)).status
    assert status.observed_retry_token is None
    assert "waits until this round is finished" in status.message


def test_a_retry_that_cannot_be_accepted_stalls_and_keeps_the_result() -> None:
    over = finished("SF")
    job = changed(over.job, retry={"token": "again", "scope": "Failed"})
    status = decide(observed(job, sets=over.sets, servers={})).status
    assert reason(status, "Stalled") == "ServerMissing"
    assert status.phase == "Failure"
    assert status.observed_retry_token is None


def test_a_retry_that_the_job_was_born_with_has_nothing_to_repeat() -> None:
    status = decide(observed(transfer_job(spec={"retry": {"token": "born", "scope": "All"}}))).status
    assert status.observed_retry_token == "born"
    assert status.plan is not None
    assert status.plan.scope is None


def test_a_shutdown_before_the_plan_cancels_everything() -> None:
    status = decide(observed(transfer_job(spec={"shutdown": "Graceful"}))).status
    assert (status.phase, status.tasks.canceled, status.plan) == ("Canceled", 2, None)
    assert reason(status, "Failed") == "Canceled"


def test_a_job_that_was_canceled_unplanned_is_resumed_by_a_retry() -> None:
    job = transfer_job(spec={"shutdown": "Graceful"})
    canceled = after(job, decide(observed(job)))
    resumed = changed(canceled, shutdown=None, retry={"token": "resume", "scope": "Canceled"})
    status = decide(observed(resumed)).status
    assert status.plan is not None
    assert (status.plan.round, status.plan.tasks) == (0, 2)
    following = decide(observed(resumed.model_copy(update={"status": status})))
    assert len(following.create) == status.plan.sets


def test_a_shutdown_cancels_what_never_ran_and_ends_the_job() -> None:
    job = changed(planned(2), shutdown="Graceful")
    sets = (ended_set("S", "Done", finished=True), seen_set("P", index=1, ids=["t1"]))
    decision = decide(observed(job, sets=sets))
    assert decision.status.phase == "Canceled"
    assert [write.verdict.overrides[0].id for write in decision.verdicts] == ["t1"]


@pytest.mark.parametrize(
    ("spec", "stop"),
    [
        ({"suspend": True}, "AfterTask"),
        ({"shutdown": "Graceful"}, "AfterTask"),
        ({"shutdown": "Immediate"}, "Now"),
        ({"suspend": True, "shutdown": "Immediate"}, "Now"),
    ],
)
def test_a_running_set_is_told_to_stop(spec: dict[str, Any], stop: str) -> None:
    running = seen_set("P", claimed=True, attempt=0)
    job = changed(planned(1), **spec)
    decision = decide(observed(job, sets=(running,), jobs=(seen_job(running),)))
    assert [write.stop for write in decision.stops] == [stop]


def test_a_stop_is_taken_back_when_the_job_is_resumed() -> None:
    stopped = ended_set("P", "Stopped", stop="AfterTask", judged_attempt=0)
    decision = decide(observed(planned(1), sets=(stopped,)))
    assert [write.stop for write in decision.stops] == [None]


def test_a_suspended_job_says_so_once_nothing_runs() -> None:
    job = changed(planned(1), suspend=True)
    status = decide(observed(job, sets=(ended_set("P", "Stopped", judged_attempt=0),))).status
    assert status.phase == "Suspended"
    assert is_true(status.conditions, "Suspended")


def test_a_refused_peer_stalls_the_job_until_the_server_changes() -> None:
    refused = ended_set("P", "AccessDenied")
    jobs = (seen_job(refused, finished=True),)
    stalled = decide(observed(planned(1), sets=(refused,), jobs=jobs)).status
    assert reason(stalled, "Stalled") == "PeerRefusedAccess"
    changed_server = decide(observed(planned(1), sets=(refused,), jobs=jobs, peers="peers-2")).status
    assert not is_true(changed_server.conditions, "Stalled")


def test_bad_input_stalls_the_job_until_what_is_rendered_changes() -> None:
    broken = ended_set("P", "BadInput")
    jobs = (seen_job(broken, finished=True),)
    assert reason(decide(observed(planned(1), sets=(broken,), jobs=jobs)).status, "Stalled") == "BadInput"
    assert not is_true(
        decide(observed(planned(1), sets=(broken,), jobs=jobs, image="new")).status.conditions, "Stalled"
    )


def test_a_finished_set_drops_its_label() -> None:
    done = ended_set("S", "Done", finished=True)
    assert decide(observed(planned(1), sets=(done,))).retire == (done,)


def test_a_set_whose_end_is_written_now_is_looked_at_again_to_drop_its_label() -> None:
    done, open_ = ended_set("S", "Done"), seen_set("P", index=1, ids=["t1"])
    ending = decide(observed(planned(2), sets=(done, open_)))
    assert [write.verdict.finished for write in ending.verdicts] == [True]
    assert ending.again
    ended = ended_set("S", "Done", finished=True, judged_attempt=0)
    assert not decide(observed(planned(2), sets=(ended, open_))).again
