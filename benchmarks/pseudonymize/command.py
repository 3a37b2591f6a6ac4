"""`python -m benchmarks pseudonymize`: de-identification next to dicognito, as Markdown, also in .bench/."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from adit.testing.programs import MissingProgram, require_program
from benchmarks.data_path import report
from benchmarks.data_path.command import attempted, memory_folder, temporary_folder, turned
from benchmarks.data_path.measured import Attempt, Lane, Measured
from benchmarks.data_path.place import Place, Scale
from benchmarks.data_path.rows import Row
from benchmarks.machine import machine_line, versions_line
from benchmarks.pseudonymize.rows import GROUPS, ROWS
from benchmarks.pseudonymize.slices import write_scanner_slices
from benchmarks.studies import StudyFiles

OUTPUT: Final = Path(".bench/pseudonymize.md")


def main(arguments: Sequence[str]) -> int:
    """0 where everything was measured, whether or not a goal was missed."""
    options = _options(arguments)
    chosen = [row for row in ROWS if not options.only or row.group in options.only]
    try:
        for program in ("Orthanc", "storescp", "dcmsend"):
            require_program(program)
    except MissingProgram as missing:
        print(missing.message, file=sys.stderr)
        return 1
    deadline = time.monotonic() + options.minutes * 60
    with ExitStack() as stack:
        folder, disk = temporary_folder(stack, memory_folder()), temporary_folder(stack, None)
        place = Place(folder, disk, Scale(options.instances), stack)
        study = write_scanner_slices(folder / "data", options.instances)
        lines = [machine_line(folder), versions_line(), "", report.head()]
        print("\n".join(lines), flush=True)
        rows: list[Measured] = []
        for row in chosen:
            rows.append(_measured(row, place, study, options.repetitions, deadline))
            lines.append(report.row(rows[-1]))
            print(lines[-1], flush=True)
        end = ["", report.titles(rows), "", report.memory(rows), "", machine_line(folder)]
        print("\n".join(end), flush=True)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text("\n".join([*lines, *end, ""]), "utf-8")
    return 0 if report.complete(rows) else 1


def _measured(row: Row, place: Place, study: StudyFiles, repetitions: int, deadline: float) -> Measured:
    """All programs in turn, each repetition beginning with another one."""
    attempts: dict[str, list[Attempt]] = {one.name: [] for one in row.contenders}
    wanted = min(repetitions, row.most)
    for number in range(wanted):
        for one in turned(row.contenders, number):
            if time.monotonic() > deadline or any(attempt.problem for attempt in attempts[one.name]):
                continue
            attempts[one.name].append(replace(attempted(one, place, study), gaps=()))
    lanes = tuple(
        Lane(one.name, one.ours, study.instances, study.size, tuple(attempts[one.name])) for one in row.contenders
    )
    title = f"{row.title} ({study.instances:,} × {study.size / study.instances / 1e6:.3g} MB)"
    return Measured(row.name, title, wanted, lanes, {one.name: one.goal for one in row.contenders if one.goal})


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks pseudonymize", description=__doc__)
    parser.add_argument("--instances", type=int, default=500, help="CT slices (500)")
    parser.add_argument("--repetitions", type=int, default=3, help="of which the median counts (3)")
    parser.add_argument("--minutes", type=float, default=6.0, help="begin no repetition after this (6)")
    parser.add_argument("--quick", action="store_true", help="20 slices, once: whether it works")
    parser.add_argument("--only", action="append", choices=GROUPS, help="these rows; may be repeated")
    options = parser.parse_args(arguments)
    if options.quick:
        options.instances, options.repetitions = 20, 1
    if options.instances < 1 or options.repetitions < 1:
        parser.error("--instances and --repetitions begin at 1")
    return options
