"""TransferJob: what a person asks for — one source, one destination, studies, and how they are pseudonymized."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from adit.api.conditions import Condition
from adit.api.counts import Count, InstanceCounts, TaskCounts
from adit.api.fields import KeyId, LongText, Message, ObjectName, RetryToken, Sha256, TaskId, Timestamp
from adit.api.model import Model
from adit.api.pseudonymization_profile import BUILT_IN_NAMES, PseudonymSource
from adit.api.references import DestinationRef, SecretRef, SourceRef
from adit.api.rules import Rule, validations
from adit.api.tasks import (
    MAX_INLINE_BYTES,
    MAX_INLINE_TASKS,
    PseudonymRule,
    TransferTask,
    inline_bytes,
    problems_across,
    with_ids,
)
from adit.api.trial import Trial

MAX_EARLIER_PLANS = 100
RetryScope = Literal["Failed", "FailedAndWarned", "Canceled", "All"]
Phase = Literal["Pending", "InProgress", "Success", "Warning", "Failure", "Canceling", "Canceled", "Suspended"]

ONE_OR_THE_OTHER = Rule("has(self.profile) != has(self.identified)", "give either profile or identified: true")
IDENTIFIED_FOR_A_REASON = Rule("!has(self.identified) || has(self.reason)", "reason is required with identified: true")
REASON_ONLY_IDENTIFIED = Rule("!has(self.profile) || !has(self.reason)", "reason goes with identified: true only")
INLINE_OR_FROM = Rule("has(self.tasks) != has(self.tasksFrom)", "give either tasks or tasksFrom")

MAX_TASK_SECRETS = 20
TEN_YEARS = 10 * 366 * 86_400
# What to do with more tasks than an object may hold.
INTO_SECRETS = (
    "move them into Secrets (spec.tasksFrom): kubectl create secret generic NAME --from-file=tasks.jsonl.gz && "
    "kubectl label secret NAME adit.dev/purpose=tasks"
)


class Pseudonymization(Model):
    """Required: a profile, or the explicit word that the data stays identified, and why."""

    model_config = ConfigDict(
        json_schema_extra=validations(ONE_OR_THE_OTHER, IDENTIFIED_FOR_A_REASON, REASON_ONLY_IDENTIFIED)
    )

    profile: ObjectName | None = None
    """The profile that de-identifies the data: basic, adit-compatible, or one of the namespace."""
    identified: Literal[True] | None = None
    """True where the data leaves as it is."""
    reason: LongText | None = None
    """Why it may."""
    trial: Trial | None = None
    """The trial that the data is marked with."""

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Pseudonymization":
        if (self.profile is None) == (self.identified is None):
            raise ValueError(ONE_OR_THE_OTHER.message)
        if self.identified and not self.reason:
            raise ValueError(IDENTIFIED_FOR_A_REASON.message)
        if self.profile is not None and self.reason is not None:
            raise ValueError(REASON_ONLY_IDENTIFIED.message)
        return self


class TransferSettings(Model):
    """What all kinds that lead to a transfer share, under one policy."""

    source: SourceRef
    """Where images come from."""
    destination: DestinationRef
    """Where they go."""
    pseudonymization: Pseudonymization
    """How patients' identities are protected."""


class Retry(Model):
    """Another round: a new token opens it; `tasks` narrows the scope to the named ids."""

    token: RetryToken
    """Any new word opens another round."""
    scope: RetryScope
    """Which tasks are repeated."""
    tasks: Annotated[tuple[TaskId, ...], Field(max_length=100)] = ()
    """Only these of them, by id."""


class TasksSource(Model):
    """Where more tasks are than an object may hold."""

    secret_ref: SecretRef
    """JSON lines, one task each, in a Secret of the job's namespace; gzip where the key ends in .gz."""


