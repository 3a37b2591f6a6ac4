"""From the JSON that the cluster holds to the values that we keep: read once per event, by the same models."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from adit.api import labels
from adit.api.conditions import is_true
from adit.api.counts import InstanceCounts
from adit.api.resource import DicomFolder, DicomServer, PseudonymizationProfile, Resource, TaskSet, TransferJob
from adit.api.task_set import TaskRetry, task_states
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import Ref
from adit.errors import BadInput
from adit.pseudonymization.profile import Profile
from adit_operator.clock import moment_of
from adit_operator.manifests import ENDPOINTS, PEERS
from adit_operator.observed import SeenFolder, SeenJob, SeenSecret, SeenSet, SeenTransfer, terminal
from adit_operator.retention import compacted

MAX_DIGITS = 9

Read = TypeVar("Read", bound=Resource)


def transfer_job_of(manifest: Manifest) -> TransferJob:
    """Read a TransferJob. Raises BadInput."""
    return _read(TransferJob, manifest)


def seen_transfer(manifest: Manifest) -> SeenTransfer:
    """Keep of a TransferJob what admission needs. Raises BadInput."""
    job = transfer_job_of(manifest)
    plan = job.status.plan
    return SeenTransfer(
        ref=Ref.of(manifest),
        uid=job.metadata.uid,
        created=job.metadata.creation_timestamp,
        priority=job.spec.priority,
        parallelism=job.spec.parallelism,
        suspend=job.spec.suspend,
        shutdown=job.spec.shutdown is not None,
        source=resolve(job.spec.source, job.metadata.namespace),
        destination=resolve(job.spec.destination, job.metadata.namespace),
        profile=job.spec.pseudonymization.profile,
        round=plan.round if plan else None,
        key_id=plan.key_id if plan else None,
        key_secret_ref=plan.key_secret_ref if plan else None,
        profile_hash=plan.profile_hash if plan else None,
        ready=is_true(job.status.conditions, "Ready"),
        stalled=is_true(job.status.conditions, "Stalled"),
        terminal=terminal(job),
        phase=job.status.phase or "Pending",
        tasks=job.status.tasks,
        leaving="deletionTimestamp" in manifest["metadata"],
        settled=_settled(job),
        compacted=compacted(job),
        due=_due(job),
    )


def _settled(job: TransferJob) -> bool:
    spec, status = job.spec, job.status
    asked = spec.retry is not None and spec.retry.token != status.observed_retry_token
    looked_at = status.observed_generation == job.metadata.generation
    return terminal(job) and looked_at and not asked and not is_true(status.conditions, "Stalled")


def _due(job: TransferJob) -> datetime | None:
    """When the retention of a finished job does something next; what is over and was not done yet is due as well."""
    retention, finished = job.spec.retention, _moment(job.status.completion_time)
    if retention is None or finished is None:
        return None
    records = None if compacted(job) else retention.records_seconds_after_finished
    limits = (records, retention.ttl_seconds_after_finished)
    return min((finished + timedelta(seconds=limit) for limit in limits if limit is not None), default=None)


def resolve(reference: Any, namespace: str) -> Ref:
    """The object that a reference names; its namespace defaults to the referrer's."""
    return Ref(reference.kind, reference.namespace or namespace, reference.name)


def seen_set(manifest: Manifest) -> SeenSet:
    """Keep of a TaskSet what decides. Raises BadInput."""
    task_set = _read(TaskSet, manifest)
    meta, spec, status = task_set.metadata, task_set.spec, task_set.status
    runner, verdict = status.runner, status.verdict
    return SeenSet(
        ref=Ref.of(manifest),
        uid=meta.uid,
        resource_version=meta.resource_version,
        owner_uid=meta.controller_uid,
        round=spec.round,
        index=spec.index,
        source=resolve(spec.source, meta.namespace),
        destination=resolve(spec.destination, meta.namespace),
        task_ids=tuple(str(task.id) for task in spec.tasks),
        states=task_states(spec, status),
        stop=spec.stop,
        holder=status.holder.manifest() if status.holder else None,
        claimed=status.holder is not None or runner is not None,
        attempt=runner.attempt if runner else -1,
        current=runner.current if runner else None,
        due=_due_times(manifest, runner.retries if runner else ()),
        ended=runner.ended if runner else None,
        instances=runner.instances if runner else InstanceCounts(),
        bytes=runner.bytes if runner else 0,
        reasons=dict(runner.reasons) if runner else {},
        record=runner.exceptions if runner and verdict and verdict.finished else "",
        crashes=verdict.crashes if verdict else 0,
        judged_attempt=verdict.judged_attempt if verdict else -1,
        settled=verdict.settled if verdict else 0,
        overrides=verdict.overrides if verdict else (),
        finished=verdict.finished if verdict else False,
        active=meta.labels.get(labels.ACTIVE) == "true",
        created=_moment(meta.creation_timestamp),
        leaving="deletionTimestamp" in manifest["metadata"],
    )


