"""Plan once: how a round's tasks are cut into TaskSets, and those TaskSets; later steps only follow. Pure."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from math import ceil

from adit.api import labels
from adit.api.resource import TransferJob
from adit.api.task_set import Owner, ProfileUse, TaskSetSpec
from adit.api.tasks import TransferTask, with_ids
from adit.api.transfer_job import Plan
from adit.cluster.cluster import Manifest
from adit_operator.accept import profile_of
from adit_operator.names import task_set_name
from adit_operator.observed import Observed
from adit_operator.rounds import Refused, newest_states, tasks_in_scope

MAX_TASKS_PER_SET = 100
SETS_PER_RUNNER = 4


def tasks_per_set(tasks: int, parallelism: int) -> int:
    """clamp(ceil(n / (4·parallelism)), 1, 100): sets short enough that slots change hands, few enough to watch."""
    return max(1, min(MAX_TASKS_PER_SET, ceil(tasks / (SETS_PER_RUNNER * parallelism))))


def tasks_hash(tasks: Sequence[TransferTask]) -> str:
    """SHA-256 over the ordered tasks, as canonical JSON."""
    document = [task.manifest() for task in tasks]
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def first_plan(job: TransferJob, key_id: str | None) -> Plan:
    """The plan of round 0: every task; a retry that the job was born with has nothing to repeat."""
    token = job.spec.retry.token if job.spec.retry else None
    return _plan(job, with_ids(job.spec.tasks), round_=0, key_id=key_id).model_copy(update={"retry_token": token})


def next_plan(job: TransferJob, tasks: Sequence[TransferTask], key_id: str | None) -> Plan:
    """The plan of the round that the job's retry opens."""
    retry = job.spec.retry
    assert retry is not None
    before = job.status.plan
    plan = _plan(job, tasks, round_=before.round + 1 if before else 0, key_id=key_id)
    return plan.model_copy(update={"retry_token": retry.token, "scope": retry.scope, "only": retry.tasks})


def _plan(job: TransferJob, tasks: Sequence[TransferTask], *, round_: int, key_id: str | None) -> Plan:
    per_set = tasks_per_set(len(tasks), job.spec.parallelism)
    profile = profile_of(job.spec)
    return Plan(
        round=round_,
        tasks_per_set=per_set,
        sets=ceil(len(tasks) / per_set),
        tasks=len(tasks),
        tasks_hash=tasks_hash(tasks),
        profile_hash=profile.hash if profile else None,
        key_id=key_id,
    )


def planned_tasks(seen: Observed, plan: Plan) -> tuple[TransferTask, ...] | None:
    """The tasks of the plan's round, worked out again; None where the input is no longer what was planned."""
    tasks: Sequence[TransferTask] | Refused = with_ids(seen.job.spec.tasks)
    if plan.scope is not None:
        earlier = newest_states(one for one in seen.sets if one.round < plan.round)
        tasks = tasks_in_scope(with_ids(seen.job.spec.tasks), earlier, plan.scope, plan.only)
    if isinstance(tasks, Refused) or tasks_hash(tasks) != plan.tasks_hash:  # guard: plan-once
        return None
    return tuple(tasks)


def planned_names(job: TransferJob, plan: Plan) -> tuple[str, ...]:
    """The names of the round's TaskSets, in order."""
    return tuple(
        task_set_name(job.metadata.name, job.metadata.uid, round_=plan.round, index=index) for index in range(plan.sets)
    )


def task_sets(
    job: TransferJob, plan: Plan, tasks: Sequence[TransferTask], missing: frozenset[int]
) -> Iterator[Manifest]:
    """The round's TaskSets of these indexes."""
    for index, name in enumerate(planned_names(job, plan)):
        if index in missing:
            part = tasks[index * plan.tasks_per_set : (index + 1) * plan.tasks_per_set]
            yield _task_set(job, plan, name, index, part)


def _task_set(job: TransferJob, plan: Plan, name: str, index: int, tasks: Sequence[TransferTask]) -> Manifest:
    meta, spec = job.metadata, job.spec
    inherited = {labels.REQUESTED_BY: meta.annotations.get(labels.REQUESTED_BY)}
    inherited[labels.JOB_CREATED_AT] = meta.annotations.get(labels.JOB_CREATED_AT) or meta.creation_timestamp
    return {
        "apiVersion": "adit.dev/v1alpha1",
        "kind": "TaskSet",
        "metadata": {
            "name": name,
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
            identified=plan.profile_hash is None,
            key_id=plan.key_id,
            trial=spec.pseudonymization.trial,
            tasks=tuple(tasks),
        ).manifest(),
    }
