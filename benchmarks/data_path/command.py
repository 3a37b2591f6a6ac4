"""`python -m benchmarks data-path`: the data path next to dcmtk's, as Markdown on standard output and in .bench/."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from adit.errors import AditError
from adit.testing.programs import MissingProgram, require_program
from benchmarks.data_path import report
from benchmarks.data_path.measured import Attempt, Lane, Measured
from benchmarks.data_path.place import Place, Scale
from benchmarks.data_path.rows import GROUPS, ROWS, Contender, Row
from benchmarks.machine import machine_line, versions_line
from benchmarks.studies import StudyFiles

PROGRAMS: Final = ("Orthanc", "storescp", "dcmsend", "storescu", "getscu", "movescu", "findscu")
MEMORY_FOLDER: Final = Path("/dev/shm")
ROOM: Final = 4 << 30
"""Bytes: the data, what two Orthancs hold, and what lies at a destination."""
OUTPUT: Final = Path(".bench/data-path.md")


def main(arguments: Sequence[str]) -> int:
    """0 where everything was measured, whether or not a goal was missed."""
    options = _options(arguments)
    try:
        for program in PROGRAMS:
            require_program(program)
    except MissingProgram as missing:
        print(missing.message, file=sys.stderr)
        return 1
    chosen = [row for row in ROWS if not options.only or row.group in options.only or row.name in options.only]
    deadline = time.monotonic() + options.minutes * 60
    with ExitStack() as stack:
        folder, disk = temporary_folder(stack, memory_folder()), temporary_folder(stack, None)
        place = Place(folder, disk, Scale(options.instances), stack)
        lines = [machine_line(folder), versions_line(), "", report.head()]
        print("\n".join(lines), flush=True)
        rows: list[Measured] = []
        for row in chosen:
            measured = _measured(row, place, options.repetitions, deadline)
            rows.append(measured)
            lines.append(report.row(measured))
            print(lines[-1], flush=True)
        end = ["", report.titles(rows), "", report.memory(rows), "", machine_line(folder)]
        print("\n".join(end), flush=True)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text("\n".join([*lines, *end, ""]), "utf-8")
    return 0 if report.complete(rows) else 1


def _measured(row: Row, place: Place, repetitions: int, deadline: float) -> Measured:
    """All programs in turn, each repetition beginning with another one; what one tiny instance takes is asked too."""
    study, tiny = place.study(row.study), place.study("tiny")
    wanted = min(repetitions, row.most)
    attempts: dict[str, list[Attempt]] = {one.name: [] for one in row.contenders}
    starts: dict[str, list[Attempt]] = {one.name: [] for one in row.contenders}
    for number in range(wanted):
        for one in turned(row.contenders, number):
            if time.monotonic() > deadline or any(attempt.problem for attempt in attempts[one.name]):
                continue
            starts[one.name].append(replace(attempted(one, place, tiny), gaps=()))
            attempts[one.name].append(attempted(one, place, study))
            _say(f"{row.name} {number + 1}/{wanted} {one.name}: {attempts[one.name][-1].wall:.2f} s")
    size = study.size if row.group != "find" else 0
    lanes = tuple(
        Lane(
            one.name,
            one.ours,
            place.scale.studies if row.group == "find" else study.instances,
            size,
            tuple(attempts[one.name]),
            tuple(starts[one.name]),
        )
        for one in row.contenders
    )
    what = f"{lanes[0].instances:,} × {study.size / study.instances / 1e6:.3g} MB"
    goals = {one.name: one.goal for one in row.contenders if one.goal is not None}
    return Measured(row.name, f"{row.title} ({what})", wanted, lanes, goals)


def attempted(one: Contender, place: Place, study: StudyFiles) -> Attempt:
    """What could not even be started is told in the table like what failed."""
    try:
        return one.way(place, study)
    except (AditError, OSError, RuntimeError) as error:
        return Attempt(0.0, problem=f"{type(error).__name__}: {error}"[:300])


def turned(contenders: Sequence[Contender], number: int) -> Iterator[Contender]:
    first = number % len(contenders)
    yield from (*contenders[first:], *contenders[:first])


def temporary_folder(stack: ExitStack, parent: Path | None) -> Path:
    """A temporary folder that goes with the stack; below /var/tmp, which is a disk, where no parent is given."""
    folder = Path(tempfile.mkdtemp(prefix="adit-bench-", dir=parent or "/var/tmp"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def memory_folder() -> Path | None:
    """Memory where it has room, so that no disk is measured."""
    try:
        return MEMORY_FOLDER if shutil.disk_usage(MEMORY_FOLDER).free > ROOM else None
    except OSError:
        return None


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks data-path", description=__doc__)
    parser.add_argument("--instances", type=int, default=500, help="CT slices; the other sizes follow (500)")
    parser.add_argument("--repetitions", type=int, default=3, help="of which the median counts (3)")
    parser.add_argument("--minutes", type=float, default=10.0, help="begin no repetition after this (10)")
    parser.add_argument("--quick", action="store_true", help="20 slices, once: whether it works")
    choices = [*GROUPS, *(row.name for row in ROWS)]
    parser.add_argument("--only", action="append", choices=choices, help="these rows; may be repeated")
    options = parser.parse_args(arguments)
    if options.quick:
        options.instances, options.repetitions = 20, 1
    if options.instances < 1 or options.repetitions < 1:
        parser.error("--instances and --repetitions begin at 1")
    return options


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
