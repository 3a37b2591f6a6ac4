"""What each verb writes into a job's spec, and the sentence with which it is refused."""

from typing import Any

import pytest

from adit.api.resource import TaskSet, TransferJob
from adit_cli.verbs import Refused, canceled, newest_states, resumed, retried, suspended
from adit_operator.testing.builders import JOB_UID, transfer_job


def job(phase: str | None, **spec: Any) -> TransferJob:
    return transfer_job(3, spec=spec, status={"phase": phase} if phase else {})


def task_set(round_: int, states: dict[str, str], uid: str = JOB_UID) -> TaskSet:
    tasks = [{"id": name, "patientId": "P", "studyInstanceUid": f"1.2.{name[1:]}"} for name in states]
    end = {"name": "a"}
    return TaskSet.of(
        {
            "apiVersion": "adit.dev/v1alpha1",
            "kind": "TaskSet",
            "metadata": {"name": f"set-{round_}", "namespace": "default"},
            "spec": {
                "owner": {"kind": "TransferJob", "name": "night", "uid": uid},
                "round": round_,
                "index": 0,
                "work": "Transfer",
                "source": {"kind": "DicomServer", **end},
                "destination": {"kind": "DicomServer", **end},
                "tasks": tasks,
            },
            "status": {"runner": {"states": "".join(states.values()), "reasons": {}}},
        }
    )


@pytest.mark.parametrize(("now", "shutdown"), [(False, "Graceful"), (True, "Immediate")])
@pytest.mark.parametrize("phase", [None, "Pending", "InProgress", "Suspended"])
def test_cancel_shuts_an_unfinished_job_down(phase: str | None, *, now: bool, shutdown: str) -> None:
    assert canceled(job(phase), now=now) == {"spec": {"shutdown": shutdown}}


def test_a_graceful_cancel_can_still_become_an_immediate_one() -> None:
    assert canceled(job("Canceling", shutdown="Graceful"), now=True) == {"spec": {"shutdown": "Immediate"}}
    with pytest.raises(Refused, match="TransferJob/night is already being canceled"):
        canceled(job("Canceling", shutdown="Graceful"), now=False)
    with pytest.raises(Refused, match="is already being canceled"):
        canceled(job("Canceling", shutdown="Immediate"), now=True)


@pytest.mark.parametrize("phase", ["Success", "Warning", "Failure", "Canceled"])
def test_a_finished_job_can_be_neither_canceled_nor_suspended(phase: str) -> None:
    with pytest.raises(Refused, match=rf"TransferJob/night has already finished \({phase}\): there is nothing"):
        canceled(job(phase), now=False)
    with pytest.raises(Refused, match=rf"TransferJob/night has already finished \({phase}\)"):
        suspended(job(phase))


def test_suspend_and_resume_are_one_field() -> None:
    assert suspended(job("InProgress")) == {"spec": {"suspend": True}}
    assert resumed(job("Suspended", suspend=True)) == {"spec": {"suspend": False}}
    with pytest.raises(Refused, match="is suspended already; adit resume night goes on"):
        suspended(job("Suspended", suspend=True))
    with pytest.raises(Refused, match="TransferJob/night is not suspended"):
        resumed(job("InProgress"))


@pytest.mark.parametrize("canceled_job", [job("Canceled"), job("Canceling", shutdown="Graceful")])
def test_resume_of_a_canceled_job_gives_the_command_that_works_its_tasks(canceled_job: TransferJob) -> None:
    with pytest.raises(Refused, match=r"was canceled, not suspended.*: adit retry night --scope Canceled"):
        resumed(canceled_job)


def test_a_retry_takes_shutdown_and_suspension_back_under_a_new_token() -> None:
    patch = retried(job("Failure"), {"t0": "F", "t1": "S", "t2": "F"}, token="new", scope="Failed", tasks=["t2"])
    assert patch == {
        "spec": {"shutdown": None, "suspend": False, "retry": {"token": "new", "scope": "Failed", "tasks": ["t2"]}}
    }


@pytest.mark.parametrize("phase", [None, "Pending", "InProgress", "Canceling", "Suspended"])
def test_an_unfinished_job_is_not_retried(phase: str | None) -> None:
    with pytest.raises(Refused, match=r"has not finished .*: retry when it has, or cancel it first"):
        retried(job(phase), {}, token="new", scope="All", tasks=[])


def test_a_retry_names_the_ids_that_the_job_does_not_have_and_those_outside_the_scope() -> None:
    states: Any = {"t0": "F", "t1": "S", "t2": "W"}
    with pytest.raises(Refused, match=r"has no task t7, t9; adit describe tj night lists them"):
        retried(job("Failure"), states, token="new", scope="Failed", tasks=["t7", "t0", "t9"])
    with pytest.raises(Refused, match=r"not in scope Failed: t1, t2; nothing was repeated"):
        retried(job("Failure"), states, token="new", scope="Failed", tasks=["t0", "t1", "t2"])
    with pytest.raises(Refused, match=r"no task is in scope Canceled; nothing was repeated"):
        retried(job("Failure"), states, token="new", scope="Canceled", tasks=[])


def test_the_state_of_a_task_is_that_of_its_newest_round_and_of_this_job_alone() -> None:
    sets = [task_set(1, {"t1": "S"}), task_set(0, {"t0": "F", "t1": "F"}), task_set(2, {"t0": "W"}, uid="another")]
    assert newest_states(job("Failure"), sets) == {"t0": "F", "t1": "S"}


def listed(status: dict[str, Any]) -> TransferJob:
    """A finished job whose tasks lie in a Secret."""
    manifest = job("Failure").manifest() | {"status": {"phase": "Failure", **status}}
    del manifest["spec"]["tasks"]
    manifest["spec"]["tasksFrom"] = [{"secretRef": {"name": "list", "key": "tasks.jsonl"}}]
    return TransferJob.of(manifest)


def test_a_task_of_a_list_in_a_secret_is_known_by_its_set() -> None:
    patch = retried(listed({}), {"t0": "F", "t1": "S"}, token="new", scope="Failed", tasks=["t0"])
    assert patch["spec"]["retry"]["tasks"] == ["t0"]
    with pytest.raises(Refused, match="has no task t7"):
        retried(listed({}), {"t0": "F"}, token="new", scope="Failed", tasks=["t7"])


def test_a_list_whose_sets_are_not_there_is_left_to_the_operator() -> None:
    assert retried(listed({}), {}, token="new", scope="All", tasks=[])["spec"]["retry"]["scope"] == "All"


def test_a_compacted_job_is_not_retried() -> None:
    compacted = {"type": "Compacted", "status": "True", "reason": "RecordsExpired", "lastTransitionTime": "2026-01-01"}
    with pytest.raises(Refused, match="records were removed"):
        retried(listed({"conditions": [compacted]}), {}, token="new", scope="All", tasks=[])
