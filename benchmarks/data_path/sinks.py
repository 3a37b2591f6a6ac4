"""What a study is sent to: storescp, `adit receive`, the receiver, an Orthanc; each fresh for one repetition."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from adit.testing.orthanc import Orthanc
from adit.testing.part10 import read_meta
from adit.testing.programs import Program, Storescp, answers, free_port
from benchmarks.data_path import proof
from benchmarks.studies import StudyFiles

Kind = Literal["storescp", "adit receive", "adit receive --fsync", "receiver", "Orthanc"]
KEY: Final = bytes(range(32))
"""What the receiver and whoever waits prove themselves with: of nothing but this benchmark."""


class AditReceive(Program):
    """`adit receive`, as a person starts it."""

    def __init__(self, directory: Path, *, fsync: bool) -> None:
        super().__init__(directory, tcp_nodelay=False)
        self.ae_title, self.port = "RECEIVE", free_port()
        self._fsync = fsync

    def command(self) -> Sequence[str]:
        told = ["--port", str(self.port), "--aet", self.ae_title, "--dir", str(self.directory)]
        return [sys.executable, "-m", "adit_cli", "receive", *told, *(["--fsync"] if self._fsync else [])]

    def ready(self) -> bool:
        return answers(self.port)


class Receiver(Program):
    """The receiver, as a Deployment starts it; what comes unasked goes to its quarantine."""

    def __init__(self, directory: Path, port: int) -> None:
        super().__init__(directory, tcp_nodelay=False)
        self.ae_title, self.port, self.transmit_port = "RECEIVER", port, free_port()

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "adit_receiver"]

    def ready(self) -> bool:
        return answers(self.port) and answers(self.transmit_port)

    def _environment(self) -> Mapping[str, str]:
        key = self.directory / "key"
        key.write_bytes(KEY)
        key.chmod(0o600)
        return {
            **os.environ,
            "RECEIVER_AE_TITLE": self.ae_title,
            "ADIT_RECEIVER_HOST": self.host,
            "ADIT_RECEIVER_PORT": str(self.port),
            "ADIT_TRANSMIT_PORT": str(self.transmit_port),
            "ADIT_RECEIVER_SPOOL": str(self.directory / "spool"),
            "ADIT_RECEIVER_KEY_FILE": str(key),
            "METRICS_PORT": str(free_port()),
        }


@dataclass(frozen=True, slots=True)
class Sink:
    """A started destination: `worker` names it where it is ours."""

    program: Program
    ae_title: str
    port: int
    worker: str = ""

    @property
    def folder(self) -> Path:
        """Where the instances lie; nobody awaits them at the receiver, so that it has them in quarantine."""
        inside = {Orthanc: "storage", Receiver: "spool/receiver/quarantine"}.get(type(self.program), "")
        return self.program.directory / inside

    def problem(self, study: StudyFiles) -> str:
        """Empty where it holds exactly the study."""
        if isinstance(self.program, Orthanc):
            return _orthanc_problem(self.program, study)
        return proof.folder_problem(study, self.folder)

    def gaps(self) -> tuple[float, ...]:
        return proof.gaps(path for path in proof.files(self.folder) if _is_part10(path))


def started(kind: Kind, folder: Path, stack: ExitStack, *, tcp_nodelay: bool) -> Sink:
    """Started and listening; it ends with the stack."""
    directory = folder / "sink"
    if kind == "Orthanc":
        orthanc = stack.enter_context(Orthanc(directory, tcp_nodelay=tcp_nodelay, ae_title="SINK"))
        return Sink(orthanc, orthanc.ae_title, orthanc.port)
    if kind == "storescp":
        storescp = stack.enter_context(Storescp(directory, tcp_nodelay=tcp_nodelay))
        return Sink(storescp, storescp.ae_title, storescp.port)
    if kind == "receiver":
        receiver = stack.enter_context(Receiver(directory, free_port()))
        return Sink(receiver, receiver.ae_title, receiver.port, "receiver")
    ours = stack.enter_context(AditReceive(directory, fsync=kind == "adit receive --fsync"))
    return Sink(ours, ours.ae_title, ours.port, "receive")


def _orthanc_problem(orthanc: Orthanc, study: StudyFiles) -> str:
    held = frozenset(orthanc.sop_instance_uids())
    if held != study.sop_instance_uids:
        return f"{len(study.sop_instance_uids - held)} of {study.instances} are missing"
    folder, sampled = orthanc.directory / "sampled", proof.sample(sorted(study.directory.iterdir()))
    folder.mkdir()
    for path in sampled:
        (folder / path.name).write_bytes(orthanc.file(read_meta(path).sop_instance_uid))
    return proof.changes(sampled, proof.Held.of_files(folder.iterdir()))


def _is_part10(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132).endswith(b"DICM")
