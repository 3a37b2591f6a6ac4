"""Lists: the ordered tasks of a job, read only while its sets are made: inline, from Secrets, or from its own sets."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from adit.api.pseudonymization_profile import PseudonymSource
from adit.api.resource import TaskSet, TransferJob
from adit.api.task_lines import TaskSource, read_task_list
from adit.api.task_list import TaskList
from adit.api.tasks import PseudonymRule
from adit.api.transfer_job import Plan, pseudonym_rule
from adit.api.written_list import PURPOSE_TASKS
from adit.cluster.cluster import Cluster, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import BadInput
from adit_operator.memory import ReadList, TaskLists
from adit_operator.observed import SeenSet, Waiting, terminal
from adit_operator.plan import missing_sets
from adit_operator.project import seen_secret
from adit_operator.purpose import not_labelled
from adit_operator.retention import compacted

if TYPE_CHECKING:
    from adit.api.tasks import TransferTask

# While sets are made, how often the Secrets are compared with what was planned.
COMPARE_SECONDS = 10.0


def list_needed(job: TransferJob, sets: Sequence[SeenSet]) -> bool:
    """Whether deciding needs the tasks themselves: to plan a round, or to make its sets."""
    plan, retry = job.status.plan, job.spec.retry
    if terminal(job):
        return retry is not None and retry.token != job.status.observed_retry_token and not compacted(job)
    return plan is None or bool(missing_sets(plan, sets))


async def listed(
    cluster: Cluster,
    remembered: TaskLists,
    job: TransferJob,
    sets: Sequence[SeenSet],
    now: float,
    *,
    source: PseudonymSource | None = None,
) -> TaskList | Waiting:
    """The job's whole list, or why a person must act before it can be read.

    Once a plan stands, a list of its hash is remembered until all sets are made; every few seconds the Secrets are
    compared with it. Where one is gone or changed and the first round's sets are all there, these are the list.
    """
    if job.spec.tasks is not None:
        return TaskList.of(job.spec.tasks)
    uid, expected = job.metadata.uid, _whole_plan(job)
    kept = remembered.get(uid)
    if kept is None or expected is None or kept.sha256 != expected.tasks_hash:
        kept = None
    elif now - kept.at < COMPARE_SECONDS:
        return kept.tasks
    sources = await _sources(cluster, job)
    if kept is not None and (isinstance(sources, Waiting) or _hash(sources) == kept.contents):
        remembered.keep(uid, replace(kept, at=now))
        return kept.tasks
    found = await _read(sources, pseudonym_rule(job.spec.pseudonymization, source))
    if expected is not None and (isinstance(found, Waiting) or found.sha256 != expected.tasks_hash):
        found = await _from_sets(cluster, expected, sets) or found
    if isinstance(found, TaskList):
        contents = "" if isinstance(sources, Waiting) else _hash(sources)
        remembered.keep(uid, ReadList(found, found.sha256, contents, now))
    return found


def _whole_plan(job: TransferJob) -> Plan | None:
    """The plan of a first round that took the whole list."""
    plans = (*job.status.earlier_plans, *([job.status.plan] if job.status.plan else []))
    return next((plan for plan in plans if plan.round == 0 and plan.scope is None), None)


async def _sources(cluster: Cluster, job: TransferJob) -> list[TaskSource] | Waiting:
    """What is in the Secrets now."""
    sources: list[TaskSource] = []
    for one in job.spec.tasks_from or ():
        ref = Ref("Secret", job.metadata.namespace, one.secret_ref.name)
        source = await _source(cluster, ref, one.secret_ref.key)
        if isinstance(source, Waiting):
            return source
        sources.append(source)
    return sources


def _hash(sources: Sequence[TaskSource]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(one.content).digest() for one in sources)).hexdigest()


async def _read(sources: Sequence[TaskSource] | Waiting, rule: PseudonymRule) -> TaskList | Waiting:
    if isinstance(sources, Waiting):
        return sources
    try:
        return await asyncio.to_thread(read_task_list, sources, rule=rule)
    except BadInput as error:
        return Waiting(error.reason, error.message)


async def _source(cluster: Cluster, ref: Ref, key: str) -> TaskSource | Waiting:
    where = f"Secret {ref.name} in namespace {ref.namespace}"
    try:
        secret = seen_secret(await cluster.get(ref))
    except ObjectNotFound:
        made = f"kubectl create secret generic -n {ref.namespace} {ref.name} --from-file={key}"
        return Waiting("TasksMissing", f"{where} is missing (spec.tasksFrom): run `{made}`, and label it")
    if secret.purpose != PURPOSE_TASKS:
        return not_labelled(secret, PURPOSE_TASKS, f"{where} may not be read as a list of tasks", "spec.tasksFrom")
    if key not in secret.data:
        return Waiting("TasksMissing", f"{where} has no key {key} (spec.tasksFrom): make it with --from-file={key}")
    return TaskSource(ref.name, key, secret.data[key])


async def _from_sets(cluster: Cluster, plan: Plan, sets: Sequence[SeenSet]) -> TaskList | None:
    """The list put together again; None where a set is gone or the result is not what was planned."""
    own = [one for one in sets if one.round == plan.round]
    if len(own) != plan.sets:
        return None
    tasks: list[TransferTask] = []
    for one in own:
        try:
            tasks.extend(TaskSet.read(await cluster.get(one.ref)).spec.tasks)
        except ObjectNotFound:
            return None
    brought = TaskList.of(tasks)
    made = TaskList.of(task.model_copy(update={"pseudonym": None}) for task in tasks)  # they stand in the sets only
    return next((again for again in (brought, made) if again.sha256 == plan.tasks_hash), None)