def _due_times(manifest: Manifest, retries: Sequence[TaskRetry]) -> Mapping[str, datetime]:
    try:
        return {retry.id: moment_of(retry.due_time) for retry in retries}
    except ValueError as error:
        raise BadInput(f"{Ref.of(manifest)}: a dueTime is no time", reason="Unreadable") from error


def seen_job(manifest: Manifest) -> SeenJob | None:
    """Keep of one of our batch/v1 Jobs what decides; None where the Job is not ours."""
    meta = manifest["metadata"]
    marks = meta.get("labels") or {}
    if marks.get(labels.MANAGED_BY) != labels.MANAGED_BY_ADIT or labels.TASK_SET not in marks:
        return None
    notes = meta.get("annotations") or {}
    attempt = str(marks.get(labels.ATTEMPT, ""))
    pod = (((manifest.get("spec") or {}).get("template") or {}).get("spec")) or {}
    containers = pod.get("containers") or [{}]
    return SeenJob(
        ref=Ref.of(manifest),
        uid=meta.get("uid", ""),
        owner_uid=marks.get(labels.OWNER_UID, ""),
        task_set=Ref("TaskSet", marks.get(labels.OWNER_NAMESPACE, ""), marks[labels.TASK_SET]),
        task_set_uid=marks.get(labels.TASK_SET_UID, ""),
        attempt=int(attempt) if attempt.isdecimal() and len(attempt) <= MAX_DIGITS else 0,
        finished=_finished(manifest),
        endpoints=_endpoints(manifest, notes.get(ENDPOINTS, "[]")),
        secrets={
            volume["name"]: volume["secret"]["secretName"] for volume in pod.get("volumes") or () if "secret" in volume
        },
        image=containers[0].get("image", ""),
        peers=notes.get(PEERS, ""),
        created=_moment(meta.get("creationTimestamp")),
        ended=_ended(manifest),
        leaving="deletionTimestamp" in meta,
        ready=bool((manifest.get("status") or {}).get("ready")),
    )


def _moment(text: object) -> datetime | None:
    """A time that only orders: one that cannot be read is no time."""
    try:
        return moment_of(str(text)) if text else None
    except ValueError:
        return None


def _ended(job: Manifest) -> datetime | None:
    """When the last pod of a Job had ended, by the condition that says so."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    over = [one for one in conditions if one.get("type") in {"Complete", "Failed"} and one.get("status") == "True"]
    return max((moment for moment in (_moment(one.get("lastTransitionTime")) for one in over) if moment), default=None)


def _endpoints(manifest: Manifest, text: str) -> tuple[str, ...]:
    try:
        return tuple(str(endpoint) for endpoint in json.loads(text))
    except (ValueError, TypeError) as error:
        raise BadInput(f"{Ref.of(manifest)}: annotation {ENDPOINTS} is no list", reason="Unreadable") from error


def _finished(job: Manifest) -> bool:
    """Whether every pod of the Job has ended: Kubernetes says Complete or Failed only then (podReplacementPolicy)."""
    status = job.get("status") or {}
    if status.get("terminating") or status.get("active"):
        return False
    return any(
        condition.get("type") in {"Complete", "Failed"} and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )


def dicom_server_of(manifest: Manifest) -> DicomServer:
    """Read a DicomServer. Raises BadInput."""
    return _read(DicomServer, manifest)


def seen_folder(manifest: Manifest) -> SeenFolder:
    """Read a DicomFolder. Raises BadInput."""
    folder = _read(DicomFolder, manifest)
    return SeenFolder(Ref.of(manifest), folder.metadata.uid, folder.spec)


def profile_of(manifest: Manifest) -> Profile:
    """Read a PseudonymizationProfile. Raises BadInput, also where its name is one of those that are built in."""
    profile = _read(PseudonymizationProfile, manifest)
    return Profile(profile.metadata.name, profile.spec)


def seen_secret(manifest: Manifest) -> SeenSecret:
    """Keep a Secret; its content only where the label says that it is meant for us."""
    purpose = (manifest["metadata"].get("labels") or {}).get(labels.PURPOSE)
    if purpose is None:  # guard: unlabelled-is-unread
        return SeenSecret(Ref.of(manifest), purpose)
    return SeenSecret(Ref.of(manifest), purpose, _decoded(manifest))


def _decoded(secret: Manifest) -> Mapping[str, bytes]:
    content: dict[str, bytes] = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            content[key] = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            continue  # the API server admits base64 only; an absent key is reported by who asks for it
    content.update({key: value.encode() for key, value in (secret.get("stringData") or {}).items()})
    return content


def _read(model: type[Read], manifest: Manifest) -> Read:
    try:
        return model.read(manifest)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{Ref.of(manifest)}: {where}: {first['msg']}", reason="Unreadable") from error
