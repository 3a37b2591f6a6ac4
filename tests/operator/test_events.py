"""Which transitions are told: by the statuses before and after, and by the operator as it works."""

from typing import Any

import pytest

from adit.api.conditions import Condition, condition_of
from adit.api.transfer_job import TransferJobStatus
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.errors import PermanentError
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.events import job_events, server_events
from adit_operator.reachable import ANSWERED, Answer, refused, unasked
from adit_operator.testing.desk import Desk
from adit_operator.testing.fakes import KeptEvents

NIGHT = Ref("TransferJob", "default", "night")
PACS = Ref("DicomServer", "default", "pacs")
NOW = "2026-01-01T00:00:00Z"
PLAN = {"round": 0, "tasksPerSet": 1, "sets": 2, "tasks": 2, "tasksHash": "0" * 64}


def condition(kind: str, status: str, reason: str = "Some", message: str = "said so") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": NOW}


def status(*conditions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"conditions": list(conditions), **fields}


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    events = job_events(NIGHT, "uid", before, TransferJobStatus.of(after), NOW)
    return [(event.type, event.reason) for event in events]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, status(plan=PLAN), [("Normal", "Planned")]),
        (status(plan=PLAN), status(plan={**PLAN, "round": 1, "scope": "Failed"}), [("Normal", "RetryRequested")]),
        ({}, status(condition("Stalled", "True", "AccessDenied")), [("Warning", "AccessDenied")]),
        (
            status(condition("Stalled", "True", "AccessDenied")),
            status(condition("Stalled", "True", "ServerMissing")),
            [("Warning", "ServerMissing")],
        ),
        (
            status(condition("Stalled", "True", "AccessDenied")),
            status(condition("Stalled", "False", "NotStalled")),
            [("Normal", "NoLongerStalled")],
        ),
        (status(condition("Admitted", "False")), status(condition("Admitted", "True")), [("Normal", "Admitted")]),
        (status(condition("Admitted", "False"), startTime=NOW), status(condition("Admitted", "True")), []),
        (
            status(condition("Suspended", "False", "Stopping")),
            status(condition("Suspended", "True", "Suspended")),
            [("Normal", "Suspended")],
        ),
        (
            status(condition("Suspended", "True", "Suspended")),
            status(condition("Suspended", "False", "NotSuspended")),
            [("Normal", "Resumed")],
        ),
        ({}, status(condition("Suspended", "False", "NotSuspended")), []),
        (status(phase="InProgress"), status(phase="Canceling"), [("Normal", "Canceling")]),
        ({}, status(condition("Complete", "True"), phase="Success"), [("Normal", "Complete")]),
        ({}, status(condition("Complete", "True"), phase="Warning"), [("Warning", "Complete")]),
        ({}, status(condition("Failed", "True"), phase="Failure"), [("Warning", "Failed")]),
        ({}, status(condition("Failed", "True"), phase="Canceled"), [("Normal", "Canceled")]),
        (
            status(plan=PLAN, phase="Success"),
            status(condition("Ready", "True", "RetryRefused"), plan=PLAN, phase="Success", observedRetryToken="again"),
            [("Warning", "RetryRefused")],
        ),
    ],
)
def test_each_transition_has_one_word(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert told(before, after) == expected


def test_a_status_that_says_the_same_tells_nothing() -> None:
    same = status(
        condition("Stalled", "True"),
        condition("Admitted", "True"),
        condition("Suspended", "True"),
        condition("Complete", "True"),
        plan=PLAN,
        phase="Canceling",
    )
    assert told(same, same) == []


def test_the_sentence_is_that_of_the_condition() -> None:
    after = TransferJobStatus.of(status(condition("Stalled", "True", "ServerMissing", "DicomServer/x is not there")))
    assert [one.note for one in job_events(NIGHT, "uid", {}, after, NOW)] == ["DicomServer/x is not there"]


@pytest.mark.parametrize(
    ("before", "answer", "expected"),
    [
        (None, ANSWERED, ["Reachable"]),
        ("True", ANSWERED, []),
        ("False", ANSWERED, ["Reachable"]),
        ("True", Answer("False", "PeerUnavailable", "refused"), ["Unreachable"]),
        ("False", Answer("False", "PeerUnavailable", "refused"), []),
        (None, refused("no context"), ["Reachable"]),
        (None, unasked(PermanentError("nothing to ask with")), []),
    ],
)
def test_a_server_is_told_of_when_it_comes_and_goes(before: Any, answer: Answer, expected: list[str]) -> None:
    was = Condition.of(condition("Reachable", before)) if before else None
    assert [one.reason for one in server_events(PACS, "uid", was, answer, NOW)] == expected


async def run(desk: Desk, cluster: EmbeddedCluster) -> KeptEvents:
    """Let a job come to its end, its runner played; reconcile it more often than is needed."""
    for _ in range(3):
        await desk.turn()
    (job,) = await desk.runner_jobs()
    await desk.play(job, "S", "Done")
    for _ in range(3):
        await desk.turn()
    assert (await cluster.get(NIGHT))["status"]["phase"] == "Success"
    return desk.events


async def test_a_job_is_told_from_its_plan_to_its_end_each_step_once(desk: Desk, cluster: EmbeddedCluster) -> None:
    await cluster.create(transfer_job_manifest("night"))
    events = await run(desk, cluster)
    assert events.reasons == ["Planned", "Admitted", "Complete"]
    assert {(one.about, one.uid) for one in events.told} == {(NIGHT, (await cluster.get(NIGHT))["metadata"]["uid"])}


async def test_an_operator_that_starts_anew_tells_nothing_again(desk: Desk, cluster: EmbeddedCluster) -> None:
    await cluster.create(transfer_job_manifest("night"))
    await run(desk, cluster)
    desk.crash()
    for _ in range(3):
        await desk.turn()
    assert desk.events.told == []


async def test_a_server_that_is_missing_is_told_and_that_it_is_there_again(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    await cluster.delete(PACS)
    await cluster.create(transfer_job_manifest("night"))
    await desk.turn()
    await cluster.create(server_manifest("pacs"))
    await desk.turn()
    assert desk.events.reasons == ["ServerMissing", "Planned", "NoLongerStalled"]
    stalled = condition_of(TransferJobStatus.of((await cluster.get(NIGHT))["status"]).conditions, "Stalled")
    assert stalled is not None
    assert stalled.status == "False"