class Retention(Model):
    """What is removed of a finished job, and when; without it nothing is."""

    records_seconds_after_finished: Annotated[int, Field(ge=0, le=TEN_YEARS)] | None = None
    """When its TaskSets and runners are removed; counts and conditions stay, a retry is not possible any more."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=TEN_YEARS)] | None = None
    """When the job itself is deleted, unless a GitOps tool owns it and would make it again."""


class TransferJobSpec(TransferSettings):
    """The transfer and its verbs; everything but the verbs is immutable."""

    model_config = ConfigDict(json_schema_extra=validations(INLINE_OR_FROM))

    tasks: Annotated[tuple[TransferTask, ...], Field(min_length=1, max_length=MAX_INLINE_TASKS)] | None = None
    """What is moved, at most 500 tasks and 200 KiB."""
    tasks_from: Annotated[tuple[TasksSource, ...], Field(min_length=1, max_length=MAX_TASK_SECRETS)] | None = None
    """What is moved, as lists in Secrets: in their order, at most 100,000 tasks together."""
    parallelism: Annotated[int, Field(ge=1, le=100)] = 4
    """How many runners may work at once; servers may allow fewer."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 100
    """Higher goes first."""
    suspend: bool = False
    """Whether the job stops after the current tasks, to be resumed."""
    shutdown: Literal["Graceful", "Immediate"] | None = None
    """Ends the job: Graceful after the current tasks, Immediate at once."""
    retry: Retry | None = None
    """Asks for another round."""
    retention: Retention | None = None
    """What is removed after the end; everything stays where absent."""

    @property
    def inline(self) -> tuple[TransferTask, ...]:
        """The tasks that stand in the object itself."""
        return self.tasks or ()

    @model_validator(mode="after")
    def _inline_or_from(self) -> "TransferJobSpec":
        if (self.tasks is None) == (self.tasks_from is None):
            raise ValueError(INLINE_OR_FROM.message)
        return self


# The verbs: the only fields of a TransferJob's spec that may change, by their names in YAML.
TRANSFER_JOB_VERBS = ("parallelism", "priority", "suspend", "shutdown", "retry", "retention")


def pseudonym_rule(asked: Pseudonymization, source: PseudonymSource | None = None) -> PseudonymRule:
    """Whether the tasks must bring pseudonyms; `source` is that of the profile, None where nobody here knows it."""
    if asked.profile is None:
        return "Needless"
    if asked.profile in BUILT_IN_NAMES or source == "Given":
        return "Given"
    return "Unknown" if source is None else "Made"


def validate_transfer_job(spec: TransferJobSpec, source: PseudonymSource | None = None) -> list[str]:
    """What is wrong across the inline tasks, with full paths: the same sentences for CLI, REST, UI and operator.

    `source` as of `pseudonym_rule`.
    """
    rule = pseudonym_rule(spec.pseudonymization, source)
    problems = [f"spec.{one.path}: {one.message}" for one in problems_across(spec.inline, rule=rule)]
    size = inline_bytes(spec.inline)
    if size > MAX_INLINE_BYTES:
        problems.append(f"spec.tasks: {size // 1024 + 1} KiB, at most {MAX_INLINE_BYTES // 1024} KiB: {INTO_SECRETS}")
    return problems


def retry_problems(spec: TransferJobSpec) -> list[str]:
    """The ids in `retry.tasks` that no inline task of the job has; of tasks in Secrets the operator knows."""
    if spec.retry is None or spec.tasks is None:
        return []
    known = {task.id for task in with_ids(spec.tasks)}
    return [
        f"spec.retry.tasks[{position}]: no task of this job has this id"
        for position, wanted in enumerate(spec.retry.tasks)
        if wanted not in known
    ]


class Plan(Model):
    """The first write of a round; later steps only follow it."""

    round: Count
    retry_token: RetryToken | None = None
    scope: RetryScope | None = None
    # the ids that the retry was narrowed to, since spec.retry may already name the next one
    only: Annotated[tuple[TaskId, ...], Field(max_length=100)] = ()
    tasks_per_set: Annotated[int, Field(ge=1, le=100)]
    sets: Annotated[int, Field(ge=0, le=100_000)]
    tasks: Count
    tasks_hash: Sha256
    profile_hash: Sha256 | None = None
    key_id: KeyId | None = None
    # of a key that the profile names; the namespace's own key where absent
    key_secret_ref: SecretRef | None = None


class FailureSummary(Model):
    """How often one coded reason occurred."""

    reason: Annotated[str, Field(max_length=64)]
    count: Count


class TransferJobStatus(Model):
    """Aggregates only; the tasks' own states lie in the TaskSets."""

    observed_generation: Count | None = None
    conditions: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
    phase: Phase | None = None
    """For people; programs read the conditions."""
    message: Message = ""
    """Why it is so, for people."""
    plan: Plan | None = None
    """The plan of the newest round."""
    earlier_plans: Annotated[tuple[Plan, ...], Field(max_length=MAX_EARLIER_PLANS)] = ()
    """The plans of the rounds before."""
    observed_retry_token: RetryToken | None = None
    tasks: TaskCounts = TaskCounts()
    """How many tasks are in which state."""
    instances: InstanceCounts = InstanceCounts()
    """How many instances got how far."""
    bytes: Count = 0
    failure_summary: Annotated[tuple[FailureSummary, ...], Field(max_length=10)] = ()
    """The most frequent reasons."""
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
