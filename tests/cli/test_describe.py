"""What `adit describe` says of a job: counts that add up, the newest round of each task, every exception by name."""

from datetime import UTC, datetime
from typing import Any

from adit.api.counts import InstanceCounts
from adit.transfer.record import Entry, Record, TaskLine, encode
from adit_cli.describe import MOST_EXCEPTIONS, describe_lines
from adit_operator.testing.builders import JOB_UID, transfer_job

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def lost(task: str, instance: str) -> Entry:
    return Entry(task=task, kind="Lost", stage="Verify", reason="NotVerified", series="1.9", instance=instance)


def task_set(round_: int, states: str, record: Record, uid: str = JOB_UID) -> dict[str, Any]:
    return {
        "apiVersion": "adit.dev/v1alpha1",
        "kind": "TaskSet",
        "metadata": {"name": f"set-{round_}", "namespace": "default"},
        "spec": {
            "owner": {"kind": "TransferJob", "name": "night", "uid": uid},
            "round": round_,
            "index": 0,
            "work": "Transfer",
            "source": {"kind": "DicomServer", "name": "a"},
            "destination": {"kind": "DicomServer", "name": "b"},
            "tasks": [
                {"id": f"t{i}", "patientId": "P", "studyInstanceUid": f"1.2.{i + 1}"} for i in range(len(states))
            ],
        },
        "status": {"runner": {"states": states, "exceptions": encode(record), "reasons": {}}},
    }


def described(*sets: dict[str, Any], spec: dict[str, Any] | None = None, **status: Any) -> list[str]:
    job = transfer_job(2, spec=spec, status=status, annotations={"adit.dev/requested-by": "alice"})
    return list(describe_lines(job.manifest(), sets, NOW))


def test_a_job_says_who_asked_for_what_and_how_it_stands() -> None:
    lines = described(phase="Pending", message="waits")
    assert lines[:8] == [
        "Name:          night",
        "Namespace:     default",
        "Requested by:  alice",
        "From:          DicomServer/pacs",
        "To:            DicomServer/research",
        "Data:          identified",
        "Phase:         Pending",
        "Message:       waits",
    ]


def test_a_job_says_by_which_profile_it_pseudonymizes_and_by_which_version_of_it_once_it_is_planned() -> None:
    spec = {
        "pseudonymization": {"profile": "adit-compatible"},
        "tasks": [{"patientId": "P", "studyInstanceUid": "1.2", "pseudonym": "A"}],
    }
    assert "Data:          pseudonymized by adit-compatible" in described(spec=spec)
    plan = {"round": 0, "tasksPerSet": 1, "sets": 1, "tasks": 1, "tasksHash": "0" * 64, "profileHash": "ab" * 32}
    told = described(spec=spec, plan=plan)
    assert "Data:          pseudonymized by adit-compatible (sha256:abababababababab)" in told


def test_counts_are_told_as_the_equation_that_they_are() -> None:
    counts = {"listed": 9, "excluded": 1, "expected": 8, "received": 8, "rewritten": 8, "stored": 8, "verified": 7}
    lines = described(instances=counts)
    assert "Instances:     9 listed = 1 excluded + 8 expected; 8 received, 8 rewritten, 8 stored, 7 verified" in lines
    del counts["verified"]
    assert described(instances=counts)[-1].endswith("8 stored, not verified")


def test_a_task_is_told_by_its_newest_round_and_its_older_exceptions_are_gone() -> None:
    first = Record(
        (
            TaskLine(id="t0", state="S", method="Instances", instances=InstanceCounts()),
            TaskLine(id="t1", state="W", reason="NotVerified", message="1 of 4 instances: gone", method="Instances"),
        ),
        (lost("t1", "1.2.3.4"),),
    )
    older = described(task_set(0, "SW", first))
    assert "  t0 (round 0): succeeded by Instances" in older
    assert "  t1 (round 0): warned by Instances: NotVerified 1 of 4 instances: gone" in older
    assert "  t1: Lost at Verify: instance 1.2.3.4 of series 1.9: NotVerified" in older
    second = task_set(1, "SS", Record((TaskLine(id="t1", state="S", method="Instances"),)))
    newer = described(second, task_set(0, "SW", first))
    assert "  t1 (round 1): succeeded by Instances" in newer
    assert not [line for line in newer if "1.2.3.4" in line]


def test_the_sets_of_another_job_of_the_same_name_are_not_told() -> None:
    stranger = task_set(0, "F", Record((TaskLine(id="t0", state="F", reason="StudyNotFound"),)), uid="another")
    assert not [line for line in described(stranger) if "StudyNotFound" in line]


def test_a_record_that_cannot_be_read_hides_nothing_else() -> None:
    broken = task_set(0, "SF", Record())
    broken["status"]["runner"]["exceptions"] = "not a record"
    assert "  t1 (round 0): failed" in described(broken)


def test_very_many_exceptions_are_cut_and_counted() -> None:
    record = Record((), tuple(lost("t0", f"1.{i + 1}") for i in range(MOST_EXCEPTIONS + 5)))
    assert described(task_set(0, "W", record))[-1] == "  … and 5 more: adit describe tj night --all"


def test_conditions_tell_their_reason_and_age() -> None:
    condition = {
        "type": "Stalled",
        "status": "True",
        "reason": "ServerMissing",
        "message": "there is none",
        "lastTransitionTime": "2026-01-01T23:58:30Z",
    }
    assert "  Stalled=True (ServerMissing, 1m30s) there is none" in described(conditions=[condition])


def test_any_other_kind_is_shown_as_yaml_with_its_secrets_hidden() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "data": {"header": "c2VzYW1l"}}
    lines = list(describe_lines(secret, [], NOW))
    assert "  header: (hidden)" in lines
    assert not [line for line in lines if "c2VzYW1l" in line]
