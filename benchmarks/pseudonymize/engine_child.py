"""The child of one measurement of the engine: read, rewrite, write a list of files in one process, told in JSON.

It waits for a line when everything is imported, so that several children begin at once and no start-up is measured.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import dicognito.anonymizer
from pydicom import dcmread

from adit.pseudonymization import BUILT_IN, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.transfer.outcomes import Rewritten
from adit.transfer.part10 import front_of, open_part10
from adit.transfer.rewriter import Subject
from benchmarks.processes import own_cpu_seconds, peak_bytes

KEY: Final = bytes(range(32))
Work = Callable[[Sequence[Path], Path], int]


def main() -> None:
    order = json.loads(sys.stdin.readline())
    paths = [Path(one) for one in order["paths"]]
    print("ready", flush=True)
    sys.stdin.readline()
    start, cpu = time.monotonic(), own_cpu_seconds()
    written = WORK[order["do"]](paths, Path(order["out"]))
    measured = {"start": start, "end": time.monotonic(), "cpu": own_cpu_seconds() - cpu}
    print(json.dumps({**measured, "written": written, "peak": peak_bytes("self")}))


def by_dicognito(paths: Sequence[Path], out: Path) -> int:
    """As its own documentation has it."""
    anonymizer = dicognito.anonymizer.Anonymizer(seed="benchmark")
    for path in paths:
        dataset = dcmread(path)
        anonymizer.anonymize(dataset)
        dataset.save_as(out / path.name)
    return len(paths)


def memoised(paths: Sequence[Path], out: Path) -> int:
    return _by_the_engine(paths, out, memoise=True)


def plain(paths: Sequence[Path], out: Path) -> int:
    return _by_the_engine(paths, out, memoise=False)


def _by_the_engine(paths: Sequence[Path], out: Path, *, memoise: bool) -> int:
    """Full profile, verifier included."""
    rewriter, subject = Pseudonymizer(BUILT_IN["basic"], ProjectKey(KEY), memoise=memoise), Subject("BENCH-PSEUDONYM")
    written = 0
    for path in paths:
        outcome = rewriter.rewrite(open_part10(path), subject)
        if isinstance(outcome, Rewritten):
            with (out / path.name).open("wb") as file:
                file.write(front_of(outcome.instance))
                file.writelines(outcome.instance.chunks())
            written += 1
    return written


WORK: Final[dict[str, Work]] = {"dicognito": by_dicognito, "memoised": memoised, "plain": plain}

if __name__ == "__main__":
    main()
