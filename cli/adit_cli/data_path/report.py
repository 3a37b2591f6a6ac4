"""What a person sees while instances move: a bar on a terminal, and a line for each that is not simply done."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from adit_cli.data_path.outcome import Outcome, State, Tally, summary
from adit_cli.data_path.screen import Screen

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {State.DONE: "green", State.WARNING: "yellow", State.FAILED: "red", State.SKIPPED: "dim"}
REFRESH_SECONDS = 0.1


class Report:
    """Takes outcomes as they come; `close` ends the clock. Results go to stdout, everything else to stderr."""

    def __init__(self, screen: Screen, verb: str, *, total: int | None, every: bool) -> None:
        self.tally = Tally.empty()
        self.total = total
        self._screen, self._verb, self._every = screen, verb, every
        self._started = time.perf_counter()
        self._shown = self._last = self._started
        self._live: Any = None

    def __enter__(self) -> Self:
        if self._screen.terminal is not None:
            self._live = _bar(self._screen.terminal, self._verb, self.total)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def add(self, outcome: Outcome, at: float | None = None) -> None:
        """One more, that ended now or `at`; printed where it is not simply done, or all are asked for."""
        self.tally = self.tally.plus(outcome)
        if self._every or outcome.state is not State.DONE:
            words = f": {outcome.words}" if outcome.words else ""
            tell = self._screen.result if outcome.state is State.DONE else self._screen.say
            tell(f"{outcome.state} {outcome.name}{words}", STYLES[outcome.state])
        self._ended(at)

    def count(self, state: State, many: int) -> None:
        """So many more, that somebody else only counts."""
        self.tally = self.tally.more(state, many)
        self._ended(None)

    def _ended(self, at: float | None) -> None:
        now = time.perf_counter()
        self._last = now if at is None else at
        if self._live is not None and now - self._shown > REFRESH_SECONDS:
            self._shown = now
            done = self.tally.moved + self.tally.counts[State.FAILED]
            self._live.update(0, completed=done, megabytes=self.tally.bytes / 1e6)

    def restart(self) -> None:
        """Count the time from now on: what came before was reading, or waiting for a slot."""
        self._started = time.perf_counter()

    def begin(self, at: float) -> None:
        """Count the time from the first instance on, where nobody knows when it will come."""
        if not self.tally.moved:
            self._started = at

    def say(self, line: str, style: str = "") -> None:
        """Something that happened, beside the outcomes."""
        self._screen.say(line, style)

    def close(self, *, at_the_last: bool = False) -> None:
        """Print the summary line; `at_the_last` counts the time up to the last outcome only."""
        seconds = (self._last if at_the_last else time.perf_counter()) - self._started
        self._screen.result(summary(self._verb, self.tally, seconds, self.total))


def _bar(console: "Console", verb: str, total: int | None) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - only a terminal needs it

    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[megabytes]:.1f} MB"))
    progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
    progress.add_task(verb, total=total, megabytes=0.0)
    return progress
