"""Live progress of jobs: a bar each on a terminal, a line per change elsewhere."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from adit.api.resource import TransferJob
from adit.cluster.kinds import Ref
from adit_cli.rates import Rates, Sample
from adit_cli.settled import fraction_done, waiting_for


class RateColumn(ProgressColumn):
    """Instances and megabytes per second over the last seconds."""

    def render(self, task: Task) -> Text:
        """What the job's last samples say."""
        return Text(task.fields["rate"], style="progress.data.speed")


class JobProgress:
    """Shows jobs as they are looked at; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("[bold]{task.description}", markup=True),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[counts]}", markup=False),
            RateColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="yellow", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._bars: dict[Ref, TaskID] = {}
        self._rates: dict[Ref, Rates] = {}
        self._said: dict[Ref, str] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, jobs: Mapping[Ref, TransferJob]) -> None:
        """Bring the screen up to what was just seen."""
        for ref, job in jobs.items():
            rate = self._rate(ref, job)
            counts, note = counts_of(job), waiting_for(job)
            if self._console.is_terminal:
                self._bar(ref, job, counts, note, rate)
            elif self._said.get(ref) != (
                line := f"{ref.name}: {job.status.phase or 'Pending'}, {counts} {note}".rstrip()
            ):
                self._said[ref] = line
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _rate(self, ref: Ref, job: TransferJob) -> str:
        rates = self._rates.setdefault(ref, Rates())
        moved = Sample(self._progress.get_time(), job.status.instances.stored, job.status.bytes)
        self._rates[ref] = rates.with_sample(moved)
        return str(self._rates[ref])

    def _bar(self, ref: Ref, job: TransferJob, counts: str, note: str, rate: str) -> None:
        if ref not in self._bars:
            self._bars[ref] = self._progress.add_task(ref.name, total=1.0, counts="", note="", rate="")
        self._progress.update(
            self._bars[ref],
            completed=fraction_done(job),
            description=f"{ref.name} {job.status.phase or 'Pending'}",
            counts=counts,
            note=note,
            rate=rate,
        )


def counts_of(job: TransferJob) -> str:
    """Tasks and instances in few words."""
    tasks, instances = job.status.tasks, job.status.instances
    total = tasks.total or len(job.spec.tasks)
    words = f"{tasks.finished}/{total} tasks, {instances.stored} instances"
    return f"{words}, {tasks.failed} failed" if tasks.failed else words
