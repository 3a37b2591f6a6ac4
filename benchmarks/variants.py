"""The ways to move one study, each a function of the same job: dcmtk's two programs, our pipeline alone, `adit run`.

Each runs as processes of its own, and says what they cost; whether everything arrived is checked by who calls.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from adit.testing.programs import HOST, require_program
from benchmarks.peers import Destination, OrthancPeer
from benchmarks.processes import RUNNER, Finished, inherited, run, said
from benchmarks.studies import StudyFiles

LIMIT_SECONDS: Final = 120.0
MAX_PDU: Final = "131072"


@dataclass(frozen=True, slots=True)
class Move:
    """What is to be moved from where to where; `folder` is empty and removed afterwards."""

    study: StudyFiles
    source: OrthancPeer
    destination: Destination
    tcp_nodelay: bool
    folder: Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall and CPU, peak RSS in bytes of the process that counts; `problem` is why it means nothing.

    `parts` are seconds or megabytes worth telling beside the total.
    """

    wall: float
    cpu: float
    peak: int
    parts: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


Variant = Callable[[Move], Cost]


def dcmtk(move: Move) -> Cost:
    """`getscu` to files, then `dcmsend` of them: what a person with a shell does."""
    images = move.folder / "images"
    images.mkdir()
    asked = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={move.study.study_instance_uid}"]
    get = ["getscu", "-S", "+B", "-pdu", MAX_PDU, "-aec", move.source.ae_title, *asked, "-od", str(images)]
    fetched = _dcmtk(move, [*get, HOST, str(move.source.port)])
    if fetched.returncode:
        return Cost(fetched.wall, fetched.cpu, fetched.peak, problem=said("getscu", fetched))
    send = ["dcmsend", "+sd", "-pdu", MAX_PDU, "-aec", move.destination.ae_title]
    sent = _dcmtk(move, [*send, HOST, str(move.destination.port), str(images)])
    return Cost(
        fetched.wall + sent.wall,
        fetched.cpu + sent.cpu,
        max(fetched.peak, sent.peak),
        {"getscu s": fetched.wall, "dcmsend s": sent.wall},
        said("dcmsend", sent) if sent.returncode else "",
    )


def pipeline(move: Move) -> Cost:
    """Our pipeline in one process; its own clock starts after its imports."""
    order = {
        "source": move.source.manifest(),
        "destination": move.destination.manifest(),
        "task": {"id": "t0", **_task(move.study)},
        "spool": str(move.folder / "spool"),
    }
    command = [sys.executable, "-m", "benchmarks.one_task"]
    finished = run(
        command, environment=inherited(), folder=move.folder, limit_seconds=LIMIT_SECONDS, text=json.dumps(order)
    )
    if finished.returncode:
        return Cost(finished.wall, finished.cpu, finished.peak, problem=said("the pipeline", finished))
    answer = json.loads(finished.stdout.splitlines()[-1])
    problem = "" if answer["state"] == "S" else f"the task ended {answer['state']}: {answer['message']}"
    parts = {f"{stage} s": answer[stage] for stage in ("list", "move", "verify")}
    parts["start-up s"] = finished.wall - answer["wall"]
    return Cost(answer["wall"], answer["cpu"], answer["peak"], parts, problem)


def adit_run(move: Move) -> Cost:
    """`adit run` with a fresh data folder, from its start to its end; the peak is the runner's."""
    manifest = move.folder / "job.yaml"
    manifest.write_text(job_manifest(move), "utf-8")
    environment = {**inherited(), "ADIT_DATA": str(move.folder / "data"), "CALLING_AE_TITLE": "BENCH"}
    finished = run(
        [sys.executable, "-m", "adit_cli", "run", str(manifest)],
        environment=environment,
        folder=move.folder,
        limit_seconds=LIMIT_SECONDS,
    )
    runner = finished.peaks.get(RUNNER, 0)
    others = max((peak for role, peak in finished.peaks.items() if role != RUNNER), default=0)
    problem = said("adit run", finished) if finished.returncode else ""
    return Cost(finished.wall, finished.cpu, runner, {"operator MB": others / 1e6}, problem)


def job_manifest(move: Move, pseudonym: str = "") -> str:
    """The two servers and the job, as a person writes them; identified without a pseudonym."""
    identified = {"identified": True, "reason": "synthetic data of a benchmark"}
    job = {
        "source": {"name": move.source.name},
        "destination": {"name": move.destination.name},
        "pseudonymization": {"profile": "basic"} if pseudonym else identified,
        "tasks": [{**_task(move.study), **({"pseudonym": pseudonym} if pseudonym else {})}],
    }
    objects = [
        _object("DicomServer", move.source.name, move.source.manifest()),
        _object("DicomServer", move.destination.name, move.destination.manifest()),
        _object("TransferJob", "benchmark", job),
    ]
    return yaml.safe_dump_all(objects, sort_keys=False)


def _object(kind: str, name: str, spec: Mapping[str, object]) -> Mapping[str, object]:
    return {"apiVersion": "adit.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def _task(study: StudyFiles) -> Mapping[str, str]:
    return {"patientId": study.patient_id, "studyInstanceUid": study.study_instance_uid}


def _dcmtk(move: Move, command: list[str]) -> Finished:
    """One of dcmtk's programs, with Nagle off or as installed."""
    command = [str(require_program(command[0])), *command[1:]]
    environment = inherited(tcp_nodelay=move.tcp_nodelay)
    return run(command, environment=environment, folder=move.folder, limit_seconds=LIMIT_SECONDS)
