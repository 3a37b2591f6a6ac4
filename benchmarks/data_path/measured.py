"""What was measured of the data path, as values: attempts, their medians, what start-up took of them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Final

STEP_SECONDS: Final = 0.035
"""From here on, the time between two instances is a step: Nagle's algorithm against a delayed ACK takes 40 ms."""


STRAY_SHARE: Final = 0.01
"""Of the times between instances, at most, that a busy machine may stretch; Nagle's algorithm stretches every one."""
NET_SHARE: Final = 0.1
"""Of a wall, at least, that must be left when start-up is taken off; below it is noise."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One repetition: seconds of wall and CPU; `peaks` are bytes resident at most, by worker.

    `gaps` are the seconds between instances, as the files at the destination tell them; `others` are the CPUs that
    everybody else kept busy meanwhile; `problem` is why it means nothing.
    """

    wall: float
    cpu: float = 0.0
    server_cpu: float = 0.0
    peaks: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[float, ...] = ()
    others: float = 0.0
    problem: str = ""

    def failed(self, problem: str) -> "Attempt":
        """Invalid, unless it was for an earlier reason."""
        return self if self.problem else replace(self, problem=problem)


@dataclass(frozen=True, slots=True)
class Lane:
    """One program in one row: its attempts, and `starts`: the same command with one tiny instance."""

    name: str
    ours: bool
    instances: int
    size: int
    attempts: tuple[Attempt, ...]
    starts: tuple[Attempt, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        everything = (*self.attempts, *self.starts)
        return tuple(dict.fromkeys(attempt.problem for attempt in everything if attempt.problem))

    @property
    def valid(self) -> bool:
        """One bad repetition spoils it: its median would be over those that happened to work."""
        return bool(self.attempts) and not self.problems

    @property
    def walls(self) -> Sequence[float]:
        return [attempt.wall for attempt in self.attempts]

    @property
    def wall(self) -> float:
        return median(self.walls)

    @property
    def start(self) -> float:
        """What the program, its imports and its association take: the median with one tiny instance; 0 if unknown."""
        return median(attempt.wall for attempt in self.starts) if self.starts else 0.0

    @property
    def net(self) -> float:
        """Wall without start-up; never nothing, so that it can be divided by."""
        return max(self.wall - self.start, 0.001)

    @property
    def net_known(self) -> bool:
        """Whether start-up leaves enough of the wall to say anything about the rest."""
        return bool(self.starts) and self.net >= self.wall * NET_SHARE

    @property
    def cpu(self) -> float:
        return median(attempt.cpu for attempt in self.attempts)

    @property
    def server_cpu(self) -> float:
        return median(attempt.server_cpu for attempt in self.attempts)

    @property
    def peaks(self) -> dict[str, int]:
        """The largest of all repetitions, not their median: a limit is a limit."""
        found: dict[str, int] = {}
        for attempt in (*self.attempts, *self.starts):
            for worker, peak in attempt.peaks.items():
                found[worker] = max(peak, found.get(worker, 0))
        return found

    @property
    def gaps(self) -> list[float]:
        return sorted(gap for attempt in self.attempts for gap in attempt.gaps)

    @property
    def steps(self) -> int:
        """Times between two instances of 35 ms and more, over all repetitions."""
        return sum(gap >= STEP_SECONDS for gap in self.gaps)

    @property
    def rate(self) -> float:
        """Instances a second, start-up included."""
        return self.instances / self.wall


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table with all its lanes; the first is the reference."""

    name: str
    title: str
    wanted: int
    lanes: tuple[Lane, ...]
    goals: Mapping[str, "Goal"] = field(default_factory=dict)

    @property
    def reference(self) -> Lane:
        return self.lanes[0]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a lane is to reach.

    `ratio`: at most so many times the reference's wall (for 8 times as fast: 1/8). `rate`: at least so many
    instances a second, and no steps. `net`: the ratio is judged without start-up, where users have it in a program
    that is running already.
    """

    ratio: float = 0.0
    rate: float = 0.0
    net: bool = False
    share: str = ""

    @property
    def text(self) -> str:
        if self.share:
            return self.share
        if self.rate:
            return f"≥{self.rate:.0f}/s, no steps"
        return f"≤{self.ratio:.2g}×{' net' if self.net else ''}"


def verdict(goal: Goal, lane: Lane, reference: Lane) -> str:
    """`held`, or `missed` with what would have held."""
    if not lane.valid:
        return "INVALID"
    if goal.rate:
        if lane.rate >= goal.rate and lane.steps <= len(lane.gaps) * STRAY_SHARE:
            return "held"
        return f"missed: {lane.rate:.0f}/s, {lane.steps} steps"
    if not reference.valid:
        return "no reference"
    net_held = lane.net_known and reference.net_known and lane.net / reference.net <= goal.ratio
    if net_held if goal.net else lane.wall / reference.wall <= goal.ratio:
        return "held"
    return "missed (held net of start-up)" if net_held else "missed"
