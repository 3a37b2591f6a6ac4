"""The table of the data path as Markdown: one line for each program in each row, the peaks of memory below. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.data_path.measured import STEP_SECONDS, Goal, Lane, Measured, verdict

MEMORY_LIMIT: Final = 100_000_000
"""Bytes that a worker of ours may have resident at most."""
MB: Final = 1e6
HEAD: Final = (
    "row",
    "program",
    "n",
    "wall s (min–max)",
    "net s",
    "inst/s",
    "MB/s",
    "×",
    "× net",
    "CPU s",
    "server CPU s",
    "peak MB",
    "goal",
    "verdict",
)


def head() -> str:
    return f"{_line(HEAD)}\n{_line(['---'] * len(HEAD))}"


def row(measured: Measured) -> str:
    """The lines of one row of the table."""
    return "\n".join(_line(_cells(measured, lane)) for lane in measured.lanes)


def titles(rows: Sequence[Measured]) -> str:
    """What each row moves, and what came out of it that has no column."""
    return "\n".join(f"- **{one.name}**: {one.title}.{''.join(_remarks(one))}" for one in rows)


def memory(rows: Sequence[Measured]) -> str:
    """The largest resident size of each worker of ours, and in which row."""
    lines = [_line(("worker", "peak MB", "in row", "limit MB", "verdict")), _line(["---"] * 5)]
    for worker, (peak, name) in sorted(_peaks(rows).items()):
        held = "held" if peak <= MEMORY_LIMIT else "missed"
        lines.append(_line((worker, f"{peak / MB:.0f}", name, f"{MEMORY_LIMIT / MB:.0f}", held)))
    return "\n".join(lines)


def complete(rows: Sequence[Measured]) -> bool:
    """Every lane has a valid number; a missed goal is a number too."""
    return all(lane.valid for one in rows for lane in one.lanes)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(measured: Measured, lane: Lane) -> list[str]:
    goal = measured.goals.get(lane.name)
    if not lane.valid:
        why = ("; ".join(lane.problems) or "not measured, the time was over").replace("|", "/").replace("\n", " ")
        empty = [""] * (len(HEAD) - 6)
        return [measured.name, lane.name, str(len(lane.attempts)), f"INVALID: {why}", *empty, _goal(goal), "INVALID"]
    wall = f"{lane.wall:.2f}"
    if len(lane.walls) > 1:
        wall += f" ({min(lane.walls):.2f}–{max(lane.walls):.2f})"
    reference = measured.reference
    known = reference.valid and lane is not reference
    return [
        measured.name,
        lane.name,
        str(len(lane.attempts)),
        wall,
        f"{lane.net:.2f}" if lane.net_known else "–",
        f"{lane.rate:.0f}" if lane.instances > 1 else "",
        _rate(lane.size / MB / lane.wall),
        f"{lane.wall / reference.wall:.2f}" if known else "",
        f"{lane.net / reference.net:.2f}" if known and lane.net_known and reference.net_known else "",
        f"{lane.cpu:.2f}",
        f"{lane.server_cpu:.2f}",
        ", ".join(f"{worker} {peak / MB:.0f}" for worker, peak in lane.peaks.items()),
        _goal(goal),
        verdict(goal, lane, reference) if goal else "",
    ]


def _goal(goal: Goal | None) -> str:
    return goal.text if goal else ""


def _rate(megabytes: float) -> str:
    return f"{megabytes:.0f}" if megabytes >= 10 else f"{megabytes:.1f}"


def _remarks(measured: Measured) -> Iterator[str]:
    fewest = min((len(lane.attempts) for lane in measured.lanes if not lane.problems), default=measured.wanted)
    if fewest < measured.wanted:
        yield f" {fewest} of {measured.wanted} repetitions: the time was over."
    others = max((attempt.others for lane in measured.lanes for attempt in lane.attempts), default=0.0)
    yield f" Others kept up to {others:.1f} CPUs busy."
    for lane in measured.lanes:
        if gaps := lane.gaps:
            median, p99, step = gaps[len(gaps) // 2], gaps[int(len(gaps) * 0.99)], STEP_SECONDS * 1000
            yield (
                f" Between instances of {lane.name}: median {median * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, "
                f"{lane.steps} of {len(gaps):,} are {step:.0f} ms or more."
            )


def _peaks(rows: Sequence[Measured]) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for one in rows:
        for lane in one.lanes:
            if not (lane.ours and lane.valid):
                continue
            for worker, peak in lane.peaks.items():
                found[worker] = max((peak, one.name), found.get(worker, (0, "")))
    return found
