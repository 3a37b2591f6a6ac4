"""What was measured as Markdown: facts beside their targets, and the steps of a timeline. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.control.first_image import Run, steps_of
from benchmarks.control.many_jobs import Figures as JobFigures
from benchmarks.control.many_tasks import Figures as TaskFigures
from benchmarks.control.operated import Operated

MB = 1e6
PLANNING_SECONDS, WRITES_PER_SECOND, OPERATOR_BYTES = 120.0, 15.0, 256 * MB


@dataclass(frozen=True, slots=True)
class Fact:
    """One number in words; `held` is whether it keeps its target, None where it has none."""

    what: str
    measured: str
    target: str = ""
    held: bool | None = None


def table(facts: Iterable[Fact]) -> str:
    """One row for each."""
    words = {True: "held", False: "MISSED", None: ""}
    rows = [f"| {one.what} | {one.target} | {one.measured} | {words[one.held]} |" for one in facts]
    return "\n".join(["| what | target | measured | |", "| --- | --- | --- | --- |", *rows])


def quantile(values: Sequence[float], part: float) -> float:
    """Of sorted values the one below which such a part lies; 0 where there is none."""
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def first_image(runs: Sequence[Run]) -> str:
    """Every step: when it was reached, and how long it took after the step before."""
    rows, before = [], dict.fromkeys(range(len(runs)), 0.0)
    for step in steps_of(runs):
        reached = [run[step] for run in runs]
        took = [when - before[number] for number, when in enumerate(reached)]
        before = dict(enumerate(reached))
        rows.append(f"| {step} | {median(reached):.2f} | {max(reached):.2f} | {median(took):+.2f} |")
    head = ["| step | median s | worst s | after the step before |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


def many_tasks(figures: TaskFigures) -> str:
    """The job, the operator, and on Kubernetes who wrote what."""
    order = figures.order
    seen = f"{len(figures.samples)} samples, {len(figures.inexact)} wrong"
    facts = [
        _limited("planning: manifest to the last TaskSet", figures.made, PLANNING_SECONDS, "s"),
        Fact("of that, to the plan", f"{figures.planned:.2f} s, {figures.sets:,} TaskSets"),
        Fact("status exact at every sample", seen, "0 wrong", not figures.inexact),
        Fact("age of what the status told, at most", f"{figures.oldest:.1f} s"),
        Fact(
            "worked",
            f"{figures.done:,} of {order.tasks:,} tasks in {figures.ran:.0f} s, {figures.done / figures.ran:.0f}/s by "
            f"{figures.most_runners} runners at most, phase {figures.phase}",
        ),
        *_operator(figures.operator, figures.made_at, figures.ended_at),
    ]
    if figures.file_bytes:
        facts.append(Fact("SQLite file with its log", f"{figures.file_bytes / MB:.0f} MB"))
    if figures.writes:
        rate = figures.writes.total() / figures.ran
        facts.append(_limited("API writes while running", rate, WRITES_PER_SECOND, "/s"))
    parts = [table(facts)]
    if figures.writes:
        parts.append(writes(figures.writes, figures.runner_writes, figures.ran))
    parts += [f"- WRONG: {one}" for one in figures.inexact[:5]]
    return "\n\n".join(parts)


def many_jobs(figures: JobFigures) -> str:
    """Reconciles and admission while so many jobs run."""
    operator = figures.operator
    assert operator is not None
    crowd, seconds = figures.crowd, figures.reconciles
    facts = [
        Fact("from the first job to a runner for each", f"{figures.started:.1f} s"),
        Fact("runners at work", f"{figures.running} for {crowd.jobs} jobs"),
        Fact(f"reconciles in {crowd.seconds:g} s", f"{len(seconds):,}"),
        Fact("one reconcile", _quantiles(seconds)),
        Fact("one reconcile while all of them start", _quantiles(figures.at_the_start)),
        Fact("one turn of admission", f"{_quantiles(figures.turns)}; {figures.turned} in {crowd.seconds:g} s"),
        *_operator(operator, 0.0, 0.0),
    ]
    if figures.writes:
        facts.append(Fact("API writes", f"{figures.writes / crowd.seconds:.1f}/s by operator and runners"))
    return table(facts)


def writes(all_: Mapping[tuple[str, str], int], runners: Mapping[tuple[str, str], int], seconds: float) -> str:
    """By verb and resource, and how many of them the runners made."""
    own = Counter({_counted_as(verb, what): count for (verb, what), count in runners.items()})
    rows = [
        f"| {verb} | {what} | {count} | {count / seconds:.2f} | {own[verb, what] or ''} |"
        for (verb, what), count in sorted(all_.items(), key=lambda one: -one[1])
    ]
    head = ["| verb | resource | writes | /s | by runners and their node |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


def _counted_as(verb: str, what: str) -> tuple[str, str]:
    """How the API server names what a witness saw: `TaskSet/status` is `tasksets/status` there."""
    kind, slash, part = what.partition("/")
    return verb, f"{kind.lower()}s{slash}{part}"


def _operator(operator: Operated | None, start: float, end: float) -> list[Fact]:
    """The process: memory, CPU, reconciles of a time where one is given, and what went wrong."""
    assert operator is not None
    wrong = {result: count for result, count in operator.results.items() if result != "success"}
    facts = [
        _limited("operator: memory at most (RSS)", operator.peak / MB, OPERATOR_BYTES / MB, "MB"),
        Fact("operator: CPU", f"{operator.cpu:.1f} s"),
        Fact("operator: its loop was busy at a stretch, at most", f"{operator.latest:.2f} s"),
        Fact("operator: reconciles that failed", str(wrong or "none")),
    ]
    if end:
        facts.insert(0, Fact("one reconcile while it runs", _quantiles(operator.seconds_between(start, end))))
    return facts


def _quantiles(values: Sequence[float]) -> str:
    p50, p99, most = (1e3 * quantile(values, part) for part in (0.5, 0.99, 1.0))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {most:.0f} ms (n {len(values):,})"


def _limited(what: str, value: float, limit: float, unit: str) -> Fact:
    space = "" if unit.startswith("/") else " "
    digits = 0 if value >= 100 else 1
    return Fact(what, f"{value:.{digits}f}{space}{unit}", f"≤ {limit:.0f}{space}{unit}", value <= limit)
