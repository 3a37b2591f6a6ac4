"""Statuses as the operator's own code writes them, one for each state that GitOps tools must tell apart.

`python -m tests.gitops.samples` writes samples/*.yaml anew; a test fails where they are not what this makes.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from adit.api.dicom_server import DicomServerStatus
from adit.api.resource import DicomServer, TaskSet, TransferJob
from adit.cluster.kinds import Ref
from adit_operator.clock import timestamp
from adit_operator.decide import decide
from adit_operator.observed import Observed, Waiting
from adit_operator.reachable import ANSWERED, Answer, status_after
from adit_operator.testing.builders import (
    after,
    dicom_server,
    ended_set,
    observed,
    seen_job,
    seen_set,
    transfer_job,
)
from adit_operator.testing.fakes import START

FOLDER = Path(__file__).with_name("samples")
HEADER = "# Made by `python -m tests.gitops.samples` from the operator's own code: change that, not this file.\n"
Manifest = dict[str, Any]


def edited(job: TransferJob, **spec: Any) -> TransferJob:
    """The job after a person changed its spec: the generation moves, and the status is the one of before."""
    manifest = job.manifest()
    manifest["spec"] = {key: value for key, value in (manifest["spec"] | spec).items() if value is not None}
    manifest["metadata"]["generation"] = job.metadata.generation + 1
    return TransferJob.of(manifest)


def seen(job: TransferJob, **changes: Any) -> TransferJob:
    """The job after the operator looked at it."""
    return after(job, decide(observed(job, **changes)))


PLANNED = seen(transfer_job(2))
WAITING_SETS = (seen_set("P"), seen_set("P", index=1, ids=["t1"]))
RUNNING_SET = seen_set("P", claimed=True, attempt=0)
RUNNING: dict[str, Any] = {"sets": (RUNNING_SET, WAITING_SETS[1]), "jobs": (seen_job(RUNNING_SET),)}
HALF_DONE = (ended_set("S", "Done", finished=True, active=False), WAITING_SETS[1])


def over(states: str) -> Observed:
    """A job whose only round has ended so, as the operator left it."""
    sets = tuple(
        ended_set(letter, "Done", index=i, ids=[f"t{i}"], finished=True, active=False)
        for i, letter in enumerate(states)
    )
    return observed(seen(PLANNED, sets=sets), sets=sets)


def transfer_jobs() -> Iterator[tuple[str, TransferJob]]:
    """TransferJobs by what has happened to them."""
    failed, warned, done = over("SF"), over("SW"), over("SS")
    refused_set = ended_set("P", "AccessDenied")
    refused = {"sets": (refused_set, WAITING_SETS[1]), "jobs": (seen_job(refused_set, finished=True),)}
    yield "new", transfer_job(2)
    yield "planned", PLANNED
    yield "waiting", seen(PLANNED, sets=WAITING_SETS, waiting=Waiting("WaitingForSlot", "pacs has no free slot"))
    yield "in-progress", seen(PLANNED, **RUNNING)
    yield "suspending", seen(edited(PLANNED, suspend=True), **RUNNING)
    yield "suspended", seen(edited(PLANNED, suspend=True), sets=HALF_DONE)
    yield "resume-requested", edited(seen(edited(PLANNED, suspend=True), sets=HALF_DONE), suspend=False)
    yield "success", done.job
    yield "success-then-edited", edited(done.job, priority=7)
    yield "success-then-edited-and-seen", _looked(edited(done.job, priority=7), done)
    yield "warning", warned.job
    yield "failure", failed.job
    yield "retry-requested", edited(failed.job, retry={"token": "again", "scope": "Failed"})
    retried = edited(failed.job, retry={"token": "again", "scope": "Failed"})
    yield "retry-opened", _looked(retried, failed)
    yield (
        "retry-refused",
        _looked(edited(failed.job, retry={"token": "again", "scope": "Failed", "tasks": ["t0"]}), failed),
    )
    yield "canceling", seen(edited(PLANNED, shutdown="Graceful"), **RUNNING)
    yield "canceled", seen(edited(PLANNED, shutdown="Graceful"), sets=HALF_DONE)
    yield "stalled-server-not-found", seen(transfer_job(2), servers={})
    yield "stalled-access-denied", _denied()
    yield "stalled-peer-refused", seen(PLANNED, **refused)


def _looked(job: TransferJob, before: Observed) -> TransferJob:
    return after(job, decide(replace(before, job=job)))


def _denied() -> TransferJob:
    """A server that lies in another namespace and grants nothing."""
    job = transfer_job(2, spec={"source": {"name": "pacs", "namespace": "radiology"}})
    there = dicom_server("pacs", namespace="radiology")
    found = {**observed().servers, Ref("DicomServer", "radiology", "pacs"): there}
    return seen(job, servers=found)


def dicom_servers() -> Iterator[tuple[str, DicomServer]]:
    """DicomServers by what the operator last heard of them."""
    new = _first_generation(dicom_server())
    yield "new", new
    yield "reachable", _told(new, ANSWERED)
    yield "unreachable", _told(new, Answer("False", "PeerUnavailable", "pacs cannot be reached: connection refused"))
    yield "unknown", _told(new, Answer("Unknown", "SlotsTaken", "its one association is used by a runner"))
    yield "paused", _told(_first_generation(dicom_server(paused=True)), ANSWERED)
    changed = _told(new, ANSWERED)
    yield "changed", changed.model_copy(update={"metadata": changed.metadata.model_copy(update={"generation": 2})})


def _first_generation(server: DicomServer) -> DicomServer:
    return server.model_copy(update={"metadata": server.metadata.model_copy(update={"generation": 1})})


def _told(server: DicomServer, answer: Answer) -> DicomServer:
    status = DicomServerStatus.of(status_after(server, answer, timestamp(START)))
    return server.model_copy(update={"status": status})


def task_sets() -> Iterator[tuple[str, Manifest]]:
    """TaskSets as the operator makes them, then claimed, ended, and judged."""
    made = TaskSet.of(decide(observed(PLANNED)).create[0]).manifest()
    holder = {"podName": "night-x", "podUid": "1", "renewTime": timestamp(START)}
    yield "new", made
    yield "claimed", {**made, "status": {"holder": holder, "runner": {"attempt": 0, "states": "P"}}}
    ended = {"attempt": 0, "states": "P", "ended": {"reason": "PeerUnavailable", "message": "pacs is down"}}
    yield "ended", {**made, "status": {"runner": ended}}
    done = {"attempt": 0, "states": "S", "ended": {"reason": "Done"}}
    yield "finished", {**made, "status": {"runner": done, "verdict": {"finished": True}}}


def dicom_folders() -> Iterator[tuple[str, Manifest]]:
    """The operator says nothing of a folder."""
    yield (
        "new",
        {
            "apiVersion": "adit.dev/v1alpha1",
            "kind": "DicomFolder",
            "metadata": {"name": "archive", "namespace": "default", "generation": 1},
            "spec": {"volume": {"claimName": "archive"}},
        },
    )


def samples() -> dict[str, Manifest]:
    """Every sample by its file's name."""
    found: dict[str, Manifest] = {f"transferjob-{name}.yaml": job.manifest() for name, job in transfer_jobs()}
    found |= {f"dicomserver-{name}.yaml": server.manifest() for name, server in dicom_servers()}
    found |= {f"taskset-{name}.yaml": manifest for name, manifest in task_sets()}
    return found | {f"dicomfolder-{name}.yaml": manifest for name, manifest in dicom_folders()}


def text_of(manifest: Manifest) -> str:
    return HEADER + yaml.safe_dump(manifest, sort_keys=False, width=110, allow_unicode=True)


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    made = samples()
    for path in FOLDER.glob("*.yaml"):
        if path.name not in made:
            path.unlink()
    for name, manifest in made.items():
        (FOLDER / name).write_text(text_of(manifest), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
