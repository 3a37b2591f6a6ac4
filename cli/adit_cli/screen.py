"""What a terminal shows of running jobs: a row with a bar for each, and below them why one does not move. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from adit.api.resource import TransferJob
from adit.cluster.kinds import Ref
from adit_cli.columns import duration
from adit_cli.rates import Rates
from adit_cli.settled import fraction_done, stalled, waiting_for
from adit_cli.verbs import FINISHED

NARROW = 100
COLORS = {"Success": "green", "Warning": "yellow", "Failure": "red", "Canceled": "red", "Suspended": "yellow"}


@dataclass(frozen=True, slots=True)
class Row:
    """One job as it is now, and how fast it has moved."""

    ref: Ref
    job: TransferJob
    rates: Rates


def screen(rows: Iterable[Row], width: int) -> Group:
    """The table and the notes, for a terminal of so many columns."""
    rows = list(rows)
    table = Table(box=None, padding=(0, 1 if width < NARROW else 2, 0, 0), header_style="bold")
    table.add_column("JOB", no_wrap=True, overflow="ellipsis", min_width=8, max_width=20 if width < NARROW else 40)
    table.add_column("", no_wrap=True, min_width=8 if width < NARROW else 24)
    table.add_column("", justify="right", no_wrap=True, min_width=4)
    for heading in ("TASKS", "INSTANCES"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=19)
    table.add_column("ETA", justify="right", no_wrap=True, min_width=5)
    for row in rows:
        table.add_row(*_cells(row, 8 if width < NARROW else 24))
    notes = [Text.assemble((f"{row.ref.name}: ", "bold"), note_of(row.job), style="yellow") for row in rows]
    return Group(table, *(note for row, note in zip(rows, notes, strict=True) if note_of(row.job)))


def note_of(job: TransferJob) -> str:
    """Why the job does not move, or nothing."""
    return "" if job.status.phase in FINISHED else waiting_for(job)


def _cells(row: Row, bar: int) -> tuple[Text | ProgressBar, ...]:
    status = row.job.status
    fraction, tasks = fraction_done(row.job), status.tasks
    word, color = word_of(row.job)
    moving = str(row.rates) if status.phase == "InProgress" and not stalled(row.job) else ""
    left = row.rates.seconds_left if moving else None
    failed = Text(f" {tasks.failed} failed", style="red") if tasks.failed else Text()
    return (
        Text(row.ref.name),
        ProgressBar(total=1.0, completed=fraction, width=bar),
        Text(f"{fraction:.0%}"),
        Text.assemble(f"{tasks.finished}/{tasks.total or len(row.job.spec.inline)}", failed),
        Text(str(status.instances.stored)),
        Text(moving, style="cyan") if moving else Text(word, style=color),
        Text(duration(left) if left is not None else ""),
    )


def word_of(job: TransferJob) -> tuple[str, str]:
    """The state of a job in a word, and its color."""
    if stalled(job):
        return "Stalled", "red"
    if note_of(job) and job.status.phase != "Suspended":
        return "Waiting", "yellow"
    phase = job.status.phase or "Pending"
    return phase, COLORS.get(phase, "")
