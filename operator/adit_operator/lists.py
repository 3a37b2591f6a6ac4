"""Lists: the ordered tasks of a job, read only while its sets are made: inline, from Secrets, or from its own sets."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adit.api import labels
from adit.api.resource import TaskSet, TransferJob
from adit.api.task_lines import TaskSource, read_task_list
from adit.api.task_list import TaskList
from adit.api.transfer_job import Plan
from adit.api.written_list import PURPOSE_TASKS
from adit.cluster.cluster import Cluster, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import BadInput
from adit_operator.memory import TaskLists
from adit_operator.observed import SeenSet, Waiting, terminal
from adit_operator.plan import missing_sets
from adit_operator.project import seen_secret
from adit_operator.retention import compacted

if TYPE_CHECKING:
    from adit.api.tasks import TransferTask


def list_needed(job: TransferJob, sets: Sequence[SeenSet]) -> bool:
    """Whether deciding needs the tasks themselves: to plan a round, or to make its sets."""
    plan, retry = job.status.plan, job.spec.retry
    if terminal(job):
        return retry is not None and retry.token != job.status.observed_retry_token and not compacted(job)
    return plan is None or bool(missing_sets(plan, sets))


async def listed(
    cluster: Cluster, remembered: TaskLists, job: TransferJob, sets: Sequence[SeenSet]
) -> TaskList | Waiting:
    """The job's whole list, or why a person must act before it can be read.

    What was planned is what is moved: once a plan stands, a list of its hash is kept until all sets are made. Where a
    Secret is gone or changed, a later round is made from the first round's sets, if they are all there.
    """
    if job.spec.tasks is not None:
        return TaskList.of(job.spec.tasks)
    uid, expected = job.metadata.uid, _whole_plan(job)
    kept = remembered.get(uid)
    if kept is not None and expected is not None and kept.sha256 == expected.tasks_hash:
        return kept
    found = await _from_secrets(cluster, job)
    if expected is not None and (isinstance(found, Waiting) or found.sha256 != expected.tasks_hash):
        found = await _from_sets(cluster, expected, sets) or found
    if isinstance(found, TaskList):
        remembered.keep(uid, found)
    return found


def _whole_plan(job: TransferJob) -> Plan | None:
    """The plan of a first round that took the whole list."""
    plans = (*job.status.earlier_plans, *([job.status.plan] if job.status.plan else []))
    return next((plan for plan in plans if plan.round == 0 and plan.scope is None), None)


async def _from_secrets(cluster: Cluster, job: TransferJob) -> TaskList | Waiting:
    sources: list[TaskSource] = []
    for one in job.spec.tasks_from or ():
        ref = Ref("Secret", job.metadata.namespace, one.secret_ref.name)
        source = await _source(cluster, ref, one.secret_ref.key)
        if isinstance(source, Waiting):
            return source
        sources.append(source)
    pseudonymized = job.spec.pseudonymization.profile is not None
    try:
        return await asyncio.to_thread(read_task_list, sources, pseudonymized=pseudonymized)
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
        label = f"kubectl label secret -n {ref.namespace} {ref.name} {labels.PURPOSE}={PURPOSE_TASKS} --overwrite"
        return Waiting("SecretNotLabelled", f"{where} may not be read as a list of tasks: run `{label}`")
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
    again = TaskList.of(tasks)
    return again if again.sha256 == plan.tasks_hash else None
