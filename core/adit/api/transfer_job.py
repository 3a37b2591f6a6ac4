"""TransferJob: what a person asks for — one source, one destination, studies, and how they are pseudonymized."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from adit.api.conditions import Condition
from adit.api.counts import Count, InstanceCounts, TaskCounts
from adit.api.fields import KeyId, LongText, Message, ObjectName, RetryToken, Sha256, TaskId, Text, Timestamp
from adit.api.model import Model
from adit.api.references import DestinationRef, SourceRef
from adit.api.tasks import MAX_INLINE_TASKS, TransferTask

RetryScope = Literal["Failed", "FailedAndWarned", "Canceled", "All"]
Phase = Literal["Pending", "InProgress", "Success", "Warning", "Failure", "Canceling", "Canceled", "Suspended"]


class Trial(Model):
    """The clinical trial that the data goes to (PS3.3 C.7.1.3): ClinicalTrialProtocolID and -Name."""

    id: Text | None = None
    name: Text | None = None


class Pseudonymization(Model):
    """Required: a profile, or the explicit word that the data stays identified, and why."""

    profile: ObjectName | None = None
    identified: Literal[True] | None = None
    reason: LongText | None = None
    trial: Trial | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Pseudonymization":
        if (self.profile is None) == (self.identified is None):
            raise ValueError("give either profile or identified: true")
        if self.identified and not self.reason:
            raise ValueError("reason is required with identified: true")
        if self.profile is not None and self.reason is not None:
            raise ValueError("reason goes with identified: true only")
        return self


class TransferSettings(Model):
    """What all kinds that lead to a transfer share, under one policy."""

    source: SourceRef
    destination: DestinationRef
    pseudonymization: Pseudonymization


class Retry(Model):
    """Another round: a new token opens it; `tasks` narrows the scope to the named ids."""

    token: RetryToken
    scope: RetryScope
    tasks: Annotated[tuple[TaskId, ...], Field(max_length=100)] = ()


class TransferJobSpec(TransferSettings):
    """The transfer and its verbs; everything but the verbs is immutable."""

    tasks: Annotated[tuple[TransferTask, ...], Field(min_length=1, max_length=MAX_INLINE_TASKS)]
    parallelism: Annotated[int, Field(ge=1, le=100)] = 4
    priority: Annotated[int, Field(ge=0, le=1000)] = 100
    suspend: bool = False
    shutdown: Literal["Graceful", "Immediate"] | None = None
    retry: Retry | None = None


# The verbs: the only fields of a TransferJob's spec that may change, by their names in YAML.
TRANSFER_JOB_VERBS = ("parallelism", "priority", "suspend", "shutdown", "retry")


class Plan(Model):
    """The first write of a round; later steps only follow it."""

    round: Count
    retry_token: RetryToken | None = None
    scope: RetryScope | None = None
    tasks_per_set: Annotated[int, Field(ge=1, le=100)]
    sets: Annotated[int, Field(ge=0, le=100_000)]
    tasks: Count
    tasks_hash: Sha256
    profile_hash: Sha256 | None = None
    key_id: KeyId | None = None


class FailureSummary(Model):
    """How often one coded reason occurred."""

    reason: Annotated[str, Field(max_length=64)]
    count: Count


class TransferJobStatus(Model):
    """Aggregates only; the tasks' own states lie in the TaskSets."""

    observed_generation: Count | None = None
    conditions: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
    phase: Phase | None = None
    message: Message = ""
    plan: Plan | None = None
    earlier_plans: Annotated[tuple[Plan, ...], Field(max_length=100)] = ()
    observed_retry_token: RetryToken | None = None
    tasks: TaskCounts = TaskCounts()
    instances: InstanceCounts = InstanceCounts()
    bytes: Count = 0
    failure_summary: Annotated[tuple[FailureSummary, ...], Field(max_length=10)] = ()
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
