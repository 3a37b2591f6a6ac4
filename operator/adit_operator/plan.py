"""Plan once: how a round's tasks are cut into TaskSets, and those TaskSets; later steps only follow. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from adit.api import labels
from adit.api.resource import TransferJob
from adit.api.task_list import TaskList
from adit.api.task_set import Owner, ProfileUse, TaskSetSpec
from adit.api.tasks import TransferTask
from adit.api.transfer_job import Plan
from adit.api.trial import Trial
from adit.cluster.cluster import Manifest
from adit.pseudonymization.profile import Profile
from adit_operator.names import task_set_name
from adit_operator.observed import Observed, SeenSet
from adit_operator.pseudonyms import Maker, with_pseudonym
from adit_operator.rounds import Refused, ids_in_scope, newest_states

MAX_TASKS_PER_SET = 100
SETS_PER_RUNNER = 4


def tasks_per_set(tasks: int, parallelism: int) -> int:
    """clamp(ceil(n / (4·parallelism)), 1, 100): sets short enough that slots change hands, few enough to watch."""
    return max(1, min(MAX_TASKS_PER_SET, ceil(tasks / (SETS_PER_RUNNER * parallelism))))


def first_plan(job: TransferJob, tasks: TaskList, key_id: str | None, profile: Profile | None) -> Plan:
    """The plan of round 0: every task; a retry that the job was born with has nothing to repeat."""
    token = job.spec.retry.token if job.spec.retry else None
    return _plan(job, tasks, profile, round_=0, key_id=key_id).model_copy(update={"retry_token": token})


def next_plan(job: TransferJob, tasks: TaskList, key_id: str | None, profile: Profile | None) -> Plan:
    """The plan of the round that the job's retry opens."""
    retry = job.spec.retry
    assert retry is not None
    before = job.status.plan
    plan = _plan(job, tasks, profile, round_=before.round + 1 if before else 0, key_id=key_id)
    return plan.model_copy(update={"retry_token": retry.token, "scope": retry.scope, "only": retry.tasks})


def _plan(job: TransferJob, tasks: TaskList, profile: Profile | None, *, round_: int, key_id: str | None) -> Plan:
    per_set = tasks_per_set(len(tasks), job.spec.parallelism)
    return Plan(
        round=round_,
        tasks_per_set=per_set,
        sets=ceil(len(tasks) / per_set),
        tasks=len(tasks),
        tasks_hash=tasks.sha256,
        profile_hash=profile.hash if profile else None,
        key_id=key_id,
        key_secret_ref=profile.spec.key_secret_ref if profile else None,
    )


def planned_tasks(seen: Observed, plan: Plan) -> TaskList | None:
    """The tasks of the plan's round, worked out again; None where the input is no longer what was planned."""
    tasks = seen.tasks
    if tasks is not None and plan.scope is not None:
        earlier = newest_states(one for one in seen.sets if one.round < plan.round)
        chosen = ids_in_scope(tasks.ids, earlier, plan.scope, plan.only)
        tasks = None if isinstance(chosen, Refused) else tasks.chosen(chosen)
    if tasks is None or tasks.sha256 != plan.tasks_hash:  # guard: plan-once
        return None
    return tasks


def missing_sets(plan: Plan, sets: Iterable[SeenSet]) -> tuple[int, ...]:
    """The indexes of the round's sets that are not there, in order."""
    present = {one.index for one in sets if one.round == plan.round}
    return tuple(index for index in range(plan.sets) if index not in present)


def planned_name(job: TransferJob, plan: Plan, index: int) -> str:
    """The name of one of the round's TaskSets."""
    return task_set_name(job.metadata.name, job.metadata.uid, round_=plan.round, index=index)


def task_sets(
    job: TransferJob,
    plan: Plan,
    tasks: TaskList,
    indexes: Iterable[int],
    *,
    profile: Profile | None = None,
    make: Maker | None = None,
) -> Iterator[Manifest]:
    """The round's TaskSets of these indexes, in this order, under the pseudonyms that are made or were brought."""
    trial = job.spec.pseudonymization.trial or (profile.spec.trial if profile else None)
    for index in indexes:
        whole = tasks.part(index * plan.tasks_per_set, (index + 1) * plan.tasks_per_set)
        part = [with_pseudonym(task, make) for task in whole]
        yield _task_set(job, plan, index, part, trial)


def _task_set(job: TransferJob, plan: Plan, index: int, tasks: Sequence[TransferTask], trial: Trial | None) -> Manifest:
    meta, spec = job.metadata, job.spec
    inherited = {labels.REQUESTED_BY: meta.annotations.get(labels.REQUESTED_BY)}
    inherited[labels.JOB_CREATED_AT] = meta.annotations.get(labels.JOB_CREATED_AT) or meta.creation_timestamp
    return {
        "apiVersion": "adit.dev/v1alpha1",
        "kind": "TaskSet",
        "metadata": {
            "name": planned_name(job, plan, index),
            "namespace": meta.namespace,
            "labels": {
                labels.MANAGED_BY: labels.MANAGED_BY_ADIT,
                labels.OWNER_UID: meta.uid,
                labels.ROUND: str(plan.round),
                labels.ACTIVE: "true",
            },
            "annotations": {key: value for key, value in inherited.items() if value},
            "ownerReferences": [
                {
                    "apiVersion": job.api_version,
                    "kind": job.kind,
                    "name": meta.name,
                    "uid": meta.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": TaskSetSpec(
            owner=Owner(kind="TransferJob", name=meta.name, uid=meta.uid),
            round=plan.round,
            index=index,
            work="Transfer",
            source=spec.source,
            destination=spec.destination,
            profile=ProfileUse(name=str(spec.pseudonymization.profile), hash=plan.profile_hash)
            if plan.profile_hash
            else None,
            identified=spec.pseudonymization.profile is None,
            key_id=plan.key_id,
            trial=trial,
            tasks=tuple(tasks),
        ).manifest(),
    }
