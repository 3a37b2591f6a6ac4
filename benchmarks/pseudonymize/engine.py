"""The ways to de-identify files of a folder: by dicognito, by the engine, by several workers."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks.data_path.measured import Attempt
from benchmarks.data_path.place import Place
from benchmarks.data_path.ways import Way
from benchmarks.processes import busy_seconds, inherited
from benchmarks.pseudonymize.proof import files_problem
from benchmarks.studies import StudyFiles

By = Literal["dicognito", "memoised", "plain"]
COMMAND: Final = (sys.executable, "-m", "benchmarks.pseudonymize.engine_child")
LIMIT_SECONDS: Final = 100.0


def in_one_place(by: By, *, workers: int = 1, rounds: int = 1) -> Way:
    """Wall is from the moment when all workers are told to begin to the end of the last one, for one of the rounds."""

    def way(place: Place, study: StudyFiles) -> Attempt:
        with place.work() as folder, ExitStack() as stack:
            out = folder / "out"
            out.mkdir()
            paths = sorted(study.directory.iterdir())
            children = [_started(by, paths[number::workers] * rounds, out, stack) for number in range(workers)]
            busy = busy_seconds()
            measured = _measured(children)
            wall = max(one["end"] for one in measured) - min(one["start"] for one in measured)
            cpu = sum(one["cpu"] for one in measured)
            others = max(0.0, (busy_seconds() - busy - cpu) / wall)
            peaks = {"engine": max(one["peak"] for one in measured)} if by != "dicognito" else {}
            attempt = Attempt(wall / rounds, cpu / rounds, peaks=peaks, others=others)
            return (
                attempt.failed(problem) if (problem := files_problem(study, out, ours=by != "dicognito")) else attempt
            )

    return way


def _started(by: By, paths: Sequence[Path], out: Path, stack: ExitStack) -> subprocess.Popen[str]:
    """A child that has imported everything and waits."""
    child = stack.enter_context(
        subprocess.Popen(COMMAND, env=inherited(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    )
    stack.callback(child.kill)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps({"do": by, "paths": [str(path) for path in paths], "out": str(out)}) + "\n")
    child.stdin.flush()
    if child.stdout.readline().strip() != "ready":
        raise RuntimeError("a worker could not start")
    return child


def _measured(children: Sequence[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    answers = [child.communicate(timeout=LIMIT_SECONDS)[0] for child in children]
    if any(child.returncode for child in children):
        raise RuntimeError("a worker ended with an error")
    return [json.loads(answer) for answer in answers]
