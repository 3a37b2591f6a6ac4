"""A retrieval that a person interrupts: canceled where the peer takes that, aborted where it does not."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adit.dimse.association import Agreement, Association
from adit.dimse.errors import PeerSilent
from adit.dimse.timeouts import Timeouts
from adit.dimse.wire import Wire
from adit.testing import patients
from adit.testing.datasets import ct_study
from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit_cli.data_path.canceling import responses
from adit_cli.data_path.ending import Canceled

MANY = ct_study(patients.UMLAUT, instances=100, rows=16)


@pytest.mark.parametrize("verb", ["fetch", "move"])
def test_an_interrupted_retrieval_is_canceled_before_it_is_aborted(tmp_path: Path, verb: str) -> None:
    MANY.write(tmp_path / "many")
    faults = Faults(delay_per_instance=0.05)
    with (
        LoopbackPacs(tmp_path / "in", "STORE_1") as store,
        LoopbackPacs(tmp_path / "pacs", destinations={"STORE_1": ("127.0.0.1", store.port)}, faults=faults) as source,
    ):
        source.load(list((tmp_path / "many").rglob("*.dcm")))
        arriving = tmp_path / ("out" if verb == "fetch" else "in")
        where = [str(arriving)] if verb == "fetch" else ["--to", "STORE_1"]
        words = [verb, f"PACS@127.0.0.1:{source.port}", *where, "--study", MANY.study_instance_uid]
        process = subprocess.Popen(
            [sys.executable, "-m", "adit_cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        give_up = time.monotonic() + 20
        while not any(arriving.rglob("*.dcm")):
            assert time.monotonic() < give_up
            time.sleep(0.01)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert time.monotonic() - begun < 4  # all of it would take five seconds
    assert ("ended it when it was told to" if verb == "fetch" else "says that it stopped") in err, err


def test_a_retrieval_that_does_not_end_when_it_is_canceled_is_aborted() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        association = Association(Wire(ours, 5), Agreement("A", "B", {}, 0, 0), Timeouts(), requestor=True)
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt) as raised:  # noqa: SIM117, PT012 - as it is used
            with responses(association, 1, 1, 30.0) as awaited:
                awaited.interrupt()
                awaited.receive()
        assert 0.4 < time.monotonic() - begun < 3
        said = theirs.recv(4096)
    assert not isinstance(raised.value, Canceled)
    assert (said[0], said[-10]) == (4, 7)  # the C-CANCEL, and after it the A-ABORT


def test_a_peer_that_keeps_silent_is_given_up_without_an_interruption() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        association = Association(Wire(ours, 5), Agreement("A", "B", {}, 0, 0), Timeouts(), requestor=True)
        with pytest.raises(PeerSilent), responses(association, 1, 1, 0.2) as awaited:
            awaited.receive()
        assert not association.usable
