"""A result as Markdown: one table per scenario, the notes that its numbers need below it. Pure."""

from collections.abc import Iterator

from benchmarks.samples import MEMORY_LIMIT, Result, Row

HEAD = (
    "variant",
    "instances",
    "n",
    "wall s (min–max)",
    "instances/s",
    "MB/s",
    "× dcmtk",
    "CPU s",
    "peers' CPU s",
    "peak MB",
    "parts",
)
MB = 1e6


def render(result: Result) -> str:
    """The whole section of one scenario."""
    lines = [f"### {result.name}: {result.title}", "", _line(HEAD), _line(["---"] * len(HEAD))]
    lines += [_line(_cells(row, result)) for row in result.rows]
    return "\n".join([*lines, "", *_notes(result), ""])


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row, result: Result) -> list[str]:
    if not row.valid:
        why = "; ".join(row.problems) or "not measured, the time was over"
        return [
            row.name,
            f"{row.instances:,}",
            str(len(row.samples)),
            f"INVALID: {why}".replace("|", "/"),
            *[""] * (len(HEAD) - 4),
        ]
    wall = f"{row.wall:.2f}"
    if len(row.samples) > 1:
        wall += f" ({min(row.walls):.2f}–{max(row.walls):.2f})"
    return [
        row.name,
        f"{row.instances:,}",
        str(len(row.samples)),
        wall,
        f"{row.instances / row.wall:.0f}" if row.instances > 1 else "",
        _rate(row.size / MB / row.wall),
        _ratio(row, result),
        f"{row.cpu:.2f}",
        f"{row.peers_cpu:.2f}",
        f"{row.peak / MB:.0f}",
        ", ".join(f"{name} {value:.0f}" if value > 10 else f"{name} {value:.2f}" for name, value in row.parts.items()),
    ]


def _rate(megabytes: float) -> str:
    return f"{megabytes:.0f}" if megabytes >= 10 else f"{megabytes:.1f}"


def _ratio(row: Row, result: Result) -> str:
    """Wall over dcmtk's wall for the same study; below 1 is faster."""
    peer = next((other for other in result.rows if other.name == "dcmtk" and other.size == row.size), None)
    return f"{row.wall / peer.wall:.2f}" if peer is not None and peer.valid else ""


def _notes(result: Result) -> Iterator[str]:
    measured = [row for row in result.rows if row.samples]
    fewest = min((len(row.samples) for row in measured), default=0)
    if fewest < result.wanted:
        yield f"- {fewest} of {result.wanted} repetitions: the time was over."
    others = max((sample.others for row in measured for sample in row.samples), default=0.0)
    yield f"- Other programs kept up to {others:.1f} CPUs busy during a repetition."
    if result.runner_peak:
        verdict = "held" if result.within_limit else "EXCEEDED"
        limit = f"{result.runner_peak / MB:.0f} MB at most, limit {MEMORY_LIMIT / MB:.0f} MB: {verdict}"
        yield f"- Memory of a runner: {limit}."
    runners = sorted((row for row in measured if row.is_runner and row.valid), key=lambda row: row.instances)
    if len(runners) > 1:
        small, large = runners[0], runners[-1]
        growth = (large.peak - small.peak) / MB
        yield f"- From {small.instances} to {large.instances} instances the runner's peak changed by {growth:+.1f} MB."
