"""The measured operator as a child process: started, watched for its memory, ended, and asked what it noted."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import cpu_seconds, peak_bytes

END_SECONDS = 30.0


@dataclass
class Operated:
    """A running operator; what it noted is there once it has ended."""

    pid: int
    log: Path
    peak: int = 0
    cpu: float = 0.0
    latest: float = 0.0
    results: Mapping[str, int] = field(default_factory=dict)
    reconciles: Sequence[tuple[float, float]] = ()
    turns: Sequence[float] = ()

    def look(self) -> None:
        """Note memory (bytes, highest so far) and CPU (seconds)."""
        self.peak, self.cpu = max(self.peak, peak_bytes(self.pid)), cpu_seconds(self.pid)

    def seconds_between(self, start: float, end: float) -> list[float]:
        """How long the reconciles took that ended in this time, sorted."""
        return sorted(seconds for when, seconds in self.reconciles if start <= when <= end)


@contextmanager
def operated(environment: Mapping[str, str], folder: Path) -> Iterator[Operated]:
    """Run the operator while the context is open. Raises RuntimeError with its last words where it ended too soon."""
    out, log = folder / "noted.json", folder / "operator.log"
    command = [sys.executable, "-m", "benchmarks.control.operator_program", str(out)]
    with log.open("ab") as errors:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=errors, stdout=errors)
    operator = Operated(process.pid, log)
    try:
        yield operator
        if process.poll() is None:
            operator.look()
            process.send_signal(signal.SIGTERM)
        code = process.wait(END_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code or not out.exists():
        raise RuntimeError(f"the operator ended with {code}: {log.read_text('utf-8', 'replace')[-2000:]}")
    noted = json.loads(out.read_text())
    operator.reconciles = [(when, seconds) for when, seconds in noted["reconciles"]]
    operator.results, operator.latest, operator.turns = noted["results"], noted["latest"], noted["turns"]
