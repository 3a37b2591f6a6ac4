"""The ways to move a study or ask for it, each one repetition: peers started, the command timed, the result proved."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from adit.testing.part10 import read_meta
from adit.testing.programs import HOST, Storescp
from benchmarks.data_path import programs, proof, sinks
from benchmarks.data_path.measured import Attempt
from benchmarks.data_path.place import FIND_PREFIX, Place
from benchmarks.data_path.timed import timed
from benchmarks.peers import OrthancPeer, StorescpPeer
from benchmarks.processes import RUNNER
from benchmarks.studies import StudyFiles
from benchmarks.variants import Move, job_manifest

Way = Callable[[Place, StudyFiles], Attempt]
RESPONSES: Final = "(Pending)"


def send(
    client: programs.Send,
    to: sinks.Kind,
    *,
    worker: str = "",
    tcp_nodelay: bool = True,
    on_disk: bool = False,
) -> Way:
    """`client` sends to a fresh `to`; what is measured may be either of them."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        with place.work(on_disk=on_disk) as folder, ExitStack() as stack:
            sink = sinks.started(to, folder, stack, tcp_nodelay=tcp_nodelay)
            command, servers = client(sink, study), {sink.program.pid: sink.worker}
            attempt = timed(command, folder, worker=worker, servers=servers, tcp_nodelay=tcp_nodelay)
            return replace(attempt.failed(sink.problem(study)), gaps=sink.gaps())

    return way


def store_by_connector(to: sinks.Kind, *, tcp_nodelay: bool = True) -> Way:
    """As a runner stores: one process with everything that it imports."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        with place.work() as folder, ExitStack() as stack:
            sink = sinks.started(to, folder, stack, tcp_nodelay=tcp_nodelay)
            text = programs.order(
                "store", programs.server(sink.ae_title, sink.port), folder, directory=str(study.directory)
            )
            servers = {sink.program.pid: ""}
            attempt = timed(list(programs.CONNECTOR), folder, worker="connector", servers=servers, text=text)
            return replace(attempt.failed(sink.problem(study)), gaps=sink.gaps())

    return way


def get(client: programs.Get, *, worker: str = "", tcp_nodelay: bool = True) -> Way:
    """`client` gets the study from Orthanc into files."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        source = place.source(study, tcp_nodelay=tcp_nodelay)
        with place.work() as folder:
            out = folder / "out"
            out.mkdir()
            command = client(source, study, out)
            attempt = timed(command, folder, worker=worker, servers={source.pid: ""}, tcp_nodelay=tcp_nodelay)
            return replace(attempt.failed(proof.folder_problem(study, out)), gaps=proof.gaps(proof.files(out)))

    return way


def get_by_connector(*, tcp_nodelay: bool = True) -> Way:
    """As a runner gets: into its spool."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        source = place.source(study, tcp_nodelay=tcp_nodelay)
        with place.work() as folder:
            return _fetched(folder, study, programs.server(source.ae_title, source.port), {source.pid: ""})

    return way


def move_by_movescu(*, tcp_nodelay: bool = True) -> Way:
    """`movescu` asks Orthanc to send to storescp."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        source = place.source(study, tcp_nodelay=tcp_nodelay)
        with place.work() as folder, _storescp(place, folder, tcp_nodelay=tcp_nodelay) as sink:
            command, servers = programs.movescu(source, study, "STORESCP"), {source.pid: "", sink.pid: ""}
            attempt = timed(command, folder, servers=servers, tcp_nodelay=tcp_nodelay)
            gaps = proof.gaps(proof.files(sink.directory))
            return replace(attempt.failed(proof.folder_problem(study, sink.directory)), gaps=gaps)

    return way


