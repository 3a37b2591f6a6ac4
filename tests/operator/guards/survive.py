"""A process of its own: play the kept example of each guard on the copy of the source that lacks it.

`python survive.py FOLDER GUARD…` reads FOLDER/<guard>/{adit_operator,adit_jobrunner} and prints one line per guard.
What does not change is imported once; each guard is played in a fork that imports the changed copy.
"""

import asyncio
import importlib
import os
import sys
import tempfile
from pathlib import Path

import pydantic_settings  # noqa: F401  # as above
import structlog

import adit.cluster.embedded
import adit.connectors
import adit.testing.cluster
import adit.transfer.record  # noqa: F401  # like the others, imported before the forks

ROOT = Path(__file__).resolve().parents[3]
MEMORY = Path("/dev/shm")  # a folder of our own below it


def main() -> None:
    folder, *guards = sys.argv[1:]
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for guard in guards:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.write(writer, _verdict(Path(folder) / guard, guard).encode()[:4000])
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as told:
            print(guard, told.read() or "died", sep="\t", flush=True)  # noqa: T201  # the answer
        os.waitpid(child, 0)


def _verdict(copy: Path, guard: str) -> str:
    """What became of the example: survived, `caught: <why>`, or `broken: <how>` where something else went wrong."""
    sys.path[:0] = [str(copy)]
    sys.path.append(str(ROOT))
    kept = importlib.import_module("tests.operator.guards.kept")
    for name in ("adit_operator", "adit_jobrunner"):
        if not str(sys.modules[name].__file__).startswith(str(copy)):
            return f"broken: {name} was not imported from the copy"
    flock, steps = kept.EXAMPLES[guard]
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as data:
        try:
            asyncio.run(kept.survive(Path(data) / "data", flock, steps))
        except AssertionError as error:
            return f"caught: {error}"
        except BaseException as error:  # noqa: BLE001  # whatever it was, it is told
            return f"broken: {type(error).__name__}: {error}"
    return "survived"


if __name__ == "__main__":
    main()
