"""What became of each file or instance, and all of them added up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from adit_cli.exit_codes import ExitCode


class State(StrEnum):
    """How one of them ended."""

    DONE = "done"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file or instance; `words` says why where it is not simply done."""

    name: str
    state: State
    bytes: int = 0
    words: str = ""


NOTHING: Mapping[State, int] = dict.fromkeys(State, 0)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many ended in which way, and the bytes of those that were done."""

    counts: Mapping[State, int]
    bytes: int = 0

    @classmethod
    def empty(cls) -> "Tally":
        return cls(NOTHING)

    def plus(self, outcome: Outcome) -> "Tally":
        counted = self.more(outcome.state, 1)
        moved = outcome.bytes if outcome.state in {State.DONE, State.WARNING} else 0
        return replace(counted, bytes=self.bytes + moved)

    def more(self, state: State, many: int) -> "Tally":
        """So many more, of which nothing else is known."""
        return replace(self, counts={**self.counts, state: self.counts[state] + many})

    @property
    def moved(self) -> int:
        """Those that arrived, with or without a warning."""
        return self.counts[State.DONE] + self.counts[State.WARNING]

    @property
    def code(self) -> ExitCode:
        """As of a job: anything failed is 1, at worst a warning 3; what was skipped was no image."""
        if self.counts[State.FAILED]:
            return ExitCode.FAILURE
        return ExitCode.WARNING if self.counts[State.WARNING] else ExitCode.SUCCESS


def summary(verb: str, tally: Tally, seconds: float, of: int | None = None) -> str:
    """One line: instances, MB, seconds, and both rates."""
    span = max(seconds, 1e-6)
    total = f" of {of}" if of is not None and of != tally.moved else ""
    line = (
        f"{tally.moved}{total} instances {verb}, {tally.bytes / 1e6:.1f} MB in {seconds:.2f} s: "
        f"{tally.moved / span:.0f} inst/s, {tally.bytes / span / 1e6:.1f} MB/s"
    )
    named = {State.WARNING: "with a warning", State.FAILED: "failed", State.SKIPPED: "skipped"}
    others = [f"{tally.counts[state]} {words}" for state, words in named.items() if tally.counts[state]]
    return ", ".join([line, *others])
