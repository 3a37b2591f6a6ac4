"""De-identifying files, and whole transfers, next to dicognito; the first program of a row is the reference."""

from typing import Final

from benchmarks.data_path.measured import Goal
from benchmarks.data_path.rows import Contender, Row
from benchmarks.pseudonymize.engine import in_one_place
from benchmarks.pseudonymize.through import By, To, through

ROUNDS: Final = 6
"""So that two workers are at it long enough to tell what they gain."""


def _faster(times: float) -> Goal:
    return Goal(ratio=1 / times, share=f"≥{times:g}× as fast")


def _through(to: To, times: float, *, tcp_nodelay: bool = True) -> tuple[Contender, ...]:
    programs: tuple[By, ...] = ("pipeline", "adit run")
    ours = (Contender(by, through(by, to, tcp_nodelay=tcp_nodelay), ours=True, goal=_faster(times)) for by in programs)
    return (Contender("pynetdicom and dicognito", through("pynetdicom", to, tcp_nodelay=tcp_nodelay)), *ours)


_ENGINE: Final = (
    Contender("dicognito", in_one_place("dicognito")),
    Contender("engine", in_one_place("memoised"), ours=True, goal=_faster(4)),
    Contender("engine, no memory", in_one_place("plain"), ours=True, goal=_faster(1.2)),
)
_WORKERS: Final = (
    Contender("1 worker", in_one_place("memoised", rounds=ROUNDS), ours=True),
    Contender("2 workers", in_one_place("memoised", workers=2, rounds=ROUNDS), ours=True, goal=_faster(1.7)),
)
_INSTALLED: Final = (_through("storescp", 8, tcp_nodelay=False), _through("Orthanc", 4, tcp_nodelay=False))

ROWS: Final = (
    Row("engine", "engine", "files read, rewritten by `basic` with the last look, and written", "ct", _ENGINE),
    Row("engine", "workers", "the same by processes side by side", "ct", _WORKERS),
    Row("through", "to storescp", "Orthanc to storescp under a pseudonym", "ct", _through("storescp", 8)),
    Row("through", "to Orthanc", "Orthanc to Orthanc under a pseudonym", "ct", _through("Orthanc", 4)),
    Row("installed", "to storescp, installed", "the same, peers as installed", "ct", _INSTALLED[0], most=1),
    Row("installed", "to Orthanc, installed", "the same, peers as installed", "ct", _INSTALLED[1], most=1),
)
GROUPS: Final = tuple(dict.fromkeys(row.group for row in ROWS))
