"""The child of one measurement: the pipeline alone, one task in this process, told and answered in JSON.

It measures itself from when everything is imported, so that the start-up of Python is in the parent's wall time only.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import adit.connectors.dimse  # noqa: F401 - open_connector imports it late: here it belongs to the start-up
from adit.api.counts import InstanceCounts
from adit.api.dicom_server import DicomServerSpec
from adit.api.tasks import TransferTask
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
from adit.transfer.policy import policy_for
from adit.transfer.rewriter import PassThrough, Rewriter, Subject
from adit.transfer.transfer import TaskOutcome, Timing, transfer_task
from benchmarks.processes import peak_bytes


class Stages:
    """When the pipeline first and last told of progress: it has listed the study then, and stored everything."""

    def __init__(self) -> None:
        self.start = self.listed = self.moved = time.monotonic()

    def tell(self, counts: InstanceCounts, size: int) -> None:  # noqa: ARG002 - the signature of Progress
        self.moved = time.monotonic()
        if self.listed == self.start:
            self.listed = self.moved

    def seconds(self, end: float) -> dict[str, float]:
        return {"list": self.listed - self.start, "move": self.moved - self.listed, "verify": end - self.moved}


def main() -> None:
    order = json.load(sys.stdin)
    stages, cpu = Stages(), _cpu()
    outcome = transfer(order, Path(order["spool"]), stages)
    end = time.monotonic()
    measured = {"wall": end - stages.start, "cpu": _cpu() - cpu, "peak": peak_bytes("self"), **stages.seconds(end)}
    print(json.dumps({**measured, "state": outcome.line.state, "message": outcome.line.message}))


def transfer(order: dict[str, Any], spool: Path, stages: Stages) -> TaskOutcome:
    """Move the study as the runner does, proved by whatever the destination answers; identified, or by a profile."""
    pseudonym = order.get("pseudonym")
    with _opened(order, "source") as source, _opened(order, "destination") as destination:
        return transfer_task(
            TransferTask.of(order["task"]),
            source=source,
            destination=destination,
            rewriter=_pseudonymizer() if pseudonym else PassThrough(),
            subject=Subject(pseudonym=pseudonym),
            policy=policy_for(pseudonymized=bool(pseudonym), exclude_modalities=()),
            verification=DicomServerSpec.of(order["destination"]).verification,
            job_folder="benchmark",
            spool=spool,
            timing=Timing(time.monotonic, time.sleep, _never),
            progress=stages.tell,
        )


def _pseudonymizer() -> Rewriter:
    """The profile `basic` under a key of nothing but this benchmark."""
    from adit.pseudonymization import BUILT_IN, ProjectKey  # noqa: PLC0415 - an identified transfer imports none of it
    from adit.pseudonymization.pseudonymizer import Pseudonymizer  # noqa: PLC0415 - as above

    return Pseudonymizer(BUILT_IN["basic"], ProjectKey(bytes(range(32))))


def _opened(order: dict[str, Any], role: str) -> Connector:
    return open_connector(Target(role, DicomServerSpec.of(order[role]), "BENCH", Path(order["spool"])))


def _never() -> bool:
    return False


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
