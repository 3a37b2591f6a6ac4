"""Builders of what the operator sees: small values with defaults, so that a test names only what it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adit.api.resource import DicomServer, TransferJob
from adit.api.task_list import TaskList
from adit.api.task_set import Ended, Override
from adit.cluster.kinds import Ref
from adit_operator.decide import decide
from adit_operator.decision import Decision
from adit_operator.names import job_name, task_set_name
from adit_operator.observed import Observed, SeenJob, SeenSet, SeenTransfer
from adit_operator.profiles import not_found, profile_named
from adit_operator.testing.fakes import START

JOB_UID = "0a1b2c3d-0000-0000-0000-000000000000"
SOURCE, DESTINATION = Ref("DicomServer", "default", "pacs"), Ref("DicomServer", "default", "research")
IDENTIFIED = {"identified": True, "reason": "a test"}


def tasks(count: int) -> list[dict[str, Any]]:
    """Tasks of as many studies, each of another patient."""
    return [{"patientId": f"P{i}", "studyInstanceUid": f"1.2.{i + 1}"} for i in range(count)]


def transfer_job(
    count: int = 2,
    *,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    name: str = "night",
    annotations: Mapping[str, str] | None = None,
) -> TransferJob:
    """An identified TransferJob of so many tasks; `spec` and `status` are laid over it."""
    return TransferJob.of(
        {
            "apiVersion": "adit.dev/v1alpha1",
            "kind": "TransferJob",
            "metadata": {
                "name": name,
                "namespace": "default",
                "uid": JOB_UID,
                "resourceVersion": "7",
                "generation": 1,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": dict(annotations or {}),
            },
            "spec": {
                "source": {"name": SOURCE.name},
                "destination": {"name": DESTINATION.name},
                "pseudonymization": IDENTIFIED,
                "tasks": tasks(count),
                "parallelism": 1,
                **(spec or {}),
            },
            "status": dict(status or {}),
        }
    )


def dicom_server(name: str = "pacs", *, namespace: str = "default", port: int = 11112, **spec: Any) -> DicomServer:
    """A server over DIMSE on the loopback interface; `spec` is laid over it, in YAML's names."""
    return DicomServer.of(
        {
            "apiVersion": "adit.dev/v1alpha1",
            "kind": "DicomServer",
            "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}"},
            "spec": {"aeTitle": name.upper(), "dimse": {"host": "127.0.0.1", "port": port}, **spec},
        }
    )


def observed(job: TransferJob | None = None, **changes: Any) -> Observed:
    """An Observed in which source and destination exist, and an inline list was read."""
    job = job or transfer_job()
    name, namespace = job.spec.pseudonymization.profile, job.metadata.namespace
    profile = profile_named(name, namespace, {})
    seen = Observed(
        job=job,
        tasks=TaskList.of(job.spec.tasks) if job.spec.tasks is not None else None,
        now=START,
        profile=profile,
        no_profile=not_found(name, namespace, {}, None) if name is not None and profile is None else None,
        servers={SOURCE: dicom_server(), DESTINATION: dicom_server("research", port=11113)},
        config={"source": "a", "destination": "b", "settings": "c"},
        image="runner:1",
        peers="peers-1",
    )
    return replace(seen, **changes)


def seen_set(
    states: str = "PP", *, round_: int = 0, index: int = 0, ids: Sequence[str] = (), **changes: Any
) -> SeenSet:
    """A TaskSet of `transfer_job`, with one letter per task."""
    name = task_set_name("night", JOB_UID, round_=round_, index=index)
    seen = SeenSet(
        ref=Ref("TaskSet", "default", name),
        uid=f"set-{round_}-{index}",
        resource_version="3",
        owner_uid=JOB_UID,
        round=round_,
        index=index,
        source=SOURCE,
        destination=DESTINATION,
        task_ids=tuple(ids) or tuple(f"t{i}" for i in range(len(states))),
        states=tuple(states),  # type: ignore[arg-type]  # letters of TaskState, by the test's word
    )
    return replace(seen, **changes)


def ended_set(states: str, reason: str, *, attempt: int = 0, **changes: Any) -> SeenSet:
    """A set whose runner left with a word."""
    word = Ended.of({"reason": reason})
    return seen_set(states, claimed=True, attempt=attempt, ended=word, **changes)


def seen_job(seen: SeenSet, attempt: int = 0, *, finished: bool = False, **changes: Any) -> SeenJob:
    """The Job of one attempt at a set."""
    job = SeenJob(
        ref=Ref("Job", "adit", job_name(seen.ref.name, attempt)),
        uid=f"job-{seen.uid}-{attempt}",
        owner_uid=seen.owner_uid or "",
        task_set=seen.ref,
        task_set_uid=seen.uid,
        attempt=attempt,
        finished=finished,
        endpoints=("PACS@127.0.0.1:11112", "RESEARCH@127.0.0.1:11113"),
        secrets={"source": "a", "destination": "b", "settings": "c"},
        image="runner:1",
        peers="peers-1",
    )
    return replace(job, **changes)


def seen_transfer(uid: str = JOB_UID, **changes: Any) -> SeenTransfer:
    """A TransferJob that was accepted and planned, as admission sees it."""
    transfer = SeenTransfer(
        ref=Ref("TransferJob", "default", f"job-{uid[:8]}"),
        uid=uid,
        created="2026-01-01T00:00:00Z",
        priority=100,
        parallelism=4,
        suspend=False,
        shutdown=False,
        source=SOURCE,
        destination=DESTINATION,
        profile=None,
        round=0,
        key_id=None,
        ready=True,
        stalled=False,
        terminal=False,
    )
    return replace(transfer, **changes)


def override(task: str, state: str, reason: str = "RunnerCrash") -> Override:
    """The operator's word on a task."""
    return Override.of({"id": task, "state": state, "reason": reason})


def planned(count: int = 2, **spec: Any) -> TransferJob:
    """A TransferJob as it stands after its plan was written."""
    job = transfer_job(count, spec=spec)
    return after(job, decide(observed(job)))


def after(job: TransferJob, decision: Decision) -> TransferJob:
    """The job with the status that a decision writes."""
    return job.model_copy(update={"status": decision.status})


def changed(job: TransferJob, **spec: Any) -> TransferJob:
    """The job after a person changed its spec, in YAML's names; None unsets a field."""
    manifest = job.manifest()
    manifest["spec"] = {key: value for key, value in (manifest["spec"] | spec).items() if value is not None}
    return TransferJob.of(manifest)
