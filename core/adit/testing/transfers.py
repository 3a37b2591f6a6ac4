"""Runs the pipeline between two connectors as a test says it: defaults for everything that the test is not about."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adit.api.dicom_server import Verification
from adit.api.tasks import TransferTask
from adit.connectors.connector import Connector
from adit.transfer.ahead import AHEAD_BYTES
from adit.transfer.policy import Policy
from adit.transfer.rewriter import PassThrough, Rewriter, Subject
from adit.transfer.stream import Progress
from adit.transfer.transfer import TaskOutcome, Timing, transfer_task


@dataclass(slots=True)
class FakeClock:
    """A clock that only sleeping moves."""

    now: float = 0.0

    def read(self) -> float:
        """Seconds since it was made."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let that much time pass at once."""
        self.now += seconds


def transfer_job_task(
    patient_id: str = "P1", study: str = "1.2.3", *, task_id: str = "t0", series: tuple[str, ...] = ()
) -> TransferTask:
    """A task with an id, as a TaskSet carries it."""
    return TransferTask(
        id=task_id, patient_id=patient_id, study_instance_uid=study, series_instance_uids=series, pseudonym=None
    )


def moved(
    source: Connector,
    destination: Connector,
    spool: Path,
    task: TransferTask | None = None,
    *,
    rewriter: Rewriter | None = None,
    subject: Subject | None = None,
    policy: Policy | None = None,
    verification: Verification | None = None,
    clock: FakeClock | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress = lambda _counts, _size: None,
    ahead_bytes: int = AHEAD_BYTES,
) -> TaskOutcome:
    """The outcome of one task between two connectors."""
    clock = clock or FakeClock()
    return transfer_task(
        task or transfer_job_task(),
        source=source,
        destination=destination,
        rewriter=rewriter or PassThrough(),
        subject=subject or Subject(),
        policy=policy or Policy(),
        verification=verification or Verification(),
        job_folder="adit_transfer_job_20240102_alice",
        spool=spool / "spool",
        timing=Timing(clock.read, clock.sleep, stop),
        progress=progress,
        ahead_bytes=ahead_bytes,
    )
