"""`python -m benchmarks`: transfers measured next to dcmtk's, as Markdown on standard output (docs/performance.md).

`python -m benchmarks data-path` measures each part of the data path (data_path/command.py), `python -m benchmarks
pseudonymize` de-identification (pseudonymize/command.py), and `python -m benchmarks operator` the operator
(control/command.py).
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adit.log_output import log_to
from adit.testing.programs import MissingProgram, require_program
from benchmarks.machine import machine_line, versions_line
from benchmarks.samples import Result, exit_code
from benchmarks.scenarios import SCENARIOS, Kind, Scale, Scenario, measure, studies
from benchmarks.table import render

if TYPE_CHECKING:
    from benchmarks.studies import StudyFiles

MEMORY_FOLDER: Final = Path("/dev/shm")
ROOM: Final = 4 << 30
"""Bytes: the source, two copies at the destination while it is cleared, and dcmtk's files between its programs."""


def main() -> int:
    options = _options()
    try:
        for program in ("Orthanc", "storescp", "getscu", "dcmsend"):
            require_program(program)
    except MissingProgram as missing:
        print(missing.message, file=sys.stderr)
        return 1
    deadline = time.monotonic() + options.minutes * 60
    scale = Scale(options.instances, options.reps, deadline)
    chosen = [one for one in SCENARIOS if not options.only or one.name in options.only]
    folder = Path(tempfile.mkdtemp(prefix="adit-bench-", dir=_place()))
    try:
        print(machine_line(folder), versions_line(), sep="\n", end="\n\n", flush=True)
        results = _measure_all(chosen, scale, folder)
        print(machine_line(folder), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return exit_code(results, len(chosen))


def _measure_all(chosen: Sequence[Scenario], scale: Scale, folder: Path) -> list[Result]:
    """Print each table as soon as it is known."""
    written: dict[Kind, Sequence[StudyFiles]] = {}
    results: list[Result] = []
    for scenario in chosen:
        if time.monotonic() > scale.deadline:
            print(f"### {scenario.name}: not measured, the time was over\n", flush=True)
            continue
        if scenario.kind not in written:
            written[scenario.kind] = studies(scenario.kind, scale, folder / "data")
        peers = folder / scenario.name
        result = measure(scenario, written[scenario.kind], scale, peers)
        shutil.rmtree(peers)
        results.append(result)
        print(render(result), flush=True)
    return results


def _place() -> Path | None:
    """Memory where it has room, so that no disk is measured; else the usual temporary folder."""
    try:
        return MEMORY_FOLDER if shutil.disk_usage(MEMORY_FOLDER).free > ROOM else None
    except OSError:
        return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--instances", type=int, default=500, help="CT slices; the other sizes follow (500)")
    parser.add_argument("--reps", type=int, default=3, help="repetitions, of which the median counts (3)")
    parser.add_argument("--minutes", type=float, default=12.0, help="begin no repetition after this (12)")
    parser.add_argument("--quick", action="store_true", help="100 slices, once: an impression, not a measurement")
    parser.add_argument(
        "--only", action="append", choices=[one.name for one in SCENARIOS], help="this scenario; may be repeated"
    )
    options = parser.parse_args()
    if options.quick:
        options.instances, options.reps = 100, 1
    if options.instances < 1 or options.reps < 1:
        parser.error("--instances and --reps begin at 1")
    return options


if __name__ == "__main__":
    if sys.argv[1:2] == ["operator"]:
        from benchmarks.control import command  # needs the tests' Kubernetes, which a transfer does not

        with Path(os.devnull).open("w") as nowhere:
            log_to(nowhere)  # the lines of simulated runners, which are in this process
            raise SystemExit(command.main(sys.argv[2:]))
    if sys.argv[1:2] == ["data-path"]:
        from benchmarks.data_path import command as data_path

        raise SystemExit(data_path.main(sys.argv[2:]))
    if sys.argv[1:2] == ["pseudonymize"]:
        from benchmarks.pseudonymize import command as pseudonymize

        raise SystemExit(pseudonymize.main(sys.argv[2:]))
    raise SystemExit(main())
