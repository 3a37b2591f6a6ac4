"""One command timed: its wall from start to end, CPU and memory of its own and of whom it talks to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.data_path.measured import Attempt
from benchmarks.processes import busy_seconds, cpu_seconds, inherited, own_cpu_seconds, peak_bytes, run, said

LIMIT_SECONDS: Final = 100.0


def timed(
    command: Sequence[str],
    folder: Path,
    *,
    worker: str = "",
    servers: Mapping[int, str] | None = None,
    tcp_nodelay: bool = False,
    text: str = "",
) -> Attempt:
    """Run it to its end.

    `worker` names the command, and `servers` (pid → name) those whose CPU counts beside it, where their memory is told;
    without a name it is not.
    """
    served = servers or {}
    environment = {**inherited(tcp_nodelay=tcp_nodelay), "ADIT_DATA": str(folder / "data"), "CALLING_AE_TITLE": "BENCH"}
    busy, own, used = busy_seconds(), own_cpu_seconds(), sum(map(cpu_seconds, served))
    finished = run(command, environment=environment, folder=folder, limit_seconds=LIMIT_SECONDS, text=text)
    server_cpu = sum(map(cpu_seconds, served)) - used
    others = busy_seconds() - busy - (own_cpu_seconds() - own) - server_cpu
    peaks = {name: peak_bytes(pid) for pid, name in served.items() if name}
    if worker:
        peaks[worker] = finished.peaks.get(worker, finished.peak)
    return Attempt(
        finished.wall,
        finished.cpu,
        server_cpu,
        peaks,
        others=max(0.0, others / finished.wall),
        problem=said(Path(command[0]).name, finished) if finished.returncode else "",
    )
