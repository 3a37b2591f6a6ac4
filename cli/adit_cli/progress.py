"""Live progress of jobs: bars on a terminal; elsewhere a line when something changes, at most every few seconds."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from adit.api.resource import TransferJob
from adit.cluster.kinds import Ref
from adit_cli.rates import Rates, Sample
from adit_cli.screen import Row, note_of, screen, word_of
from adit_cli.settled import fraction_done

LINE_SECONDS = 5.0


class JobProgress:
    """Shows jobs as they are looked at; use it as a context manager."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._rates: dict[Ref, Rates] = {}
        self._said: dict[Ref, tuple[str, str, float]] = {}

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, jobs: Mapping[Ref, TransferJob]) -> None:
        """Bring the screen up to what was just seen."""
        now = self._clock()
        for ref, job in jobs.items():
            moved = Sample(now, job.status.instances.stored, job.status.bytes, fraction_done(job))
            self._rates[ref] = self._rates.get(ref, Rates()).with_sample(moved)
        if self._live is not None:
            rows = [Row(ref, job, self._rates[ref]) for ref, job in jobs.items()]
            self._live.update(screen(rows, self._console.width), refresh=True)
        else:
            for ref, job in jobs.items():
                self._line(ref, job, now)

    def _line(self, ref: Ref, job: TransferJob, now: float) -> None:
        """A new state or reason at once, new numbers now and then."""
        word, note, counts = word_of(job)[0], note_of(job), counts_of(job)
        state = f"{word} {note}"
        said_state, said_counts, said_at = self._said.get(ref, ("", "", now))
        if state != said_state or (counts != said_counts and now - said_at >= LINE_SECONDS):
            self._said[ref] = (state, counts, now)
            line = f"{ref.name}: {word}, {counts}{f': {note}' if note else ''}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def counts_of(job: TransferJob) -> str:
    """Tasks and instances in few words."""
    tasks, instances = job.status.tasks, job.status.instances
    words = f"{tasks.finished}/{tasks.total or len(job.spec.inline)} tasks, {instances.stored} instances"
    return f"{words}, {tasks.failed} failed" if tasks.failed else words
