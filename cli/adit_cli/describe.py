"""An object in words: pure, from manifests to the lines that `adit describe` prints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from adit.api.resource import TaskSet, TransferJob
from adit.api.task_set import task_states
from adit.errors import BadInput
from adit.transfer.record import Entry, Record, decode
from adit_cli.columns import duration, parsed
from adit_cli.render import as_yaml

MOST_EXCEPTIONS = 200
STATE_WORDS = {"P": "pending", "S": "succeeded", "W": "warned", "F": "failed", "C": "canceled"}


def describe_lines(manifest: Mapping[str, Any], task_sets: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[str]:
    """What there is to say about an object: a job with its tasks and exceptions, anything else as YAML."""
    if manifest["kind"] != "TransferJob":
        yield from as_yaml([manifest]).splitlines()
        return
    job = TransferJob.read(dict(manifest))
    sets = [TaskSet.read(dict(found)) for found in task_sets]
    own = [found for found in sets if found.spec.owner.uid == job.metadata.uid]
    yield from _heading(job)
    yield from _conditions(job, now)
    yield from _counts(job)
    yield from _tasks(own)


def _heading(job: TransferJob) -> Iterator[str]:
    spec, status = job.spec, job.status
    yield f"Name:          {job.metadata.name}"
    yield f"Namespace:     {job.metadata.namespace}"
    yield f"Requested by:  {job.metadata.annotations.get('adit.dev/requested-by', 'unknown')}"
    yield f"From:          DicomServer/{spec.source.name}"
    yield f"To:            {spec.destination.kind}/{spec.destination.name}"
    profile = spec.pseudonymization.profile
    yield f"Data:          {f'pseudonymized by {profile} (v1: not for real patients)' if profile else 'identified'}"
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


def _tasks(sets: Iterable[TaskSet]) -> Iterator[str]:
    newest: dict[str, tuple[int, str, str, str]] = {}
    entries: list[Entry] = []
    for found in sorted(sets, key=lambda s: (s.spec.round, s.spec.index)):
        record = _record_of(found)
        lines = {line.id: line for line in record.tasks}
        for task, state in zip(found.spec.tasks, task_states(found.spec, found.status), strict=True):
            line = lines.get(str(task.id))
            newest[str(task.id)] = (
                found.spec.round,
                STATE_WORDS[state],
                f" by {line.method}" if line and line.method else "",
                f": {line.reason} {line.message}".rstrip() if line and line.reason else "",
            )
        entries = [e for e in entries if e.task not in lines] + list(record.entries)
    if newest:
        yield "Tasks in their newest round:"
    for identifier, (round_, word, method, why) in newest.items():
        yield f"  {identifier} (round {round_}): {word}{method}{why}"
    yield from _exceptions(entries)


def _record_of(found: TaskSet) -> Record:
    try:
        return decode(found.status.runner.exceptions) if found.status.runner else Record()
    except BadInput:
        return Record()


def _exceptions(entries: Sequence[Entry]) -> Iterator[str]:
    if not entries:
        return
    yield "Exceptions, by original UID:"
    for entry in entries[:MOST_EXCEPTIONS]:
        what = f"instance {entry.instance}" if entry.instance else f"{entry.count} instances"
        series = f" of series {entry.series}" if entry.series else ""
        yield f"  {entry.task}: {entry.kind} at {entry.stage}: {what}{series}: {entry.reason} {entry.message}".rstrip()
    if len(entries) > MOST_EXCEPTIONS:
        yield f"  … and {len(entries) - MOST_EXCEPTIONS} more: adit get ts -o json"
