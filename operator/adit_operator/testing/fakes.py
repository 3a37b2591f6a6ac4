"""Fakes of the operator's seams: a clock that is set by hand, and a prober that answers what it is told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adit.api.resource import DicomServer
from adit.cluster.events import Happening

if TYPE_CHECKING:
    import asyncio

    from adit.errors import AditError

START = datetime(2026, 1, 1, tzinfo=UTC)


class ManualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds


class KeptEvents:
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[Happening] = []

    def record(self, happening: Happening) -> None:
        self.told.append(happening)

    @property
    def reasons(self) -> list[str]:
        """The words alone."""
        return [happening.reason for happening in self.told]


class FakeProber:
    """Every server answers, but those that were given an error; remembers whom it asked, and with what."""

    def __init__(self) -> None:
        self.errors: dict[str, AditError] = {}
        self.asked: list[tuple[str, dict[str, bytes]]] = []
        # servers that keep silent until their event is set
        self.silent: dict[str, asyncio.Event] = {}

    async def probe(self, server: DicomServer, credentials: Mapping[str, bytes]) -> None:
        self.asked.append((server.metadata.name, dict(credentials)))
        if server.metadata.name in self.silent:
            await self.silent[server.metadata.name].wait()
        if server.metadata.name in self.errors:
            raise self.errors[server.metadata.name]
