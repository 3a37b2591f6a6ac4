"""`adit` as a started process on a data folder of its own, the way a person runs it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adit.api.resource import TaskSet, TransferJob
from adit.api.task_set import task_states
from adit.cluster.embedded import EmbeddedCluster
from adit.transfer.record import Entry, TaskLine, decode

MOST_SECONDS = 60.0
LOOK_SECONDS = 0.02
# Waits that a hospital needs and a test does not.
QUICK: Mapping[str, str] = {"ADIT_RETRY_SECONDS": "0", "ADIT_PROBE_SECONDS": "0.3"}


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the cluster keeps of a job: the job, the state of each task in its newest round, and the records."""

    job: TransferJob
    states: Mapping[str, str]
    lines: tuple[TaskLine, ...]
    entries: tuple[Entry, ...]

    @property
    def named(self) -> frozenset[str]:
        """Every instance that a record names as lost."""
        return frozenset(entry.instance for entry in self.entries if entry.kind == "Lost")


class Running:
    """A started `adit`; its output goes to files, so that it can be read while it runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def text(self) -> str:
        """What it has printed so far, to stdout and stderr."""
        return self._log.read_text("utf-8", "replace")

    def says(self, words: str, seconds: float = 30.0) -> None:
        """Wait until it has printed these words."""
        until(lambda: words in self.text, seconds, lambda: f"{words!r} did not appear in: {self.text}")

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """SIGTERM, as a service manager sends it."""
        self.process.terminate()

    def kill(self) -> None:
        """SIGKILL, to this process alone; returns when it is dead."""
        self.process.kill()
        self.process.wait()

    def ended(self, seconds: float = 40.0) -> int:
        """Wait for its end; the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"it did not end within {seconds:g} s: {self.text}") from error

    def children(self) -> list[int]:
        """The runners that it has now, by /proc."""
        return children_of(self.process.pid)


@dataclass(frozen=True, slots=True)
class Adit:
    """The program with a data folder; `environment` is added to the process's own."""

    data: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(QUICK))

    def command(self, *arguments: object) -> Sequence[str]:
        """The whole command line."""
        return [sys.executable, "-m", "adit_cli", "--data", str(self.data), *map(str, arguments)]

    def run(self, *arguments: object, stdin: str = "", before: Sequence[str] = ()) -> Result:
        """Run to its end; `before` is a program that starts it."""
        done = subprocess.run(  # noqa: S603 - our own program
            [*before, *self.command(*arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            env=self._env(),
            timeout=MOST_SECONDS,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, *arguments: object, log: str = "adit.out") -> Iterator[Running]:
        """Run beside the test; it is killed when the context ends, if it has not ended."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.data.with_name(f"{self.data.name}-{log}")
        with path.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._env(),
                preexec_fn=_with_ctrl_c,  # noqa: PLW1509 - it sets one signal and takes no lock
            )
        try:
            yield Running(process, path)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind in any namespace, as the cluster keeps them."""

        async def read() -> list[dict[str, Any]]:
            async with EmbeddedCluster.open(self.data) as cluster:
                return list((await cluster.list(kind)).items)

        return asyncio.run(read())

    def told(self) -> dict[str, Told]:
        """Every job by its name, with its records."""
        sets = [TaskSet.read(one) for one in self.objects("TaskSet")]
        jobs = [TransferJob.read(one) for one in self.objects("TransferJob")]
        return {job.metadata.name: _told(job, sets) for job in jobs}

    def _env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADIT_", "COLUMNS"))}
        return {**kept, **self.environment}


def _told(job: TransferJob, sets: Sequence[TaskSet]) -> Told:
    own = sorted(
        (one for one in sets if one.spec.owner.uid == job.metadata.uid),
        key=lambda one: (one.spec.round, one.spec.index),
    )
    records = [decode(one.status.runner.exceptions) for one in own if one.status.runner]
    states: dict[str, str] = {}
    for one in own:
        states |= {
            str(task.id): state for task, state in zip(one.spec.tasks, task_states(one.spec, one.status), strict=True)
        }
    return Told(
        job,
        states,
        tuple(line for record in records for line in record.tasks),
        tuple(entry for record in records for entry in record.entries),
    )


def until(
    happened: Callable[[], bool], seconds: float = 30.0, why: Callable[[], str] = lambda: "it never came"
) -> None:
    """Look again and again until it has happened, or fail."""
    give_up = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > give_up:
            raise AssertionError(why())
        time.sleep(LOOK_SECONDS)


def children_of(process_id: int) -> list[int]:
    """The living children of a process, over all of its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{process_id}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:  # the thread ended meanwhile
            continue
    return found


def alive(process_id: int) -> bool:
    """Whether a process runs: neither gone nor a zombie."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _with_ctrl_c() -> None:
    """A shell script's background job ignores Ctrl-C, and so would all that it starts: tests run there too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
