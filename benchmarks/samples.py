"""What was measured, as values: repetitions, and the medians over them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.variants import Cost

MEMORY_LIMIT = 150_000_000
"""Bytes that a runner may have resident at most."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One repetition: what the variant cost, CPU seconds of the peers, and CPUs that others kept busy meanwhile."""

    cost: Cost
    peers_cpu: float
    others: float


@dataclass(frozen=True, slots=True)
class Row:
    """All repetitions of one variant with one study of `instances` and `size` bytes."""

    name: str
    instances: int
    size: int
    samples: tuple[Sample, ...]
    is_runner: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sample.cost.problem for sample in self.samples if sample.cost.problem))

    @property
    def valid(self) -> bool:
        """One bad repetition spoils the row: its median would be over those that happened to work."""
        return bool(self.samples) and not self.problems

    @property
    def walls(self) -> Sequence[float]:
        return [sample.cost.wall for sample in self.samples]

    @property
    def wall(self) -> float:
        return median(self.walls)

    @property
    def cpu(self) -> float:
        return median(sample.cost.cpu for sample in self.samples)

    @property
    def peers_cpu(self) -> float:
        return median(sample.peers_cpu for sample in self.samples)

    @property
    def peak(self) -> int:
        """The largest of all repetitions, not their median: a limit is a limit."""
        return max(sample.cost.peak for sample in self.samples)

    @property
    def parts(self) -> dict[str, float]:
        names = self.samples[0].cost.parts if self.samples else {}
        return {name: median(sample.cost.parts.get(name, 0.0) for sample in self.samples) for name in names}


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario measured; `wanted` is how many repetitions were asked for."""

    name: str
    title: str
    wanted: int
    rows: tuple[Row, ...]

    @property
    def complete(self) -> bool:
        return all(row.valid for row in self.rows)

    @property
    def runner_peak(self) -> int:
        """The largest runner of the scenario; 0 where none was measured."""
        return max((row.peak for row in self.rows if row.is_runner and row.valid), default=0)

    @property
    def within_limit(self) -> bool:
        return self.runner_peak <= MEMORY_LIMIT


def exit_code(results: Sequence[Result], expected: int) -> int:
    """0 only if every scenario was measured, every row holds, and no runner took more memory than it may."""
    good = [result for result in results if result.rows and result.complete and result.within_limit]
    return 0 if len(good) == expected else 1
