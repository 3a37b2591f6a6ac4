"""An object in words: pure, from manifests to the lines that `adit describe` prints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adit.api.resource import TaskSet, TransferJob
from adit.api.task_set import task_states
from adit.errors import BadInput
from adit.transfer.record import Entry, Record, TaskLine, decode
from adit_cli.columns import duration, parsed
from adit_cli.render import as_yaml

MOST_EXCEPTIONS = 200
STATE_WORDS = {"P": "pending", "S": "succeeded", "W": "warned", "F": "failed", "C": "canceled"}


def describe_lines(
    manifest: Mapping[str, Any],
    task_sets: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    most: int | None = MOST_EXCEPTIONS,
) -> Iterator[str]:
    """What there is to say about an object: a job with its tasks and `most` exceptions, anything else as YAML."""
    if manifest["kind"] != "TransferJob":
        yield from as_yaml([manifest]).splitlines()
        return
    job = TransferJob.read(dict(manifest))
    sets = [TaskSet.read(dict(found)) for found in task_sets]
    own = [found for found in sets if found.spec.owner.uid == job.metadata.uid]
    yield from _heading(job)
    yield from _conditions(job, now)
    yield from _counts(job)
    tasks, entries = _newest(own)
    yield from _tasks(tasks)
    yield from _exceptions(entries, most, job.metadata.name)


def _heading(job: TransferJob) -> Iterator[str]:
    spec, status = job.spec, job.status
    yield f"Name:          {job.metadata.name}"
    yield f"Namespace:     {job.metadata.namespace}"
    yield f"Requested by:  {job.metadata.annotations.get('adit.dev/requested-by', 'unknown')}"
    yield f"From:          DicomServer/{spec.source.name}"
    yield f"To:            {spec.destination.kind}/{spec.destination.name}"
    profile = spec.pseudonymization.profile
    planned = f" (sha256:{status.plan.profile_hash[:16]})" if status.plan and status.plan.profile_hash else ""
    yield f"Data:          {f'pseudonymized by {profile}{planned}' if profile else 'identified'}"
    for one in spec.tasks_from or ():
        yield f"Tasks from:    Secret/{one.secret_ref.name}, key {one.secret_ref.key}"
    yield f"Phase:         {status.phase or 'not seen by the operator yet'}"
    if status.message:
        yield f"Message:       {status.message}"


def _conditions(job: TransferJob, now: datetime) -> Iterator[str]:
    if job.status.conditions:
        yield "Conditions:"
    for condition in job.status.conditions:
        since = duration(max(0, int((now - parsed(condition.last_transition_time)).total_seconds())))
        yield f"  {condition.type}={condition.status} ({condition.reason}, {since}) {condition.message}".rstrip()


def _counts(job: TransferJob) -> Iterator[str]:
    tasks, instances = job.status.tasks, job.status.instances
    yield (
        f"Tasks:         {tasks.total} listed, {tasks.succeeded} succeeded, {tasks.warned} warned, "
        f"{tasks.failed} failed, {tasks.canceled} canceled, {tasks.pending} pending"
    )
    verified = "not verified" if instances.verified is None else f"{instances.verified} verified"
    yield (
        f"Instances:     {instances.listed} listed = {instances.excluded} excluded + {instances.expected} expected; "
        f"{instances.received} received, {instances.rewritten} rewritten, {instances.stored} stored, {verified}"
    )
    for failure in job.status.failure_summary:
        yield f"  {failure.count} × {failure.reason}"


@dataclass(frozen=True, slots=True)
class _Task:
    """A task in its newest round, in words."""

    round: int
    state: str
    line: TaskLine | None


def _newest(sets: Iterable[TaskSet]) -> tuple[dict[str, _Task], list[Entry]]:
    """Each task as its newest round left it, and the exceptions of that round."""
    newest: dict[str, _Task] = {}
    entries: list[Entry] = []
    for found in sorted(sets, key=lambda s: (s.spec.round, s.spec.index)):
        record = _record_of(found)
        lines = {line.id: line for line in record.tasks}
        for task, state in zip(found.spec.tasks, task_states(found.spec, found.status), strict=True):
            name = str(task.id)
            newest[name] = _Task(found.spec.round, STATE_WORDS[state], lines.get(name))
        entries = [entry for entry in entries if entry.task not in lines] + list(record.entries)
    return newest, entries


def _tasks(tasks: Mapping[str, _Task]) -> Iterator[str]:
    if tasks:
        yield "Tasks in their newest round:"
    for name, task in tasks.items():
        line = task.line
        method = f" by {line.method}" if line and line.method else ""
        why = f": {line.reason} {line.message}".rstrip() if line and line.reason else ""
        yield f"  {name} (round {task.round}): {task.state}{method}{why}"


def _record_of(found: TaskSet) -> Record:
    try:
        return decode(found.status.runner.exceptions) if found.status.runner else Record()
    except BadInput:
        return Record()


def _exceptions(entries: Sequence[Entry], most: int | None, job: str) -> Iterator[str]:
    if not entries:
        return
    yield "Exceptions, by original UID:"
    for entry in entries[:most]:
        what = f"instance {entry.instance}" if entry.instance else f"{entry.count} instances"
        series = f" of series {entry.series}" if entry.series else ""
        yield f"  {entry.task}: {entry.kind} at {entry.stage}: {what}{series}: {entry.reason} {entry.message}".rstrip()
    if most is not None and len(entries) > most:
        yield f"  … and {len(entries) - most} more: adit describe tj {job} --all"
