"""Many instances over C-MOVE with two receivers, one of them killed and restarted: nothing lost, nothing twice.

ADIT_TEST_INSTANCES says how many (1,000 where it is not set); 10,000 take a minute.
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from adit.api.dicom_server import DicomServerSpec, Verification
from adit.connectors.dimse import DimseConnector
from adit.connectors.dimse.move_fetch import MoveFetch
from adit.connectors.target import Target
from adit.query import Selection
from adit.testing.connectors import CT_IMAGE, FakeConnector, fake_study
from adit.testing.elements import EXPLICIT_LITTLE
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import meta_of
from adit.testing.programs import Program, answers, free_port
from adit.testing.transfers import moved, transfer_job_task
from adit.transfer.instance import Instance
from adit.transmit.access import ReceiverAccess
from adit.transmit.client import awaited

KEY = bytes(range(32))
SERIES = 4
EACH = int(os.environ.get("ADIT_TEST_INSTANCES", "1000")) // SERIES
KILLED_AFTER = SERIES * EACH // 3


class Receiver(Program):
    """The program, on the same ports and the same spool whenever it is started."""

    stop_signals = (signal.SIGKILL,)

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, tcp_nodelay=True)
        self.port, self.transmit_port = free_port(), free_port()

    def command(self) -> Sequence[str]:
        (self.directory / "key").write_bytes(KEY)
        (self.directory / "spool").mkdir(exist_ok=True)
        return [sys.executable, "-m", "adit_receiver"]

    def ready(self) -> bool:
        return answers(self.port) and answers(self.transmit_port)

    def _environment(self) -> Mapping[str, str]:
        return {
            **super()._environment(),
            "RECEIVER_AE_TITLE": "RECEIVER",
            "ADIT_RECEIVER_LISTEN": self.host,
            "ADIT_RECEIVER_PORT": str(self.port),
            "ADIT_TRANSMIT_LISTEN": self.host,
            "ADIT_TRANSMIT_PORT": str(self.transmit_port),
            "ADIT_RECEIVER_SPOOL": str(self.directory / "spool"),
            "ADIT_RECEIVER_KEY_FILE": str(self.directory / "key"),
            "ADIT_RECEIVER_RESERVE_BYTES": "0",
        }


class Moving(DimseConnector):
    """Fetches by C-MOVE, and listens to two receivers that have a port each instead of an address each."""

    def __init__(self, target: Target, receivers: Sequence[Receiver]) -> None:
        super().__init__(target)
        self.receivers = [(one.host, one.transmit_port) for one in receivers]

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        return MoveFetch(
            self._session,
            "StudyRoot",
            ("StudyRoot",),
            "ISO_IR 192",
            selection,
            spool,
            self.find,
            self._pace,
            ReceiverAccess("RECEIVER", "receiver", 1, KEY),
            lambda access, wanted, folder, stopped: awaited(
                access, wanted, folder, stopped=stopped, resolve=lambda *_: list(self.receivers)
            ),
        ).run()


@pytest.mark.slow
def test_of_many_instances_none_is_lost_or_twice_though_a_receiver_is_killed(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    for one in fake_study(EACH, series=SERIES):
        (archive / f"{one.uid}.dcm").write_bytes(meta_of(CT_IMAGE, one.uid, EXPLICIT_LITTLE) + one.encoded)
    destination = FakeConnector("research")
    with (
        Receiver(tmp_path / "one") as first,
        Receiver(tmp_path / "two") as second,
        LoopbackPacs(archive, "PACS") as pacs,
    ):
        pacs.destinations["RECEIVER"] = (first.host, first.port)

        def kill_the_first() -> None:
            if len(destination.held) == KILLED_AFTER:
                os.kill(first.pid, signal.SIGKILL)
                pacs.destinations["RECEIVER"] = (second.host, second.port)
                first.__exit__(None, None, None)
                first.__enter__()

        destination.on_stored = kill_the_first
        spec = DicomServerSpec.of({"aeTitle": "PACS", "dimse": {"host": pacs.host, "port": pacs.port}})
        with Moving(Target("pacs", spec, "ADIT", tmp_path), (first, second)) as source:
            outcome = moved(
                source,
                destination,
                tmp_path,
                transfer_job_task("P1", "1.2.3"),
                verification=Verification(settle_seconds=0),
            )
        left = [path for one in ("one", "two") for path in (tmp_path / one / "spool").rglob("[0-9]*-*-*")]
    counts = outcome.line.instances
    stores = [line for line in destination.log if line.startswith("store")]
    assert (outcome.line.state, outcome.error) == ("S", None)
    assert counts.expected == counts.received == counts.stored == counts.verified == SERIES * EACH
    assert len(stores) == len(set(stores)) == SERIES * EACH
    assert [entry for entry in outcome.entries if entry.kind != "Note"] == []
    assert left == []
