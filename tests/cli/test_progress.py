"""What is seen while jobs run: bars on a terminal of 80 or 120 columns, lines in a log, reasons in full."""

import io
from typing import Any

import pytest
from rich.console import Console

from adit.api.resource import TransferJob
from adit.cluster.kinds import Ref
from adit_cli.progress import JobProgress
from adit_cli.rates import Rates, Sample
from adit_cli.screen import Row, screen
from adit_operator.testing.builders import transfer_job

REF = Ref("TransferJob", "default", "nightly-transfer-of-everything")
REASON = (
    "ARCHIVE@archive.example:104 does not answer (archive cannot be reached at archive.example:104: connection "
    "refused; check that it runs, and spec.dimse.host and port); asked again every 15 s"
)
MOVED = Rates().with_sample(Sample(0, 0, 0, 0.0)).with_sample(Sample(10, 850, 430_000_000, 0.25))


def job(phase: str, *, done: int = 0, failed: int = 0, waits: str = "", **status: Any) -> TransferJob:
    condition = {
        "type": "Admitted",
        "status": "False" if waits else "True",
        "reason": "ServerUnreachable",
        "message": waits,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    tasks = {"total": 4, "succeeded": done, "failed": failed, "pending": 4 - done - failed}
    shown = {"phase": phase, "tasks": tasks, "instances": {"stored": 850}, "conditions": [condition]}
    return transfer_job(4, status={**shown, "observedGeneration": 1, **status})


def drawn(width: int, *rows: Row) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(screen(rows, width))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_at_80_columns_bar_rate_and_eta_fit_into_one_line() -> None:
    heading, row = drawn(80, Row(REF, job("InProgress", done=1), MOVED))
    assert heading.split() == ["JOB", "TASKS", "INSTANCES", "ETA"]
    assert row.startswith("nightly-transfer-of…")
    assert "━━" in row
    assert row.split()[-8:] == ["25%", "1/4", "850", "85", "inst/s", "43.0", "MB/s", "30s"]
    assert len(row) <= 80


def test_at_120_columns_the_name_is_whole() -> None:
    _, row = drawn(120, Row(REF, job("InProgress", done=1), MOVED))
    assert row.startswith(REF.name)
    assert len(row) <= 120


@pytest.mark.parametrize("width", [80, 120])
def test_the_reason_of_a_waiting_job_is_readable_to_its_last_word(width: int) -> None:
    _, row, *notes = drawn(width, Row(REF, job("Pending", waits=REASON), Rates()))
    assert row.endswith("Waiting")
    assert " ".join(notes) == f"{REF.name}: {REASON}"


def test_a_finished_job_shows_its_phase_and_no_note() -> None:
    _, row = drawn(120, Row(REF, job("Failure", done=3, failed=1, waits="finished"), MOVED))
    assert row.split()[-5:] == ["4/4", "1", "failed", "850", "Failure"]


def printed(*looks: tuple[float, TransferJob]) -> list[str]:
    """The lines of a log, of looks at given seconds."""
    console, times = Console(file=io.StringIO(), width=80), iter([at for at, _ in looks])
    with JobProgress(console, lambda: next(times)) as progress:
        for _, seen in looks:
            progress.show({REF: seen})
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_log_gets_a_line_for_a_new_state_at_once_and_for_new_numbers_now_and_then() -> None:
    assert printed(
        (0.0, job("Pending", waits="its turn comes")),
        (0.1, job("Pending", waits="its turn comes")),
        (0.2, job("InProgress")),
        (0.3, job("InProgress", done=1)),
        (9.0, job("InProgress", done=2)),
        (9.1, job("Success", done=4)),
    ) == [
        f"{REF.name}: Waiting, 0/4 tasks, 850 instances: its turn comes",
        f"{REF.name}: InProgress, 0/4 tasks, 850 instances",
        f"{REF.name}: InProgress, 2/4 tasks, 850 instances",
        f"{REF.name}: Success, 4/4 tasks, 850 instances",
    ]


def test_what_is_left_is_told_at_the_pace_so_far() -> None:
    assert MOVED.seconds_left == 30
    assert Rates().with_sample(Sample(0, 0, 0, 0.5)).seconds_left is None
    assert Rates().with_sample(Sample(0, 0, 0, 0.5)).with_sample(Sample(5, 9, 9, 1.0)).seconds_left is None