def move_by_connector(*, tcp_nodelay: bool = True, spool_on_disk: bool = False) -> Way:
    """As a runner moves: it announces at the receiver, asks Orthanc, and takes what the receiver passes on."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        source = place.source(study, tcp_nodelay=tcp_nodelay)
        port = place.destinations["RECEIVER"][1]
        with place.work() as folder, ExitStack() as stack:
            spool = stack.enter_context(place.work(on_disk=True)) if spool_on_disk else folder
            receiver = stack.enter_context(sinks.Receiver(spool / "receiver", port))
            spec = programs.server(source.ae_title, source.port, get=False, move=True)
            access = {"ae_title": receiver.ae_title, "host": HOST, "port": receiver.transmit_port}
            servers = {source.pid: "", receiver.pid: "receiver"}
            return _fetched(folder, study, spec, servers, receiver={**access, "key": sinks.KEY.hex()})

    return way


def find_by_findscu(place: Place, study: StudyFiles) -> Attempt:
    """As many rows as there are studies; `tiny` stands for one of them."""
    source = place.searched()
    with place.work() as folder:
        attempt = timed(
            [*programs.findscu(source, _searched(study)), "-v"], folder, servers={source.pid: ""}, tcp_nodelay=True
        )
        said = (folder / "stdout").read_text("utf-8", "replace") + (folder / "stderr").read_text("utf-8", "replace")
        found, expected = said.count(RESPONSES), _rows(place, study)
        return attempt if found == expected else attempt.failed(f"{found} of {expected} rows")


def find_by_connector(place: Place, study: StudyFiles) -> Attempt:
    """The same; every answer is decoded and matched."""
    source = place.searched()
    spec, told = programs.server(source.ae_title, source.port), {"expected": _rows(place, study)}
    with place.work() as folder:
        text = programs.order("find", spec, folder, patient_id=_searched(study), **told)
        return timed(list(programs.CONNECTOR), folder, worker="connector", servers={source.pid: ""}, text=text)


Through = Literal["pynetdicom", "pipeline", "adit run"]


def through(program: Through) -> Way:
    """From Orthanc to storescp by one program of the end-to-end row."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        source = place.source(study, tcp_nodelay=True)
        with place.work() as folder, Storescp(folder / "sink") as sink:
            move = Move(
                study, OrthancPeer(source, "source"), StorescpPeer(sink, "destination"), tcp_nodelay=True, folder=folder
            )
            command, text = _through(program, move)
            worker = {"pynetdicom": "", "pipeline": "pipeline", "adit run": RUNNER}[program]
            servers = {source.pid: "", sink.pid: ""}
            attempt = timed(command, folder, worker=worker, servers=servers, text=text)
            same = proof.equal if program == "pynetdicom" else proof.identical
            return attempt.failed(proof.folder_problem(study, sink.directory, same=same))

    return way


def _through(program: Through, move: Move) -> tuple[list[str], str]:
    spool, study = str(move.folder / "spool"), move.study
    if program == "adit run":
        manifest = move.folder / "job.yaml"
        manifest.write_text(job_manifest(move), "utf-8")
        return [*programs.ADIT, "run", str(manifest)], ""
    if program == "pipeline":
        task = {"id": "t0", "patientId": study.patient_id, "studyInstanceUid": study.study_instance_uid}
        told = {"source": move.source.manifest(), "destination": move.destination.manifest()}
        return [programs.ADIT[0], "-m", "benchmarks.one_task"], json.dumps({**told, "task": task, "spool": spool})
    peers = {
        name: {"host": HOST, "port": peer.port, "ae_title": peer.ae_title}
        for name, peer in (("source", move.source), ("destination", move.destination))
    }
    classes = [read_meta(next(study.directory.iterdir())).sop_class_uid]
    order = {**peers, "classes": classes, "study": study.study_instance_uid, "spool": spool}
    return list(programs.GET_THEN_STORE), json.dumps(order)


def _fetched(
    folder: Path,
    study: StudyFiles,
    spec: Mapping[str, Any],
    servers: Mapping[int, str],
    **told: Any,
) -> Attempt:
    listed, spool = folder / "listed.json", folder / "spool"
    wanted = {"study": study.study_instance_uid, "patient_id": study.patient_id}
    text = programs.order("fetch", spec, folder, spool=str(spool), listed=str(listed), **wanted, **told)
    attempt = timed(list(programs.CONNECTOR), folder, worker="connector", servers=servers, text=text)
    if attempt.problem:
        return attempt
    held = proof.Held.of_spool(listed)
    return replace(attempt.failed(proof.problem(study, held)), gaps=proof.gaps(held.paths))


def _storescp(place: Place, folder: Path, *, tcp_nodelay: bool) -> Storescp:
    sink = Storescp(folder / "sink", tcp_nodelay=tcp_nodelay)
    sink.port = place.destinations["STORESCP"][1]
    return sink


def _searched(study: StudyFiles) -> str:
    return f"{FIND_PREFIX}00000" if study.label == "tiny" else f"{FIND_PREFIX}*"


def _rows(place: Place, study: StudyFiles) -> int:
    return 1 if study.label == "tiny" else place.scale.studies
