"""C-MOVE on one machine: the receiver is a child of the host, and what a PACS sends it reaches who asked for it."""

import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import free_port
from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital
from adit_cli.testing.program import QUICK, Adit, until

TITLE = "TAKER"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def moving(tmp_path: Path, port: int) -> Iterator[Hospital]:
    """A source that only does C-MOVE, and knows the receiver at its port; three studies of four instances."""
    studies = tuple(ct_study(patients.PLAIN, instances=4, rows=16, label=label) for label in ("a", "b", "c"))
    with (
        LoopbackPacs(tmp_path / "source", "SOURCE", destinations={TITLE: ("127.0.0.1", port)}) as source,
        LoopbackPacs(tmp_path / "destination", "DESTINATION") as destination,
    ):
        for study in studies:
            source.load(study.write(tmp_path / "files" / study.label))
        server = manifests.server("source", source)
        server["spec"]["dimse"] |= {"get": False, "move": True}
        servers = [server, manifests.server("destination", destination)]
        yield Hospital(source, destination, studies, Adit(tmp_path / "data"), tmp_path, servers=servers)


def with_receiver(hospital: Hospital, port: int) -> Hospital:
    told = {**QUICK, "ADIT_RECEIVER_PORT": str(port), "RECEIVER_AE_TITLE": TITLE}
    return replace(hospital, adit=Adit(hospital.adit.data, told))


def test_a_port_that_is_taken_is_said_in_one_sentence(moving: Hospital) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = with_receiver(moving, port).adit.run("run", moving.file())
    assert done.code == 2
    assert f"the receiver cannot take port {port} (ADIT_RECEIVER_PORT): another program listens there" in done.err


def receiver_of(children: list[int]) -> int:
    """Which of the host's children is the receiver."""
    for child in children:
        if b"adit_receiver" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise AssertionError("the host has no receiver")


def test_two_jobs_get_the_same_study_by_c_move_while_the_receiver_is_killed(moving: Hospital, port: int) -> None:
    hospital = with_receiver(moving, port)
    hospital.slow(0.2)
    other = manifests.job("other", hospital.studies[:1])
    with hospital.adit.started("run", hospital.file(other)) as running:
        until(lambda: bool(hospital.arrived), why=lambda: running.text)
        os.kill(receiver_of(running.children()), signal.SIGKILL)
        assert running.ended() == 0, running.text
    assert hospital.arrived == hospital.all_instances
    told = hospital.adit.told()
    assert {name: job.job.status.phase for name, job in told.items()} == {"night": "Success", "other": "Success"}
    instances = told["night"].job.status.instances
    assert (instances.expected, instances.verified) == (12, 12)
