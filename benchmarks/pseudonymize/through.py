"""The ways to move a study under a pseudonym from Orthanc to a destination, from a program's start to its end."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal

from adit.testing.orthanc import Orthanc
from adit.testing.part10 import read_meta
from adit.testing.programs import HOST, Storescp
from benchmarks.data_path import programs, sinks
from benchmarks.data_path.measured import Attempt
from benchmarks.data_path.place import Place
from benchmarks.data_path.timed import timed
from benchmarks.data_path.ways import Way
from benchmarks.peers import OrthancPeer, StorescpPeer
from benchmarks.processes import RUNNER
from benchmarks.pseudonymize.proof import files_problem, problem
from benchmarks.studies import StudyFiles
from benchmarks.variants import Move, job_manifest

By = Literal["pynetdicom", "pipeline", "adit run"]
To = Literal["storescp", "Orthanc"]
PSEUDONYM: Final = "BENCH-PSEUDONYM"
WORKERS: Final = {"pynetdicom": "", "pipeline": "pipeline", "adit run": RUNNER}


def through(by: By, to: To, *, tcp_nodelay: bool = True) -> Way:
    """What arrives must be the study, under other UIDs; by us without the patient's name and id."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        source = place.source(study, tcp_nodelay=tcp_nodelay)
        with place.work() as folder, ExitStack() as stack:
            sink = sinks.started(to, folder, stack, tcp_nodelay=tcp_nodelay)
            move = Move(study, OrthancPeer(source, "source"), _peer(sink), tcp_nodelay=tcp_nodelay, folder=folder)
            command, text = _command(by, move)
            servers = {source.pid: "", sink.program.pid: ""}
            attempt = timed(command, folder, worker=WORKERS[by], servers=servers, text=text)
            return attempt.failed(wrong) if (wrong := _problem(study, sink, ours=by != "pynetdicom")) else attempt

    return way


def _peer(sink: sinks.Sink) -> OrthancPeer | StorescpPeer:
    if isinstance(sink.program, Orthanc):
        return OrthancPeer(sink.program, "destination")
    assert isinstance(sink.program, Storescp)
    return StorescpPeer(sink.program, "destination")


def _command(by: By, move: Move) -> tuple[list[str], str]:
    spool, study = str(move.folder / "spool"), move.study
    if by == "adit run":
        manifest = move.folder / "job.yaml"
        manifest.write_text(job_manifest(move, PSEUDONYM), "utf-8")
        return [*programs.ADIT, "run", str(manifest)], ""
    if by == "pipeline":
        task = {"id": "t0", "patientId": study.patient_id, "studyInstanceUid": study.study_instance_uid}
        told = {"source": move.source.manifest(), "destination": move.destination.manifest()}
        order = {**told, "task": {**task, "pseudonym": PSEUDONYM}, "pseudonym": PSEUDONYM, "spool": spool}
        return [programs.ADIT[0], "-m", "benchmarks.one_task"], json.dumps(order)
    peers = {
        name: {"host": HOST, "port": peer.port, "ae_title": peer.ae_title}
        for name, peer in (("source", move.source), ("destination", move.destination))
    }
    classes = [read_meta(next(study.directory.iterdir())).sop_class_uid]
    order = {**peers, "classes": classes, "study": study.study_instance_uid, "spool": spool, "seed": "benchmark"}
    return list(programs.GET_THEN_STORE), json.dumps(order)


def _problem(study: StudyFiles, sink: sinks.Sink, *, ours: bool) -> str:
    if not isinstance(sink.program, Orthanc):
        return files_problem(study, Path(sink.program.directory), ours=ours)
    names = sorted(sink.program.sop_instance_uids())
    return problem(study, names, (sink.program.file(name) for name in names[::40]), ours=ours)
