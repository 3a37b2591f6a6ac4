"""What a person sees while something takes long: one line every few seconds, with the time and what is being done."""

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO


class ClusterError(Exception):
    """The local cluster cannot be had, and the message says what a person can do."""


@dataclass
class Doing:
    """Something that takes long; `now` is what it is at."""

    what: str
    now: str = ""
    began: float = field(default_factory=time.monotonic)

    def line(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        return f"{self.what}: {minutes}:{seconds:02d}{' · ' if self.now else ''}{self.now}"


@contextmanager
def reported(what: str, *, every: float = 5.0, to: TextIO | None = None) -> Iterator[Doing]:
    """Write a line about what is done inside after every `every` seconds, and one when it took that long."""
    doing, done = Doing(what), threading.Event()
    stream = to or sys.stderr

    def report() -> None:
        while not done.wait(every):
            print(doing.line(), file=stream, flush=True)

    thread = threading.Thread(target=report, daemon=True, name=f"progress of {what}")
    thread.start()
    try:
        yield doing
    finally:
        done.set()
        thread.join()


def run_reported(
    command: Sequence[str | Path], doing: Doing, words: Callable[[int, str], str], environment: Mapping[str, str]
) -> None:
    """Run a command, telling `doing` what `words` makes of the number and text of each line that it prints.

    Raises ClusterError with the last lines when it fails. Its niceness is 10: a person goes on working meanwhile.
    """
    last: deque[str] = deque(maxlen=20)
    with subprocess.Popen(
        ["nice", "-n", "10", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(environment),
    ) as process:
        assert process.stdout is not None
        try:
            for number, line in enumerate(process.stdout, start=1):
                last.append(line.rstrip())
                doing.now = words(number, line.strip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        tail = "\n  ".join(last)
        raise ClusterError(f"{doing.what} failed: {Path(command[0]).name} ended with {process.returncode}:\n  {tail}")
