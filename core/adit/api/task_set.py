"""TaskSet: the tasks that one runner works; made by the operator, its status shared by runner and operator."""

from typing import Annotated, Literal

from pydantic import Field

from adit.api.counts import Count, InstanceCounts
from adit.api.fields import KeyId, Message, ObjectName, Sha256, TaskId, Timestamp
from adit.api.model import Model
from adit.api.references import DestinationRef, SourceRef
from adit.api.tasks import TransferTask
from adit.api.trial import Trial

Work = Literal["Transfer"]
Stop = Literal["AfterTask", "Now"]
EndedReason = Literal["Done", "RetryLater", "PeerUnavailable", "Stopped", "AccessDenied", "BadInput"]
# One letter per task, in order.
TaskState = Literal["P", "S", "W", "F", "C"]


class Owner(Model):
    """Whose tasks these are."""

    kind: Literal["TransferJob"]
    name: ObjectName
    uid: Annotated[str, Field(max_length=64)]


class ProfileUse(Model):
    """A profile as it was when planned."""

    name: ObjectName
    hash: Sha256


class TaskSetSpec(Model):
    """Immutable but for `stop`; tasks always carry ids. `profile` or `identified`, never neither."""

    owner: Owner
    round: Count
    index: Count
    work: Work
    source: SourceRef
    destination: DestinationRef
    profile: ProfileUse | None = None
    identified: bool = False
    """Moved as it is, for the reason in the job: a runner without a profile refuses to start unless this says so."""
    key_id: KeyId | None = None
    trial: Trial | None = None
    tasks: Annotated[tuple[TransferTask, ...], Field(min_length=1, max_length=100)]
    stop: Stop | None = None


class Holder(Model):
    """The runner that claimed the set; `renewTime` moves every 10 s while it lives."""

    pod_name: ObjectName
    pod_uid: Annotated[str, Field(max_length=64)]
    renew_time: Timestamp


class TaskRetry(Model):
    """A task that stays Pending after a retryable error, until `dueTime`."""

    id: TaskId
    attempts: Annotated[int, Field(ge=1, le=100)]
    due_time: Timestamp
    reason: Annotated[str, Field(max_length=64)]


class Ended(Model):
    """Why the runner ended; no word means it crashed."""

    reason: EndedReason
    message: Message = ""
    # with PeerUnavailable: the name of the DicomServer that could not be reached, where it is known
    peer: Annotated[str, Field(max_length=253)] | None = None


class RunnerStatus(Model):
    """Written by the runner only."""

    attempt: Count = 0
    current: TaskId | None = None
    states: Annotated[str, Field(pattern=r"^[PSWFC]*$", max_length=100)] = ""
    retries: Annotated[tuple[TaskRetry, ...], Field(max_length=100)] = ()
    instances: InstanceCounts = InstanceCounts()
    bytes: Count = 0
    # gzip + base64 of JSON lines, see adit.transfer.record; at most 200 KiB
    exceptions: Annotated[str, Field(max_length=204_800)] = ""
    # coded reasons of the tasks that are not S, so that the operator need not unpack `exceptions`
    reasons: Annotated[dict[Annotated[str, Field(max_length=64)], Count], Field(max_length=50, default_factory=dict)]
    ended: Ended | None = None


class Override(Model):
    """The operator's word on a task that the runner left Pending."""

    id: TaskId
    state: Literal["F", "C"]
    reason: Annotated[str, Field(max_length=64)]


class Verdict(Model):
    """Written by the operator only."""

    crashes: Count = 0
    # the Job attempt whose end was last counted, so that one crash counts once
    judged_attempt: Annotated[int, Field(ge=-1)] = -1
    # tasks that were finished when it was counted, so that progress between two crashes shows
    settled: Count = 0
    overrides: Annotated[tuple[Override, ...], Field(max_length=100)] = ()
    finished: bool = False


class TaskSetStatus(Model):
    """Runner and operator each own their part and never write the other's."""

    holder: Holder | None = None
    runner: RunnerStatus | None = None
    verdict: Verdict | None = None


def task_states(spec: TaskSetSpec, status: TaskSetStatus) -> tuple[TaskState, ...]:
    """The state of each task in order: the runner's; an override counts only where the runner left P."""
    reported: str = status.runner.states if status.runner and status.runner.states else "P" * len(spec.tasks)
    overrides = {override.id: override.state for override in (status.verdict.overrides if status.verdict else ())}
    states: list[TaskState] = []
    for task, letter in zip(spec.tasks, reported.ljust(len(spec.tasks), "P"), strict=False):
        state: TaskState = letter  # type: ignore[assignment]  # the pattern of `states` admits these letters only
        states.append(overrides.get(str(task.id), state) if state == "P" else state)
    return tuple(states)
