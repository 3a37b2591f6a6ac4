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


def _ours(by: By, to: To, times: float) -> Contender:
    return Contender(by, through(by, to), ours=True, goal=_faster(times))


_ENGINE: Final = (
    Contender("dicognito", in_one_place("dicognito")),
    Contender("engine", in_one_place("memoised"), ours=True, goal=_faster(4)),
    Contender("engine, no memory", in_one_place("plain"), ours=True, goal=_faster(1.2)),
)
_WORKERS: Final = (
    Contender("1 worker", in_one_place("memoised", rounds=ROUNDS), ours=True),
    Contender("2 workers", in_one_place("memoised", workers=2, rounds=ROUNDS), ours=True, goal=_faster(1.7)),
)
_TO_STORESCP: Final = (
    Contender("pynetdicom and dicognito", through("pynetdicom", "storescp")),
    _ours("pipeline", "storescp", 8),
    _ours("adit run", "storescp", 8),
)
_TO_ORTHANC: Final = (
    Contender("pynetdicom and dicognito", through("pynetdicom", "Orthanc")),
    _ours("pipeline", "Orthanc", 4),
    _ours("adit run", "Orthanc", 4),
)

ROWS: Final = (
    Row("engine", "engine", "files read, rewritten by `basic` with the last look, and written", "ct", _ENGINE),
    Row("engine", "workers", "the same by processes side by side", "ct", _WORKERS),
    Row("through", "to storescp", "Orthanc to storescp under a pseudonym", "ct", _TO_STORESCP),
    Row("through", "to Orthanc", "Orthanc to Orthanc under a pseudonym", "ct", _TO_ORTHANC),
)
GROUPS: Final = tuple(dict.fromkeys(row.group for row in ROWS))
